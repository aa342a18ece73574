"""Pictures that the artist does not want saved: files for the page to show, the oldest of which go."""

import re
import shutil
import time
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from webui.store.files.atomic import write_atomically
from webui.store.texts.encoding import PictureNotes, encode

UNSAVED = "unsaved"
# Some 700 pictures of 1024x1024.
MOST_BYTES = 2 * 2**30
# At the start, older ones go: nobody came back for them.
STALE_S = 7 * 24 * 3600
JOB_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class UnsavedPictures:
    """A folder with one for each job in it. One thread writes."""

    folder: Path

    def path(self, job_id: str, index: int, aside: str = "") -> Path:
        """Where a picture lies, if it was written."""
        return self.folder / job_id / f"{index}{aside}.png"

    def write(self, job_id: str, index: int, aside: str, image: Image.Image, infotext: str) -> Path:
        """Write a picture with its infotext. Raises StorageError."""
        path = self.path(job_id, index, aside)
        write_atomically(path, encode(image, "png", PictureNotes(infotext)))
        return path

    def trim(self, keep: Container[str] = (), most_bytes: int = MOST_BYTES) -> None:
        """Remove the oldest jobs' pictures beyond a size; the jobs `keep` stay, and what is not ours."""
        found = self._folders()
        sizes = {path: size_of(path) for path in found}
        total = sum(sizes.values())
        for path in sorted(found, key=lambda path: path.stat().st_mtime):
            if total <= most_bytes:
                return
            if path.name not in keep:
                shutil.rmtree(path, ignore_errors=True)
                total -= sizes[path]

    def remove_older(self, than_s: float = STALE_S) -> None:
        """Remove the pictures of jobs that ended so long ago: at the start, when no page shows one."""
        for path in self._folders():
            if time.time() - path.stat().st_mtime > than_s:
                shutil.rmtree(path, ignore_errors=True)

    def _folders(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return [
            path
            for path in self.folder.iterdir()
            if JOB_ID.fullmatch(path.name) and path.is_dir() and not path.is_symlink()
        ]


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder."""
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
