"""One upscaler or face restorer, loaded: a picture's tile goes in, the tile enlarged comes out."""

import logging
import math
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec

import torch
from spandrel import MAIN_REGISTRY, ArchRegistry, ImageModelDescriptor, ModelLoader, UnsupportedModelError
from torch import Tensor, nn

from webui.core.errors import UnusableFile
from webui.core.lack_of_memory import is_lack_of_memory
from webui.core.model_file import ModelFile
from webui.library.recognise.image_networks import COMMON_PREFIXES
from webui.models.files.tensors import open_tensors
from webui.models.module_weights import weight_bytes
from webui.models.residency import Resident

logger = logging.getLogger(__name__)
# spandrel keeps networks apart whose licences forbid commercial use; they run where the user installed it.
NONFREE = "spandrel_extra_arches"
NONFREE_ARCHITECTURES = frozenset({"CodeFormer", "SRFormer"})
# Smaller tiles are filled up by repeating their edge: windows, strides and reflected borders need room.
SMALLEST_SIDE = 64
# Windows of attention beyond this are strips over the picture; tiles need not begin where they do.
LARGEST_WINDOW = 64
# ScuNET has windows of 8 on a picture made three times half as large.
WINDOWS = {"SCUNet": 64}
# What spandrel raises when it reads a plan off tensors that contradict each other.
DAMAGED = (
    RuntimeError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
)


class PictureNetwork:
    """A network of pictures on a device, and what its file says of it."""

    def __init__(self, descriptor: ImageModelDescriptor[nn.Module], file: ModelFile) -> None:
        """Takes over the descriptor: the network is changed to half precision and back in place."""
        self.descriptor = descriptor
        self.file = file
        self.messages: list[str] = []
        self.window = window_of(descriptor)
        self.resident: Resident | None = None

    @property
    def scale(self) -> int:
        """How many times larger the result is."""
        return self.descriptor.scale

    @property
    def colours(self) -> int:
        """Colours it takes: 3, or 1 for grey."""
        return self.descriptor.input_channels

    @property
    def size_bytes(self) -> int:
        """Memory that its weights take."""
        return weight_bytes([self.descriptor.model])

    def modules(self) -> list[nn.Module]:
        """Everything that holds weights."""
        return [self.descriptor.model]

    @torch.no_grad()
    def run(self, tile: Tensor) -> Tensor:
        """(1, C, H, W) in [0, 1] on any device to (1, C, H*scale, W*scale), float32, on the CPU."""
        height, width = tile.shape[-2:]
        with self.on_device():
            result = self._run_exactly(pad_to(tile, SMALLEST_SIDE))
        return result[..., : height * self.scale, : width * self.scale]

    def on_device(self) -> AbstractContextManager[None]:
        """Its weights are on the device while the context is open."""
        return self.resident.using() if self.resident else nullcontext()

    def _run_exactly(self, tile: Tensor) -> Tensor:
        """In 32 bits where half precision gives NaN. Raises UnusableFile where those do too."""
        result = self._run_in_own_format(tile)
        # It is on the processor by now, so that looking at it waits for nothing.
        if result.isnan().any() and self.descriptor.dtype != torch.float32:
            self.messages.append(
                f"{self.file.stem} gave no numbers in half precision; it goes on in 32 bits."
            )
            self.descriptor.float()
            result = self._run_in_own_format(tile)
        if result.isnan().any():
            raise UnusableFile(f"{self.file.name} gives no numbers (NaN). Choose another upscaler.")
        return result

    def _run_in_own_format(self, tile: Tensor) -> Tensor:
        given = tile.to(self.descriptor.device, self.descriptor.dtype)
        return self.descriptor(given).float().cpu()


def load_network(file: ModelFile, device: torch.device, *, half: bool) -> PictureNetwork:
    """Load a file, in half precision where that is wanted and the architecture can.

    Raises UnusableFile with a sentence.
    """
    tensors = strip_prefixes(open_tensors(file.path))
    try:
        descriptor = ModelLoader(device, registry=registry()).load_from_state_dict(tensors)
    except UnsupportedModelError as error:
        raise UnusableFile(not_supported(file)) from error
    except DAMAGED as error:
        if is_lack_of_memory(error):
            raise
        logger.debug("spandrel on %s: %s", file.name, error)
        raise UnusableFile(f"{file.name} is incomplete or damaged. Download it again.") from error
    if not isinstance(descriptor, ImageModelDescriptor):
        raise UnusableFile(f"{file.name} fills masked areas and does not enlarge. Choose an upscaler.")
    if {descriptor.input_channels, descriptor.output_channels} - {1, 3}:
        raise UnusableFile(f"{file.name} is not for colour pictures. Choose another upscaler.")
    descriptor.eval()
    descriptor.model.requires_grad_(False)
    if half and descriptor.supports_half:
        descriptor.half()
    logger.info("Loaded %s (%s, %dx)", file.name, descriptor.architecture.name, descriptor.scale)
    return PictureNetwork(descriptor, file)


def registry() -> ArchRegistry:
    """spandrel's architectures, and the non-free ones where they are installed."""
    if find_spec(NONFREE) is None:
        return MAIN_REGISTRY
    # Optional, under licences that not everybody may use.
    from spandrel_extra_arches import EXTRA_REGISTRY  # pyright: ignore[reportMissingImports]

    known = MAIN_REGISTRY.copy()
    known.add(*EXTRA_REGISTRY, ignore_duplicates=True)
    return known


def not_supported(file: ModelFile) -> str:
    """Why spandrel does not know a file."""
    if file.architecture in NONFREE_ARCHITECTURES and find_spec(NONFREE) is None:
        return (
            f"{file.name} is a {file.architecture} network, whose licence forbids commercial use, so what "
            "runs it is not installed. If you may use it: pip install spandrel-extra-arches, and restart."
        )
    return f"{file.name} is of an architecture that spandrel does not know. Choose another upscaler."


def window_of(descriptor: ImageModelDescriptor[nn.Module]) -> int:
    """Pixels that places of tiles must be multiples of, so that windows of attention fall as in the whole."""
    sides = {max(descriptor.size_requirements.multiple_of, 1), WINDOWS.get(descriptor.architecture.id, 1)}
    for module in descriptor.model.modules():
        for name in ("window_size", "split_size"):
            value = getattr(module, name, None)
            values = value if isinstance(value, list | tuple) else (value,)
            sides |= {int(side) for side in values if isinstance(side, int) and side > 0}
    together = math.lcm(*sides)
    return together if together <= LARGEST_WINDOW else max(side for side in sides if side <= LARGEST_WINDOW)


def pad_to(tile: Tensor, side: int) -> Tensor:
    """A tile at least so large on both sides, its right and lower edge repeated."""
    missing = [max(side - size, 0) for size in (tile.shape[-1], tile.shape[-2])]
    if not any(missing):
        return tile
    return nn.functional.pad(tile, (0, missing[0], 0, missing[1]), "replicate")


def strip_prefixes(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors without what a training program put before all of their names."""
    found = dict(tensors)
    for prefix in COMMON_PREFIXES:
        if found and all(name.startswith(prefix) for name in found):
            found = {name[len(prefix) :]: tensor for name, tensor in found.items()}
    return found
