"""data/extensions-audit.jsonl: who installed, changed or removed which extension, and when."""

import contextlib
import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError

from webui.store.files.atomic import storage_errors

FILE = "extensions-audit.jsonl"
MOST_READ = 1_000_000


class AuditEntry(BaseModel):
    """One line. `what` is a verb, such as "install"; `commit` and `tree` say which code."""

    when: str
    who: str
    what: str
    name: str
    url: str = ""
    commit: str = ""
    tree: str = ""
    detail: str = ""


class AuditLog:
    """Appends lines; nothing is ever changed or taken away. Any thread."""

    def __init__(self, data: Path) -> None:
        self._path = data / FILE
        self._lock = threading.Lock()

    def add(self, who: str, what: str, name: str, **more: str) -> None:
        """Append a line, and wait until it lies on the disk. Raises StorageError."""
        when = datetime.now(UTC).isoformat(timespec="seconds")
        entry = AuditEntry(when=when, who=who, what=what, name=name, **more)
        line = json.dumps(entry.model_dump(exclude_defaults=True), ensure_ascii=True) + "\n"
        with self._lock, storage_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, line.encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def latest(self, most: int = 500) -> list[AuditEntry]:
        """The last lines, newest first; what is no line of ours is passed over."""
        try:
            with self._path.open("rb") as file:
                file.seek(max(0, self._path.stat().st_size - MOST_READ))
                lines = file.read().decode(errors="replace").splitlines()
        except OSError:
            return []
        entries: list[AuditEntry] = []
        for line in reversed(lines[-most:]):
            with contextlib.suppress(ValidationError):
                entries.append(AuditEntry.model_validate_json(line))
        return entries
