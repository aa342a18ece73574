"""Reading a header and not more."""

import io
from typing import IO


class Bounded(io.RawIOBase):
    """A file of which no more is read than a header may need, whatever lengths it announces."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        """Reads `most` bytes from an open file, which stays its owner's."""
        super().__init__()
        self._file = file
        self._left = most

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; ValueError once too much was read."""
        piece = self._file.read(self._left + 1 if size < 0 else min(size, self._left + 1))
        self._left -= len(piece)
        if self._left < 0:
            raise ValueError("its header is longer than any known one")
        return piece

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """As a file's."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """As a file's."""
        return self._file.tell()

    def seekable(self) -> bool:
        """It is."""
        return True

    def readable(self) -> bool:
        """It is."""
        return True
