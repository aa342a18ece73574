"""Pictures of a job kept for its grid: their pixels in a temporary file, so that memory does not grow."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from PIL import Image

from webui.store.files.atomic import storage_errors


@dataclass(frozen=True, slots=True)
class SpooledPicture:
    """Where the pixels of a picture begin in the file, and how to read them."""

    offset: int
    mode: str
    size: tuple[int, int]


class PictureSpool:
    """Add pictures, get them back as they were, in any order. One thread. Close it: then the file is gone.

    The file has no name where the system can do without, so it never outlives the program.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` holds the file, which is made with the first picture; None: the system's folder for it."""
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._pictures: list[SpooledPicture] = []

    def __len__(self) -> int:
        return len(self._pictures)

    @property
    def pixels(self) -> int:
        """Pixels of all pictures together."""
        return sum(width * height for width, height in (picture.size for picture in self._pictures))

    def add(self, image: Image.Image) -> None:
        """Keep a picture's pixels. Raises StorageError."""
        with storage_errors(self._folder or Path(tempfile.gettempdir())):
            if self._file is None:
                self._file = self._open()
            offset = self._file.seek(0, 2)
            self._file.write(image.tobytes())
        self._pictures.append(SpooledPicture(offset, image.mode, image.size))

    def get(self, number: int) -> Image.Image:
        """The picture that was added as this number, from 0. Raises StorageError."""
        picture = self._pictures[number]
        assert self._file is not None, "A picture was added."
        end = self._pictures[number + 1].offset if number + 1 < len(self) else None
        with storage_errors(self._folder or Path(tempfile.gettempdir())):
            self._file.seek(picture.offset)
            data = self._file.read(-1 if end is None else end - picture.offset)
        return Image.frombytes(picture.mode, picture.size, data)

    def close(self) -> None:
        """Let go of everything."""
        self._pictures.clear()
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> IO[bytes]:
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=self._folder, prefix="grid-", suffix=".tmp")
