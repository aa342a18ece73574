"""Standard output and errors: extensions write into them, and cannot take them away from the program."""

import os
import sys
from contextlib import suppress
from typing import Any

# By their descriptors.
NAMES = {1: "stdout", 2: "stderr"}


class KeptStream:
    """A stream that does all that another does, but for closing it. It counts who tried."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - whatever stands in `sys.stdout`
        self._stream = stream
        self.closings = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the stream has
        return getattr(self._stream, name)

    def __enter__(self) -> "KeptStream":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def closed(self) -> bool:
        """Whether the program's own stream is closed."""
        return bool(self._stream.closed)

    def close(self) -> None:
        """Write out what waits, and stay open."""
        self.closings += 1
        with suppress(ValueError, OSError):
            self._stream.flush()

    def detach(self) -> Any:  # noqa: ANN401 - a binary stream
        """The binary stream below, which stays this one's too."""
        return self._stream.buffer


class KeptStreams:
    """Those of this process, from `begin` to `end`."""

    def __init__(self) -> None:
        self._before: dict[str, Any] = {}
        self._kept: dict[str, KeptStream] = {}
        self._copies: dict[int, int] = {}

    def begin(self) -> None:
        """Put streams in the place of the process's, and keep copies of their descriptors."""
        for descriptor, name in NAMES.items():
            stream = getattr(sys, name)
            if stream is None:
                continue
            self._before[name], self._kept[name] = stream, KeptStream(stream)
            setattr(sys, name, self._kept[name])
            with suppress(OSError):
                self._copies[descriptor] = os.dup(descriptor)

    def end(self) -> None:
        """Put back what there was. Safe to call twice."""
        self.mend()
        for name, stream in self._before.items():
            setattr(sys, name, stream)
        for copy in self._copies.values():
            os.close(copy)
        self._before, self._kept, self._copies = {}, {}, {}

    def mend(self) -> list[str]:
        """Open again what was closed, and put streams back where they were; the names of those."""
        changed: list[str] = []
        for descriptor, copy in self._copies.items():
            try:
                os.fstat(descriptor)
            except OSError:
                os.dup2(copy, descriptor)
                changed.append(NAMES[descriptor])
        for name, kept in self._kept.items():
            now = getattr(sys, name, None)
            # One that still writes may be an extension's way to colour or to copy what is told.
            if kept.closings or (now is not kept and getattr(now, "closed", now is None)):
                kept.closings = 0
                setattr(sys, name, kept)
                changed.append(name)
        return list(dict.fromkeys(changed))


# Of the process, as what they keep is.
streams = KeptStreams()
