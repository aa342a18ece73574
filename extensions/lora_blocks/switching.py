"""LoRAs that are used in some of the steps only."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from webui.plugins import Denoising, GuidedNetwork


@dataclass(frozen=True, slots=True, eq=False)
class StepSwitch:
    """Applies, before each evaluation, those LoRAs of a network that its step has.

    Texts are encoded before the first step, so what a LoRA does to a text encoder is for the whole picture.
    """

    denoising: "Denoising"
    # NetworksInUse of the network, and what is applied to it as the prompt says.
    networks: Any
    loras: tuple[Any, ...]

    def __call__(self, guided: "GuidedNetwork", level: "Tensor") -> None:
        """The moment before an evaluation."""
        if self.denoising.network is self.networks.network:
            self.networks.use([self.at(each, self.step(guided)) for each in self.loras])

    def step(self, guided: "GuidedNetwork") -> int:
        """The step that is made now, from 1. Second-order samplers evaluate the network twice in one."""
        calls = max(guided.total_evaluations // max(self.denoising.total_steps, 1), 1)
        return guided.evaluation // calls + 1

    def at(self, lora: Any, step: int) -> Any:  # noqa: ANN401 - a WeightedLora
        """A LoRA as it is in a step."""
        is_used = lora.steps is None or lora.steps[0] <= step <= lora.steps[1]
        return lora if is_used else replace(lora, unet_weight=0.0)

    def restore(self) -> None:
        """All of them again, as the prompt says."""
        self.networks.use(self.loras)
