"""Work of a whole network that can be done on the device, or, where memory runs out, on the processor."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from webui.models.module_weights import recast
from webui.models.residency import CPU


@dataclass(frozen=True, slots=True)
class PlaceStrategy:
    """Where networks compute."""

    description: str
    on_cpu: bool = False

    @contextmanager
    def placed(self, networks: Iterable[nn.Module]) -> Iterator[None]:
        """The networks' weights are there while the context is open, on the processor in 32 bits."""
        with ExitStack() as stack:
            for network in networks if self.on_cpu else ():
                stack.enter_context(recast(network, torch.float32, CPU))
            yield


ON_DEVICE = PlaceStrategy("on the device")
ON_PROCESSOR = PlaceStrategy("on the processor, which is slow", on_cpu=True)


def places_for(device: torch.device) -> tuple[PlaceStrategy, ...]:
    """What there is to try, the best first."""
    return (ON_DEVICE,) if device.type == "cpu" else (ON_DEVICE, ON_PROCESSOR)
