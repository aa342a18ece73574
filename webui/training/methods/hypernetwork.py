"""Hypernetworks as A1111 trains them: small networks in front of every attention's keys and values."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from webui.core.errors import InvalidRequest
from webui.core.model_file import ModelKind
from webui.core.work.training_run import TrainingRun
from webui.diffusion.adapters.hypernetwork import Hypernetwork, HypernetworkAdapter, WeightedHypernetwork
from webui.models.files.hypernetworks import find_activation
from webui.models.files.pickles import load_pickle
from webui.training.methods.base import BaseTrainable
from webui.training.methods.dropout import Dropout
from webui.training.methods.files import write_pickle
from webui.training.methods.metadata import TrainedOn
from webui.training.methods.trainable import ParameterGroup
from webui.training.networks import TrainingNetworks
from webui.training.seeds import generator_for

USUAL_STRUCTURE = (1.0, 2.0, 1.0)
# A1111's initialisation "Normal", of layer norms too.
DEVIATION = 0.01
SIDES = ("keys", "values")


@dataclass(frozen=True, slots=True)
class Structure:
    """Of each small network: its layers' widths in shares of the input's, and what lies between them.

    The last layer has no activation, and dropout stands after the layers between the first and last two, as
    A1111 has it by default.
    """

    layers: tuple[float, ...]
    activation: str
    has_layer_norm: bool
    dropout: float

    @classmethod
    def of(cls, run: TrainingRun) -> "Structure":
        """Of a run. Raises InvalidRequest."""
        layers = tuple(run.layers or USUAL_STRUCTURE)
        if len(layers) < 3 or layers[0] != 1 or layers[-1] != 1 or min(layers) <= 0:
            raise InvalidRequest(
                f"A hypernetwork cannot have the layers {', '.join(f'{each:g}' for each in layers)}. Begin "
                "and end with 1, with at least one width above 0 between, as 1, 2, 1."
            )
        return cls(layers, run.activation or "linear", bool(run.layer_norm), run.dropout or 0.0)

    @property
    def dropout_structure(self) -> list[float]:
        """The share that is left out after each layer, as the file notes it; the first is the input's."""
        between = [self.dropout] * (len(self.layers) - 3)
        return [0, *between, 0, 0] if self.dropout else [0] * len(self.layers)


class Chain(nn.Module):
    """One small network: what is added to tokens (B, T, D)."""

    def __init__(
        self, structure: Structure, width: int, dropout: Dropout, generator: torch.Generator
    ) -> None:
        """With random numbers. Raises UnusableFile for an unknown activation."""
        super().__init__()
        parts: list[nn.Module] = []
        widths = [int(width * share) for share in structure.layers]
        activation = find_activation(structure.activation, "The hypernetwork")
        last = len(widths) - 2
        for number in range(last + 1):
            # torch's own numbers would come from the generator that everybody shares.
            parts.append(nn.utils.skip_init(nn.Linear, widths[number], widths[number + 1]))
            if number < last and activation is not None:
                parts.append(activation)
            if structure.has_layer_norm:
                parts.append(nn.LayerNorm(widths[number + 1]))
            if structure.dropout_structure[number + 1]:
                parts.append(DropoutLayer(dropout, number))
        # A1111's name; the tensors' names follow from it.
        self.linear = nn.Sequential(*parts)
        for part in parts:
            if isinstance(part, nn.Linear | nn.LayerNorm):
                nn.init.normal_(part.weight, 0.0, DEVIATION, generator=generator)
                nn.init.zeros_(part.bias)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T, D) to (B, T, D)."""
        return self.linear(tokens)


class DropoutLayer(nn.Module):
    """Dropout as a part of a chain."""

    def __init__(self, dropout: Dropout, number: int) -> None:
        super().__init__()
        self._dropout = Dropout(dropout.share, dropout.generator, dropout.number + number)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T, D) with some values left out."""
        return self._dropout(tokens)


