"""LoRA and its kin: small parameters at many layers of a checkpoint that itself stays as it is."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from webui.core.errors import InvalidRequest
from webui.core.model_file import ModelKind
from webui.core.work.training_run import TrainingRun
from webui.training.methods.base import BaseTrainable
from webui.training.methods.changed_layers import (
    ChangedLayer,
    DecomposedLayer,
    HadamardLayer,
    KroneckerLayer,
    LowRankLayer,
)
from webui.training.methods.dropout import Dropout
from webui.training.methods.files import add_hashes, numbers_of, write_tensors
from webui.training.methods.layers import TrainedLayer, text_layers, unet_layers
from webui.training.methods.start import read_layers_of
from webui.training.methods.trainable import ParameterGroup, Part
from webui.training.networks import TrainingNetworks
from webui.training.seeds import generator_for

MakeChange = Callable[[TrainedLayer, int, float, Dropout, torch.Generator], ChangedLayer]


class TrainableLayers(BaseTrainable):
    """Changes of many layers, trained together, and the file that they become."""

    kind = ModelKind.LORA

    def __init__(self, run: TrainingRun, networks: TrainingNetworks, make: MakeChange) -> None:
        """New ones, or those of the file to go on from. Raises InvalidRequest, UnusableFile."""
        super().__init__()
        self._format = numbers_of(run)
        self._layers = choose_layers(run, networks)
        initial = generator_for(run.seed, "layers")
        self.changes: dict[str, ChangedLayer] = {}
        for number, layer in enumerate(self._layers):
            rank, alpha = rank_and_alpha(run, layer)
            dropout = Dropout(run.dropout or 0.0, self.generator, number)
            self.changes[layer.name] = make(layer, rank, alpha, dropout, initial)
        if run.start_from:
            self._start_from(Path(run.start_from), networks)

    @property
    def groups(self) -> list[ParameterGroup]:
        """By part and block, those layers only that anything depends on."""
        found: dict[tuple[Part, str], list[nn.Parameter]] = {}
        for layer in self._layers:
            if layer.is_read:
                parameters = found.setdefault((layer.part, layer.block), [])
                parameters += self.changes[layer.name].parameters()
        return [ParameterGroup(part, parameters, block) for (part, block), parameters in found.items()]

    @property
    def trains_text(self) -> bool:
        """Whether layers of text encoders are among them."""
        return any(layer.part == "text" for layer in self._layers)

    @contextmanager
    def attach(self) -> Iterator[None]:
        """Every layer answers with its change; afterwards as before."""
        with ExitStack() as stack:
            for change in self.changes.values():
                stack.enter_context(answer_with(change.layer, change))
            yield

    @contextmanager
    def suspend(self) -> Iterator[None]:
        """Every layer answers as before while the context is open."""
        with ExitStack() as stack:
            for change in self.changes.values():
                stack.enter_context(answer_as_before(change.layer))
            yield

    def parameters(self) -> dict[str, nn.Parameter]:
        """By the layer's name and their own."""
        return {
            f"{layer}.{name}": parameter
            for layer, change in self.changes.items()
            for name, parameter in change.named_parameters()
        }

    def save(self, path: Path, metadata: Mapping[str, str]) -> None:
        """Write kohya's file."""
        tensors = {
            f"{layer}.{end}": as_written(tensor, self._format)
            for layer, change in self.changes.items()
            for end, tensor in change.tensors().items()
        }
        write_tensors(path, tensors, add_hashes(tensors, metadata))

    @torch.no_grad()
    def _start_from(self, path: Path, networks: TrainingNetworks) -> None:
        found, trained = read_layers_of(path, networks), {layer.module for layer in self._layers}
        for layer in self._layers:
            tensors = found.get(layer.module)
            if tensors is None:
                continue
            wrong = self.changes[layer.name].load_tensors(tensors)
            if wrong:
                raise InvalidRequest(
                    f"{path.name} cannot be gone on from: its {wrong[0]} at {layer.name} is missing, of "
                    "another size or too much. Choose the method, rank and factor that it was trained with."
                )
        if not found.keys() & trained:
            raise InvalidRequest(
                f"{path.name} cannot be gone on from: it has nothing for the layers that are trained. Choose "
                "a file of the same method and family."
            )
        lost = [layer for layer, tensors in found.items() if layer not in trained and is_change(tensors)]
        if lost:
            raise InvalidRequest(
                f"{path.name} cannot be gone on from: this run leaves alone {len(lost)} of the layers it "
                "changes, and what they learned would be lost. Set conv_rank, train_text and train_unet as "
                "they were when it was trained."
            )


