"""Pictures made larger: by resampling, or by the networks in the upscaler folders.

The rules are A1111 1.10.1's: sides are rounded down to multiples of 8, a network runs up to three times until
the picture is large enough, and Lanczos brings it to the exact size.
"""

import logging
import threading
from collections.abc import Generator
from contextlib import AbstractContextManager, closing

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from webui.core.errors import InvalidRequest, OutOfMemory
from webui.core.model_file import ModelFile
from webui.core.stop import Stop
from webui.library.catalog.added_networks import AddedUpscaler
from webui.library.catalog.catalog import Catalog
from webui.library.catalog.upscaler_names import LANCZOS, NEAREST, NONE, find_upscaler
from webui.library.files.headers import read_header
from webui.models.images.face_restorers import FaceRestorers
from webui.models.images.image_network import PictureNetwork, load_network
from webui.models.memory import model_budget_bytes
from webui.models.module_weights import stored_numbers
from webui.models.network_holder import Loading, NetworkHolder
from webui.models.out_of_memory import attempt
from webui.models.residency import Residency
from webui.models.vae.tiles import Pixels, TileDone, TileLayout, run_in_tiles

logger = logging.getLogger(__name__)
# A1111: a network that enlarges too little runs again, but not for ever.
MAX_RUNS = 3
STEP = 8
# 16,384 x 16,384: three bytes a pixel, held twice.
MAX_PIXELS = 2**28
# Out of memory: tiles are halved down to this side, then it is an error.
SMALLEST_TILE = 64
OPAQUE = 255
Steps = Generator[TileDone, None, Image.Image]


class TileTooLarge(Exception):
    """A tile does not fit into the memory."""


class Upscalers:
    """Runs the networks of the upscaler folders. Belongs to the thread that makes it."""

    def __init__(
        self,
        catalog: Catalog,
        device: torch.device,
        holder: NetworkHolder | None = None,
        *,
        exact: bool = False,
    ) -> None:
        """Loads nothing yet. `holder` is that of all networks of the device, by default one of its own.
        `exact`: 32 bits always.
        """
        self.catalog = catalog
        self.device = device
        self.holder = holder or NetworkHolder(model_budget_bytes(device), Residency.of_device(device))
        self._always_exact = self._exact = exact
        self.faces = FaceRestorers(catalog, device, self.holder, self.lease)
        self._messages: list[str] = []
        self._owner = threading.get_ident()

    def prepare(self, *, exact: bool) -> None:
        """What the next job wants: 32 bits or not."""
        self._exact = exact or self._always_exact

    def upscale(
        self,
        image: Image.Image,
        scale: float,
        name: str,
        *,
        tile: int,
        overlap: int,
        stop: Stop | None = None,
    ) -> Image.Image:
        """A picture about `scale` times larger, its sides rounded down to multiples of 8.

        `tile` (0: none) and `overlap` are pixels of the picture given. A stopped job gets the picture
        resampled. Raises ModelNotFound, UnusableFile, OutOfMemory and InvalidRequest.
        """
        steps = self.steps(image, scale, name, tile=tile, overlap=overlap)
        with closing(steps):
            while stop is None or not stop.ends_batch:
                try:
                    next(steps)
                except StopIteration as end:
                    return end.value
        return to_size(image, target_size(image.size, scale))

    def steps(self, image: Image.Image, scale: float, name: str, *, tile: int, overlap: int) -> Steps:
        """As `upscale`, telling of each tile; to be closed where the picture is not wanted any more."""
        self._assert_owner()
        file = find_upscaler(self.catalog, name)
        target = target_size(image.size, scale)
        refuse_huge(*target)
        if file is None:
            added = self.catalog.added.upscalers.get(name)
            if added is None:
                return resample(image, scale, target, name)
            return run_added(added, image, scale, target)
        # Of a size that covers the target already, only a scale of 1 asks for the network's look.
        if scale != 1 and is_covered(image.size, target):
            return to_size(image, target)
        image = keep_colours(image)
        with self.lease(file) as network:
            return (
                yield from self._enlarge(
                    image, target, name, network, TileLayout(tile, overlap, network.window)
                )
            )

    def _enlarge(
        self,
        image: Image.Image,
        target: tuple[int, int],
        name: str,
        network: PictureNetwork,
        tiling: TileLayout,
    ) -> Steps:
        """By a network, until the picture covers the target."""
        for _ in range(MAX_RUNS):
            before = image.size
            if before[0] * before[1] * network.scale**2 > MAX_PIXELS:
                self._messages.append(f"{name} would make the picture too large for it to run once more.")
                break
            image = yield from self._once(image, network, tiling)
            if is_covered(image.size, target) or image.size == before:
                break
        return to_size(image, target)

    def lease(self, file: ModelFile) -> AbstractContextManager[PictureNetwork]:
        """A file's network, loaded if it is not held; it stays while the context is open."""
        half = not self._exact and self.device.type in ("cuda", "mps")

        def load(place: torch.device) -> PictureNetwork:
            network = load_network(file, place, half=half)
            network.resident = self.holder.residency.add([network.descriptor.model])
            return network

        key = ("picture network", file.path, file.size, file.mtime_ns, half)
        return self.holder.lease(key, load, Loading(file.name, self._estimate(file, half=half)))

    def network(self, file: ModelFile) -> PictureNetwork:
        """The same, to look at."""
        with self.lease(file) as network:
            return network

    def loaded(self) -> list[PictureNetwork]:
        """The networks held, the longest unused first."""
        return [value for value in self.holder.values() if isinstance(value, PictureNetwork)]

    def take_messages(self) -> list[str]:
        """What happened that the artist should know, since the last call."""
        told, self._messages = self._messages, []
        return told

    def _estimate(self, file: ModelFile, *, half: bool) -> int:
        """Memory that a file's weights will take, if its architecture can compute in half precision."""
        dtype = torch.float16 if half else torch.float32
        return stored_numbers(read_header(file.path)) * dtype.itemsize

    def _once(self, image: Image.Image, network: PictureNetwork, tiling: TileLayout) -> Steps:
        """One run of a network over a picture, in smaller and smaller tiles while memory is short."""
        bands = image.getbands()
        has_alpha = bands[-1] == "A"
        colours = np.asarray(image.convert("RGB" if len(bands) > 2 else "L"))
        enlarged = yield from self._colours(colours, network, tiling)
        if not has_alpha:
            return Image.fromarray(enlarged)
        alpha = np.asarray(image.getchannel("A"))
        if (alpha == OPAQUE).all():
            opaque = np.full(enlarged.shape[:2], OPAQUE, np.uint8)
        else:
            opaque = yield from self._colours(alpha, network, tiling)
        result = Image.fromarray(enlarged)
        result.putalpha(Image.fromarray(opaque))
        return result

    def _colours(
        self, pixels: Pixels, network: PictureNetwork, tiling: TileLayout
    ) -> Generator[TileDone, None, Pixels]:
        """(H, W, 3) or grey (H, W), made into what the network takes and its result made into the same."""
        is_grey = pixels.ndim == 2
        if network.colours == 1:
            planes = [pixels] if is_grey else [pixels[..., colour] for colour in range(3)]
            done: list[Pixels] = []
            for plane in planes:
                result = yield from self._tiles(plane[..., None], network, tiling)
                done.append(result)
            enlarged = np.concatenate(done, axis=2)
        else:
            given = np.repeat(pixels[..., None], 3, axis=2) if is_grey else pixels
            enlarged = yield from self._tiles(given, network, tiling)
        return enlarged.mean(axis=2).round().astype(np.uint8) if is_grey else enlarged

    def _tiles(
        self, pixels: Pixels, network: PictureNetwork, tiling: TileLayout
    ) -> Generator[TileDone, None, Pixels]:
        def run(tile: Tensor) -> Tensor:
            found = attempt(lambda: network.run(tile))
            if found is None and self.holder.free_unused():
                found = attempt(lambda: network.run(tile))
            if found is None:
                raise TileTooLarge
            return found[0]

        while True:
            try:
                result = yield from run_in_tiles(pixels, run, tiling, network.scale)
            except TileTooLarge:
                tiling = self._smaller(tiling, max(pixels.shape[:2]), network)
            else:
                self._messages += network.messages
                network.messages.clear()
                return result

    def _smaller(self, tiling: TileLayout, longest: int, network: PictureNetwork) -> TileLayout:
        """Tiles of half the side. Raises OutOfMemory where they are small already."""
        side = min(tiling.tile or longest, longest) // 2
        if side < SMALLEST_TILE:
            raise OutOfMemory(
                f"There is too little memory for {network.file.stem}. "
                "Choose a smaller upscaler, or close other programs."
            )
        self._messages.append(
            f"The memory was too small for such tiles; it went on with tiles of {side} pixels."
        )
        return TileLayout(side, tiling.overlap, tiling.window)

    def _assert_owner(self) -> None:
        assert threading.get_ident() == self._owner, "Upscalers were used outside their device thread."


