"""Small pictures of previews, made once and kept in the data folder."""

from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageOps

from webui.store.files.atomic import write_atomically
from webui.store.reading import open_image
from webui.store.texts.encoding import encode

# Twice what a card shows, for dense screens.
SIDES = (320, 480)
QUALITY = 80
LETTERS = 2


class Thumbnails:
    """A folder of WebP pictures, each named by its card and the stamp of the preview it shows."""

    def __init__(self, folder: Path) -> None:
        """Makes the folder when the first is made."""
        self._folder = folder

    def get(self, identity: str, stamp: int, preview: Callable[[], Path | bytes]) -> Path:
        """The thumbnail of a preview, made now if there is none of this stamp. Raises UnusableFile.

        `preview` gives the picture and is asked only then.
        """
        path = self._folder / identity[:LETTERS] / f"{identity}-{stamp:x}.webp"
        if not path.is_file():
            write_atomically(path, thumbnail_of(preview()))
            for old in path.parent.glob(f"{identity}-*.webp"):
                if old != path:
                    old.unlink(missing_ok=True)
        return path


def thumbnail_of(preview: Path | bytes) -> bytes:
    """A picture file made small, as WebP; of an animation the first frame."""
    with open_image(preview) as image:
        # JPEG can be decoded at a half or a quarter of its size, which is much faster.
        image.draft("RGB", SIDES)
        image.load()
        small = ImageOps.exif_transpose(image)
        small = small.convert("RGBA" if small.has_transparency_data else "RGB")
        small.thumbnail(SIDES, Image.Resampling.LANCZOS)
    return encode(small, "webp", quality=QUALITY)
