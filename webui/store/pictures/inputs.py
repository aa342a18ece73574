"""Pictures given to the program (init images, masks, …), each kept once, by the hash of its bytes."""

import hashlib
import re
from pathlib import Path

from PIL import Image

from webui.core.errors import NotFound
from webui.store.files.atomic import storage_errors, write_atomically
from webui.store.reading import open_picture
from webui.store.texts.encoding import encode

REFERENCE = re.compile(r"[0-9a-f]{64}")


class Inputs:
    """A folder of pictures, each named by its SHA-256, which is also how requests refer to it."""

    def __init__(self, folder: Path) -> None:
        """Makes the folder when the first picture comes."""
        self._folder = folder

    def add(self, data: bytes) -> str:
        """Keep a picture file as it is; its reference. Raises UnusableFile if it is none."""
        open_picture(data)
        return self._keep(data)

    def add_image(self, image: Image.Image) -> str:
        """Keep a decoded picture, every pixel; its reference."""
        return self._keep(encode(image, "png"))

    def path(self, reference: str) -> Path:
        """The file of a reference. Raises NotFound."""
        if not REFERENCE.fullmatch(reference):
            raise NotFound(f"{reference[:80]!r} is no reference to a picture. Upload the picture first.")
        path = self._file(reference)
        if not path.is_file():
            raise NotFound("The input picture is no longer on the server. Upload it again.")
        return path

    def read(self, reference: str) -> bytes:
        """The bytes of a picture file. Raises NotFound."""
        path = self.path(reference)
        with storage_errors(path):
            return path.read_bytes()

    def open(self, reference: str) -> Image.Image:
        """The picture, decoded. Raises NotFound, or UnusableFile if the file was damaged since."""
        return open_picture(self.path(reference))

    def _keep(self, data: bytes) -> str:
        reference = hashlib.sha256(data).hexdigest()
        path = self._file(reference)
        if not path.is_file():
            write_atomically(path, data)
        return reference

    def _file(self, reference: str) -> Path:
        # 256 folders, because some file systems and all file managers are slow with many files in one.
        return self._folder / reference[:2] / reference
