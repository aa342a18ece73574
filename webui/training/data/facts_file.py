"""What is known of a data set's pictures, kept so that only new ones are opened."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from webui.core.errors import StorageError
from webui.store.files.atomic import write_atomically
from webui.store.files.regular_files import read_regular
from webui.training.data.dataset import PictureFacts

MAX_BYTES = 256 * 2**20
# Of how facts are measured; what an older program measured is measured again.
VERSION = 1


class FactsFile:
    """A JSON file with the facts of each picture, and the file's size and time that they hold for."""

    def __init__(self, path: Path) -> None:
        """`path` is where it lies; it need not be there."""
        self._path = path

    def measure(self, paths: Sequence[Path]) -> list[PictureFacts]:
        """The facts of these pictures, in their order."""
        stamps = [stamp(path) for path in paths]
        known = self._read()
        new = [
            path for path, mark in zip(paths, stamps, strict=True) if self._find(known, path, mark) is None
        ]
        if new:
            # Loads numpy and OpenCV.
            from webui.training.data.facts import measure_all

            marks = dict(zip(paths, stamps, strict=True))
            measured = zip(new, measure_all(new), strict=True)
            known |= {str(path): [*marks[path], asdict(facts)] for path, facts in measured}
            known = {str(path): known[str(path)] for path in paths}
            # Without it they are measured again the next time.
            with contextlib.suppress(StorageError):
                write_atomically(self._path, json.dumps({"version": VERSION, "pictures": known}).encode())
        found = [self._find(known, path, mark) for path, mark in zip(paths, stamps, strict=True)]
        return [facts or PictureFacts(fault="it is gone") for facts in found]

    def _find(self, known: dict[str, Any], path: Path, mark: list[int]) -> PictureFacts | None:
        """What is known of a picture as it is now."""
        entry = known.get(str(path))
        with contextlib.suppress(TypeError, ValueError, KeyError, IndexError):
            if entry is not None and entry[:2] == mark:
                return PictureFacts(**entry[2])
        return None

    def _read(self) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError, RecursionError):
            document = json.loads(read_regular(self._path, MAX_BYTES))
            if isinstance(document, dict):
                found = cast("dict[str, Any]", document)
                pictures = found.get("pictures")
                if found.get("version") == VERSION and isinstance(pictures, dict):
                    return cast("dict[str, Any]", pictures)
        return {}


def stamp(path: Path) -> list[int]:
    """Size and time of a file, zeros if it is gone."""
    try:
        status = path.stat()
        return [status.st_size, status.st_mtime_ns]
    except OSError:
        return [0, 0]
