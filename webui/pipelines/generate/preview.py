"""A picture of an unfinished latent, now and then."""

import io
import time
from collections.abc import Callable, Iterator

from PIL import Image
from torch import Tensor

from webui.core.events import Preview
from webui.core.settings import Previews
from webui.diffusion.latents import LatentFormat

MIME = {"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
# A latent pixel is 8 picture pixels; previews are shown this many times larger than the latent.
ENLARGE = 4


class Previewer:
    """Says when a preview is due, by steps and by time, and makes it."""

    def __init__(
        self,
        settings: Previews,
        make_format: Callable[[], LatentFormat],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`make_format` gives the latents' colours; it is called for the first preview."""
        self._settings = settings
        self._make_format = make_format
        self._clock = clock
        self._last = clock()

    def at(self, step: int, denoised: Tensor) -> Iterator[Preview]:
        """A preview of `denoised` (B, C, h, w) if one is due at this step, counted from 1."""
        settings = self._settings
        every = settings.show_progress_every_n_steps
        if not settings.live_previews_enable or every == 0:
            return
        waited = (self._clock() - self._last) * 1000 >= settings.live_preview_refresh_period
        if waited or (every > 0 and step % every == 0):
            yield Preview(
                data=self._encode(denoised), mime=MIME[settings.live_previews_image_format], step=step
            )
            self._last = self._clock()

    def _encode(self, denoised: Tensor) -> bytes:
        pictures = [Image.fromarray(pixels) for pixels in self._make_format().preview(denoised).numpy()]
        columns = max(1, round(len(pictures) ** 0.5))
        rows = -(-len(pictures) // columns)
        width, height = pictures[0].size
        sheet = Image.new("RGB", (columns * width, rows * height))
        for place, picture in enumerate(pictures):
            sheet.paste(picture, (place % columns * width, place // columns * height))
        sheet = sheet.resize((sheet.width * ENLARGE, sheet.height * ENLARGE), Image.Resampling.BICUBIC)
        buffer = io.BytesIO()
        sheet.save(buffer, self._settings.live_previews_image_format)
        return buffer.getvalue()