def target_size(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """Width and height that a picture gets: multiples of 8, except where nothing would be left."""
    width, height = (int(side * scale // STEP * STEP) or max(int(side * scale), 1) for side in size)
    return width, height


def refuse_huge(width: int, height: int) -> None:
    """Raise InvalidRequest for a picture that would not fit into any memory."""
    if width * height > MAX_PIXELS:
        raise InvalidRequest(
            f"The picture would become {width} x {height}, which is too large. Choose a smaller scale."
        )


def is_covered(size: tuple[int, int], target: tuple[int, int]) -> bool:
    """Whether neither side is too small."""
    return size[0] >= target[0] and size[1] >= target[1]


def resample(image: Image.Image, scale: float, target: tuple[int, int], name: str) -> Image.Image:
    """By Lanczos, to the nearest pixel, or (None) by Lanczos at once to the size wanted."""
    methods = {LANCZOS: Image.Resampling.LANCZOS, NEAREST: Image.Resampling.NEAREST}
    if name != NONE:
        width, height = (max(int(side * scale), 1) for side in image.size)
        image = image.resize((width, height), methods[name])
    return to_size(image, target)


def run_added(added: AddedUpscaler, image: Image.Image, scale: float, target: tuple[int, int]) -> Image.Image:
    """By an extension's function, brought to the exact size. Raises InvalidRequest for what is no picture."""
    if scale != 1 and is_covered(image.size, target):
        return to_size(image, target)
    result: object = added.upscale(keep_colours(image), scale)
    if not isinstance(result, Image.Image):
        raise InvalidRequest(
            f"The upscaler {added.name!r} of an extension gave {type(result).__name__} and no picture. "
            "Choose another upscaler."
        )
    return to_size(result, target)


def to_size(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """By Lanczos where it is not so large already."""
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)


def keep_colours(image: Image.Image) -> Image.Image:
    """L, LA, RGB or RGBA: what the networks' results can be."""
    if image.mode in ("L", "LA", "RGB", "RGBA"):
        return image
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert("L" if image.mode == "1" else "RGB")