def is_change(tensors: Mapping[str, Tensor]) -> bool:
    """Whether a layer's tensors change it. A change is a product: nothing where one factor is zero."""
    return all(bool(tensor.any()) for tensor in tensors.values())


def as_written(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """In the file's numbers; a lone number that would be rounded stays exact, for it scales a whole layer."""
    written = tensor.to("cpu", dtype)
    return tensor.cpu() if tensor.ndim == 0 and float(written) != float(tensor) else written


def make_layers(run: TrainingRun, networks: TrainingNetworks) -> TrainableLayers:
    """What the run's method trains at layers. Raises InvalidRequest, UnusableFile."""
    method = "lora" if run.method == "dreambooth" else run.method
    if run.dropout and method in NO_DROPOUT:
        raise InvalidRequest(
            f"The method {method} has no dropout. Leave it at 0, or choose the method lora or locon."
        )
    factor = -1 if run.factor is None else run.factor

    def make_kronecker(
        layer: TrainedLayer, rank: int, alpha: float, dropout: Dropout, generator: torch.Generator
    ) -> ChangedLayer:
        return KroneckerLayer(layer.module, rank, alpha, dropout, generator, factor)

    if method == "lokr":
        return TrainableLayers(run, networks, make_kronecker)
    kind = KINDS[method]
    return TrainableLayers(run, networks, lambda layer, *others: kind(layer.module, *others))


KINDS: Mapping[str, type[LowRankLayer | DecomposedLayer | HadamardLayer]] = {
    "lora": LowRankLayer,
    "locon": LowRankLayer,
    "dora": DecomposedLayer,
    "loha": HadamardLayer,
}
NO_DROPOUT = frozenset({"dora", "loha", "lokr"})


def choose_layers(run: TrainingRun, networks: TrainingNetworks) -> list[TrainedLayer]:
    """Those that the run trains. Raises InvalidRequest."""
    found: list[TrainedLayer] = []
    if run.train_text:
        found += text_layers(networks, run.clip_skip or 1)
    if run.train_unet is not False:
        found += unet_layers(networks, convolutions=bool(run.conv_rank))
    if not found:
        raise InvalidRequest("Nothing is left to train. Train the U-Net, the text encoders or both.")
    return found


def rank_and_alpha(run: TrainingRun, layer: TrainedLayer) -> tuple[int, float]:
    """Of one layer; alpha that is not said is the rank's."""
    rank = run.rank or 1
    if layer.has_kernel:
        rank = run.conv_rank or rank
        return rank, float(run.conv_alpha or rank)
    return rank, float(run.alpha or rank)


@contextmanager
def answer_with(layer: nn.Module, change: nn.Module) -> Iterator[None]:
    """Calls of one layer go to `change` while the context is open. Only this object knows of it."""
    kept = layer.__dict__.get("forward")
    layer.forward = change.forward
    try:
        yield
    finally:
        if kept is None:
            del layer.__dict__["forward"]
        else:
            layer.forward = kept


@contextmanager
def answer_as_before(layer: nn.Module) -> Iterator[None]:
    """Calls of one layer go to its own class while the context is open, whatever it is attached to."""
    kept = layer.__dict__.pop("forward", None)
    try:
        yield
    finally:
        if kept is not None:
            layer.forward = kept