class TrainableHypernetwork(BaseTrainable):
    """Two chains for each width that an attention reads."""

    kind = ModelKind.HYPERNETWORK
    suffix = ".pt"

    def __init__(self, run: TrainingRun, networks: TrainingNetworks) -> None:
        """New, or the file to go on from. Raises InvalidRequest, UnusableFile."""
        super().__init__()
        self._run, self._networks, self._structure = run, networks, Structure.of(run)
        initial = generator_for(run.seed, "hypernetwork")
        self.chains: dict[int, tuple[Chain, ...]] = {}
        for width in attention_widths(networks.unet):
            numbers = [1000 * (2 * len(self.chains) + side) for side in range(len(SIDES))]
            drops = [Dropout(self._structure.dropout, self.generator, number) for number in numbers]
            self.chains[width] = tuple(
                Chain(self._structure, width, drop, initial).to(networks.device) for drop in drops
            )
        keys = {width: pair[0] for width, pair in self.chains.items()}
        values = {width: pair[1] for width, pair in self.chains.items()}
        self._acting = [WeightedHypernetwork(Hypernetwork(keys, values), 1.0)]
        if run.start_from:
            self._start_from(Path(run.start_from))

    @property
    def groups(self) -> list[ParameterGroup]:
        """All chains."""
        return [ParameterGroup("unet", list(self.parameters().values()))]

    def parameters(self) -> dict[str, nn.Parameter]:
        """By width, side and A1111's names."""
        return {
            f"{width}.{side}.{name}": parameter
            for width, pair in self.chains.items()
            for side, chain in zip(SIDES, pair, strict=True)
            for name, parameter in chain.named_parameters()
        }

    @contextmanager
    def attach(self) -> Iterator[None]:
        """Every attention's keys and values read what the chains change."""
        with HypernetworkAdapter(self._acting).attach(self._networks.unet):
            yield

    @contextmanager
    def suspend(self) -> Iterator[None]:
        """Keys and values read as before while the context is open."""
        acting = self._acting[:]
        self._acting.clear()
        try:
            yield
        finally:
            self._acting.extend(acting)

    def save(self, path: Path, metadata: Mapping[str, str]) -> None:
        """Write A1111's file."""
        noted, structure = TrainedOn.read(metadata), self._structure
        content: dict[Any, Any] = {
            width: tuple(_tensors_of(chain) for chain in pair) for width, pair in self.chains.items()
        }
        content |= {
            "step": noted.step,
            "name": self._run.name,
            "layer_structure": [int(each) if each == int(each) else each for each in structure.layers],
            "activation_func": structure.activation,
            "is_layer_norm": structure.has_layer_norm,
            "weight_initialization": "Normal",
            "sd_checkpoint": noted.short_hash,
            "sd_checkpoint_name": noted.checkpoint,
            "activate_output": False,
            "use_dropout": bool(structure.dropout),
            "dropout_structure": structure.dropout_structure,
            "last_layer_dropout": False,
            "optional_info": None,
        }
        write_pickle(path, content)

    def _start_from(self, path: Path) -> None:
        content = load_pickle(path)
        for width, pair in self.chains.items():
            tables = content.get(width) if isinstance(content, Mapping) else None
            if not isinstance(tables, Sequence) or len(tables) != len(SIDES):
                raise InvalidRequest(
                    f"{path.name} cannot be gone on from: it has nothing for tokens of {width} numbers. "
                    "Choose a hypernetwork for the same family."
                )
            for chain, table in zip(pair, tables, strict=True):
                _fill(chain, table, path.name)


def read_structure(path: Path) -> dict[str, object]:
    """The fields of a run that a file's small networks were made with. Raises UnusableFile."""
    content = load_pickle(path)
    if not isinstance(content, Mapping):
        return {}
    layers, activation = content.get("layer_structure"), content.get("activation_func")
    drops = content.get("dropout_structure")
    shares = [each for each in drops if isinstance(each, int | float)] if isinstance(drops, list) else []
    found: dict[str, object] = {"layer_norm": bool(content.get("is_layer_norm"))}
    if isinstance(layers, Sequence) and all(isinstance(each, int | float) for each in layers):
        found["layers"] = tuple(float(each) for each in layers)
    if isinstance(activation, str):
        found["activation"] = activation
    if content.get("use_dropout"):
        found["dropout"] = min(max([0.0, *map(float, shares)]), 0.9)
    return found


def attention_widths(unet: nn.Module) -> list[int]:
    """How many numbers the tokens have that attentions read, the smallest first."""
    found = (getattr(module, "to_k", None) for module in unet.modules())
    return sorted({each.in_features for each in found if isinstance(each, nn.Linear)})


def _tensors_of(chain: Chain) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().clone() for name, tensor in chain.state_dict().items()}


@torch.no_grad()
def _fill(chain: Chain, table: object, name: str) -> None:
    """Take over a file's tensors. Raises InvalidRequest."""
    given = table if isinstance(table, Mapping) else {}
    for key, parameter in chain.named_parameters():
        tensor = given.get(key)
        if not isinstance(tensor, Tensor) or tensor.shape != parameter.shape:
            raise InvalidRequest(
                f"{name} cannot be gone on from: its layers are others than this run's. Choose the layers "
                "and layer norm that it was trained with."
            )
        parameter.copy_(tensor)
