"""What became of each community extension: seconds, failures and traces, names it wanted in vain."""

import threading
import traceback
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

# Where an extension failed that broke what is everybody's.
THE_PROCESS = "the process"
# Of one extension; the first tell what is wrong, later ones repeat it.
MOST_TRACES = 20


@dataclass(frozen=True, slots=True)
class ExtensionFailure:
    """Where an extension failed (such as "scripts/a.py", "process", "on_ui_tabs"), how, and its trace."""

    where: str
    error: str
    trace: str


@dataclass(slots=True)
class ExtensionHealth:
    """Of one extension. `seconds` by what took them, `runs` and `failures` of hooks by their names."""

    name: str
    folder: Path
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    runs: dict[str, int] = field(default_factory=dict[str, int])
    failures: deque[ExtensionFailure] = field(
        default_factory=lambda: deque[ExtensionFailure](maxlen=MOST_TRACES)
    )
    # Names of A1111's that it asked for and that there are none of, and arguments that were dropped.
    missing: set[str] = field(default_factory=set[str])
    dropped: set[str] = field(default_factory=set[str])
    size_bytes: int = 0


class HealthRecords:
    """Of all extensions, by name. May be written on any thread."""

    def __init__(self) -> None:
        self._records: dict[str, ExtensionHealth] = {}
        # By file: one is asked for with every component of the page.
        self._of_files: dict[str | Path, ExtensionHealth | None] = {}
        self._lock = threading.Lock()

    def add(self, name: str, folder: Path) -> ExtensionHealth:
        """The record of an extension, made if there is none."""
        with self._lock:
            self._of_files.clear()
            return self._records.setdefault(name, ExtensionHealth(name, folder))

    @property
    def all(self) -> list[ExtensionHealth]:
        """In the order in which they were added."""
        return list(self._records.values())

    def of_file(self, file: str | Path) -> ExtensionHealth | None:
        """The record of the extension that a file belongs to."""
        if file not in self._of_files:
            path, known = Path(file), list(self._records.values())
            self._of_files[file] = next((each for each in known if path.is_relative_to(each.folder)), None)
        return self._of_files[file]

    @contextmanager
    def watch(self, file: str | Path, where: str) -> Generator[None]:
        """Around a call into an extension's code: takes its time, notes what it raises, and goes on.

        `BaseException`s other than `Exception` are noted too, but for KeyboardInterrupt and GeneratorExit.
        """
        record, began = self.of_file(file), monotonic()
        try:
            yield
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001 - an extension's edge
            self.note_failure(record, where, error)
        finally:
            if record is not None:
                with self._lock:
                    record.seconds[where] = record.seconds.get(where, 0.0) + monotonic() - began
                    record.runs[where] = record.runs.get(where, 0) + 1

    def notes(self, name: str) -> Callable[[BaseException], None]:
        """A function that notes what an extension took from all others."""
        return lambda error: self.note_failure(self._records.get(name), THE_PROCESS, error)

    def note_failure(self, record: ExtensionHealth | None, where: str, error: BaseException) -> None:
        """Keep what an extension raised."""
        if record is None:
            return
        trace = "".join(traceback.format_exception(error))
        with self._lock:
            record.failures.append(ExtensionFailure(where, f"{type(error).__name__}: {error}", trace))
