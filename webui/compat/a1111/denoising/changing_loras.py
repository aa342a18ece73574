"""LoRAs whose multipliers extensions change while a pass runs."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from webui.diffusion.denoising import Denoising
from webui.diffusion.guidance import DenoisingNetwork
from webui.models.loras.applied_loras import NetworksInUse
from webui.models.loras.lora import WeightedLora


@dataclass(slots=True, eq=False)
class ChangingLoras:
    """Applies, whenever the network is called, the LoRAs of a pass as A1111's objects have them by then.

    `loaded` are `network.Network`. Texts are encoded already, so text encoders stay as they are; LoRAs that
    are for some of the steps only are left alone.
    """

    denoising: Denoising
    networks: NetworksInUse
    loaded: list[Any]
    by_path: dict[Any, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.by_path = {
            each.network_on_disk.file.path: each for each in self.loaded if each.network_on_disk.file
        }

    def __call__(self, network: DenoisingNetwork) -> DenoisingNetwork:
        """The network that is called, which stays what it is."""
        if self.denoising.network is self.networks.network:
            self.networks.use(list(self.now(self.networks.in_use)))
        return network

    def now(self, loras: Iterable[WeightedLora]) -> Iterable[WeightedLora]:
        """The LoRAs with the weights that they are to have now."""
        for lora in loras:
            found = self.by_path.get(lora.lora.file.path)
            if found is None or lora.steps is not None:
                yield lora
                continue
            weight, rank = float(found.unet_multiplier), found.dyn_dim
            is_same = (weight, rank) == (lora.unet_weight, lora.rank)
            yield lora if is_same else replace(lora, unet_weight=weight, rank=rank)
