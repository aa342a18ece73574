"""What every method of training offers the loop."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from webui.core.model_file import ModelKind
from webui.training.data.batch import TrainingBatch
from webui.training.networks import TextInput

Part = Literal["unet", "text", "embedding", "controlnet"]


@dataclass(frozen=True, slots=True, eq=False)
class ParameterGroup:
    """Parameters that learn at one rate: `part` says whether that is the run's rate or the text encoders'.

    `block` is the U-Net's block that they act in (IN00 … OUT11, M00), BASE of text encoders, empty where
    there is none.
    """

    part: Part
    parameters: list[nn.Parameter]
    block: str = ""


class Trainable(Protocol):
    """Made for networks and a run by a function in `methods`; what is trained is float32.

    `kind` says in which model folder the file belongs, and `suffix` is its type: `save` is given paths that
    end so.

    `generator` decides which values dropout leaves out. Seed it before each batch; in one batch every call of
    a layer leaves out the same ones, so that gradient checkpointing may repeat calls.
    """

    kind: ModelKind
    suffix: str
    generator: torch.Generator

    @property
    def groups(self) -> list[ParameterGroup]:
        """Everything that learns, in an order that is the same for the same run."""
        ...

    @property
    def trains_text(self) -> bool:
        """Whether gradients go through the text encoders, so that captions are encoded at each step."""
        ...

    def attach(self) -> AbstractContextManager[None]:
        """It acts on the networks while the context is open; afterwards they are bit-exactly as before.

        Whole-network methods train the networks themselves, and keep nothing to go back to.
        """
        ...

    def read_caption(self, caption: str) -> str:
        """The caption as it is encoded: a textual inversion puts its word there."""
        ...

    def residuals(
        self, latent: Tensor, timestep: Tensor, text: TextInput, batch: TrainingBatch
    ) -> dict[str, object]:
        """Arguments for the U-Net's call, from its own input: a ControlNet's residuals; {} of others."""
        ...

    def after_step(self) -> None:
        """Called when the optimizer has moved the parameters."""
        ...

    def state(self) -> dict[str, Tensor]:
        """Everything that was learned so far, on the processor, for resuming and running averages."""
        ...

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """What `state` gave; bit-equal."""
        ...

    def save(self, path: Path, metadata: Mapping[str, str]) -> None:
        """Write the file that A1111, ComfyUI and kohya read, in one rename. Raises UnusableFile, OSError."""
        ...
