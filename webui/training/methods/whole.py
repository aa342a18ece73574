"""DreamBooth (Ruiz et al. 2022) and fine-tuning: the networks' own weights are trained."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from webui.core.errors import InvalidRequest
from webui.core.model_file import ModelKind
from webui.core.work.training_run import TrainingRun
from webui.diffusion.text_encoder import TextTower
from webui.store.files.atomic import write_atomically
from webui.training.methods.base import BaseTrainable
from webui.training.methods.files import numbers_of
from webui.training.methods.layers import TEXT_BLOCK, block_of, read_layers
from webui.training.methods.single_file import TrainedParts, written_tensors
from webui.training.methods.streaming import write_streaming
from webui.training.methods.trainable import ParameterGroup
from webui.training.networks import TrainingNetworks

SIDECAR = ".yaml"


class TrainableCheckpoint(BaseTrainable):
    """The U-Net, the text encoders or both, and the whole checkpoint that they become."""

    kind = ModelKind.CHECKPOINT

    def __init__(self, run: TrainingRun, networks: TrainingNetworks) -> None:
        """The networks' own parameters, in 32 bits. Raises InvalidRequest."""
        super().__init__()
        if run.start_from:
            raise InvalidRequest(
                "A run that trains a whole checkpoint goes on from the checkpoint itself. Name the file as "
                "the run's checkpoint and leave start_from empty."
            )
        self._networks = networks
        self._parts = TrainedParts(run.train_unet is not False, bool(run.train_text), numbers_of(run))
        if not (self._parts.unet or self._parts.text):
            raise InvalidRequest("Nothing is left to train. Train the U-Net, the text encoders or both.")
        self._learning: dict[str, tuple[nn.Parameter, str]] = {}
        if self._parts.text:
            for number, tower in enumerate(networks.model.text_encoder.towers):
                tower.float()
                read = read_parameters(tower, run.clip_skip or 1)
                self._learning |= {f"text.{number}.{name}": (each, TEXT_BLOCK) for name, each in read.items()}
        if self._parts.unet:
            networks.unet.float()
            originals = networks.model.network.original_names
            for name, parameter in networks.unet.named_parameters():
                block = block_of(originals[name.rpartition(".")[0]])
                self._learning[f"unet.{name}"] = parameter, block
        for parameter, _ in self._learning.values():
            parameter.requires_grad_(True)
        # What the weights were, for runs that ask the network as it was.
        self._before: dict[str, Tensor] = {}
        if run.preserve:
            self._before = {name: each.detach().clone() for name, (each, _) in self._learning.items()}

    @property
    def groups(self) -> list[ParameterGroup]:
        """By part and block."""
        found: dict[str, list[nn.Parameter]] = {}
        for parameter, block in self._learning.values():
            found.setdefault(block, []).append(parameter)
        return [
            ParameterGroup("text" if block == TEXT_BLOCK else "unet", parameters, block)
            for block, parameters in found.items()
        ]

    @property
    def trains_text(self) -> bool:
        """Whether the text encoders learn."""
        return self._parts.text

    def parameters(self) -> dict[str, nn.Parameter]:
        """By the network's name and their own."""
        return {name: parameter for name, (parameter, _) in self._learning.items()}

    @contextmanager
    def attach(self) -> Iterator[None]:
        """The networks are what is trained: nothing changes."""
        yield

    @contextmanager
    def suspend(self) -> Iterator[None]:
        """The networks have their weights from before the run while the context is open.

        Only a run that preserves keeps those. Raises InvalidRequest for others.
        """
        if not self._before:
            raise InvalidRequest("The weights from before the run were not kept. Set preserve above 0.")
        trained = {name: parameter.data for name, (parameter, _) in self._learning.items()}
        self._put(self._before)
        try:
            yield
        finally:
            self._put(trained)

    def _put(self, weights: Mapping[str, Tensor]) -> None:
        for name, (parameter, _) in self._learning.items():
            # Not in place: a backward pass that is still to come reads the trained weights.
            parameter.data = weights[name]
        # It has what autocast made of the weights that were there.
        torch.clear_autocast_cache()

    def save(self, path: Path, metadata: Mapping[str, str]) -> None:
        """Write the whole checkpoint in the layout of the original single file, its sidecar too."""
        write_streaming(path, written_tensors(self._networks, self._parts), metadata)
        sidecar = self._networks.model.file.path.with_suffix(SIDECAR)
        if sidecar.is_file():
            # It says what the tensors cannot, such as the prediction.
            write_atomically(path.with_suffix(SIDECAR), sidecar.read_bytes())


def read_parameters(tower: TextTower, clip_skip: int) -> dict[str, nn.Parameter]:
    """The parameters of a text encoder that anything depends on, by name."""
    read, has_pooled = read_layers(tower, clip_skip), tower.reading.gives_pooled
    unread = tuple(
        f"text_model.encoder.layers.{number}." for number in range(read, len(tower.text_model.encoder.layers))
    )
    if not (tower.reading.has_final_norm or has_pooled):
        unread = (*unread, "text_model.final_layer_norm.")
    if not has_pooled:
        unread = (*unread, "text_projection.")
    return {
        name: parameter
        for name, parameter in tower.named_parameters()
        if not unread or not name.startswith(unread)
    }
