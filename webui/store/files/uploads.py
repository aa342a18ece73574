"""Files that browsers send in chunks, and go on sending after a break or a restart."""

import contextlib
import hashlib
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webui.core.errors import Busy, InvalidRequest, StorageError, WebuiError
from webui.store.files.safe_names import safe_name
from webui.store.files.staging import Staged, Staging, append, require_space, sha256_of_file, size_text

# What a page sends at once; larger pieces are refused, for they are held in memory.
CHUNK_BYTES = 8 * 2**20
MAX_CHUNK_BYTES = 64 * 2**20
# Nobody comes back to an upload after this long.
KEPT_S = 7 * 24 * 3600
# The largest models have some 100 GB.
MAX_FILE_BYTES = 2**40
MAX_UNFINISHED = 200


class WrongOffset(WebuiError):
    """A chunk that does not begin where the upload stands (API: 409)."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"The upload stands at byte {offset}. Go on from there.")
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Upload:
    """How far an upload is: `offset` bytes of `size` have come. `created` is seconds since the epoch."""

    id: str
    name: str
    size: int
    offset: int
    created: float


class Uploads:
    """Uploads under way. Any thread; chunks of one file must come in order."""

    def __init__(self, folder: Path) -> None:
        """`folder` is on the disk of the models; it is made when the first upload begins."""
        self._staging = Staging(folder)
        self._lock = threading.RLock()
        # SHA-256 so far, and of how many bytes; lost at a restart and then computed from the file.
        self._digests: dict[str, tuple[Any, int]] = {}  # Any: hashlib names no type for its objects
        self._taken: set[str] = set()

    def create(self, name: str, size: int, sha256: str | None = None, mark: str = "") -> Upload:
        """Begin an upload. Raises InvalidRequest, or StorageError if the disk has no room for it.

        `mark` tells the file from others of its name and size: an unfinished upload of the same three is the
        one to go on with.
        """
        if not name.strip():
            raise InvalidRequest("The file has no name. Give the name it has on your computer.")
        if not 0 < size <= MAX_FILE_BYTES:
            raise InvalidRequest(
                f"{safe_name(name)} is empty or its size makes no sense. Choose another file."
            )
        with self._lock:
            under_way = self.unfinished()
            if mark and (same := self._same(safe_name(name), size, mark)) is not None:
                return same
            if len(under_way) >= MAX_UNFINISHED:
                raise InvalidRequest("Too many uploads are unfinished. Cancel some, or wait for them to end.")
            promised = sum(upload.size - upload.offset for upload in under_way)
            require_space(self._staging.folder, size + promised, safe_name(name))
            staged = self._staging.make(
                safe_name(name),
                {"size": size, "sha256": sha256.lower() if sha256 else None, "mark": mark},
            )
            return self.find(staged.id)

    def _same(self, name: str, size: int, mark: str) -> Upload | None:
        wanted = (name, size, mark)
        for staged, record in self._staging.all():
            if (staged.content.name, record["size"], record.get("mark")) == wanted:
                return upload_of(staged, record)
        return None

    def find(self, identity: str) -> Upload:
        """How far an upload is. Raises NotFound."""
        staged, record = self._staging.find(identity)
        return upload_of(staged, record)

    def unfinished(self) -> list[Upload]:
        """All uploads under way, oldest first."""
        return [upload_of(staged, record) for staged, record in self._staging.all()]

    def write(self, identity: str, offset: int, data: bytes) -> Upload:
        """Add a chunk. Raises WrongOffset if it does not begin where the upload stands."""
        with self._lock:
            staged, record = self._staging.find(identity)
            if offset != staged.received:
                raise WrongOffset(staged.received)
            if offset + len(data) > int(record["size"]):
                raise InvalidRequest(
                    f"{staged.content.name} was said to have {size_text(int(record['size']))}, "
                    "but more came. Begin again."
                )
            append(staged.content, offset, data)
            digest, done = self._digests.get(identity, (hashlib.sha256(), 0))
            if done == offset:
                digest.update(data)
                self._digests[identity] = (digest, offset + len(data))
            return upload_of(staged, record)

    def finished(self, identity: str) -> tuple[Staged, str]:
        """The whole file and its SHA-256. Only one caller gets it, who then must `cancel`.

        Raises InvalidRequest if the file is not whole, and Busy if another has it. What a killed server had
        begun to put in its place is `begun` after the next start.
        """
        with self._lock:
            if identity in self._taken:
                raise Busy("This upload is being put in its place just now.")
            staged, record = self._staging.find(identity)
            size = int(record["size"])
            if staged.received != size:
                missing = size_text(size - staged.received)
                raise InvalidRequest(f"{staged.content.name} is not whole: {missing} are still to come.")
            self._taken.add(identity)
            self._note(staged, record | {"taken": True})
            digest, done = self._digests.get(identity, (None, 0))
        sha256 = digest.hexdigest() if digest is not None and done == size else sha256_of_file(staged.content)
        expected = record.get("sha256")
        if expected and expected != sha256:
            self.cancel(identity)
            raise InvalidRequest(
                f"{staged.content.name} changed on its way: its SHA-256 differs. Send it again."
            )
        self._note(staged, record | {"taken": True, "found": sha256})
        return staged, sha256

    def _note(self, staged: Staged, record: dict[str, Any]) -> None:
        """For the case that the server is killed; a full disk is no reason not to go on."""
        with contextlib.suppress(StorageError):
            staged.write_record(record)

    def begun(self) -> list[tuple[Upload, str | None]]:
        """Uploads that an earlier server had handed out, with their SHA-256 if it was known by then.

        One that is not whole any more had been moved away.
        """
        return [
            (upload_of(staged, record), record.get("found"))
            for staged, record in self._staging.all()
            if record.get("taken") and staged.id not in self._taken
        ]

    def cancel(self, identity: str) -> None:
        """Stop an upload and leave nothing of it; nothing happens if it is gone."""
        with self._lock:
            self._digests.pop(identity, None)
            self._taken.discard(identity)
            try:
                staged, _ = self._staging.find(identity)
            except WebuiError:
                return
            staged.remove()

    def clean(self, now: float | None = None) -> None:
        """After a start: drop what nobody will go on with."""
        self._staging.clean()
        for staged, record in list(self._staging.all()):
            if not isinstance(record.get("size"), int):
                staged.remove()
        oldest = (time.time() if now is None else now) - KEPT_S
        for upload in self.unfinished():
            if upload.created < oldest:
                self.cancel(upload.id)


def upload_of(staged: Staged, record: dict[str, Any]) -> Upload:
    """A place and its record as an upload."""
    return Upload(
        staged.id,
        staged.content.name,
        int(record["size"]),
        staged.received,
        float(record.get("created", 0)),
    )
