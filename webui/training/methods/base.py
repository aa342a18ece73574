"""What methods have in common: most change no caption, add no residuals, and are their parameters."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from webui.core.model_file import ModelKind
from webui.training.data.batch import TrainingBatch
from webui.training.networks import TextInput


class BaseTrainable(ABC):
    """A `Trainable` but for what it trains, how that acts, and its file."""

    kind: ModelKind
    suffix = ".safetensors"

    def __init__(self) -> None:
        """With a generator that the loop seeds."""
        self.generator = torch.Generator()

    @property
    def trains_text(self) -> bool:
        """No gradients go through the text encoders."""
        return False

    @abstractmethod
    def parameters(self) -> dict[str, nn.Parameter]:
        """Everything that is learned, by names that are the same for the same run."""

    def read_caption(self, caption: str) -> str:
        """As it is."""
        return caption

    def residuals(
        self, latent: Tensor, timestep: Tensor, text: TextInput, batch: TrainingBatch
    ) -> dict[str, object]:
        """None."""
        return {}

    def after_step(self) -> None:  # noqa: B027 - what most do
        """Nothing to do."""

    def state(self) -> dict[str, Tensor]:
        """Every parameter, on the processor."""
        return {name: parameter.detach().cpu().clone() for name, parameter in self.parameters().items()}

    @torch.no_grad()
    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """What `state` gave."""
        for name, parameter in self.parameters().items():
            parameter.copy_(state[name])
