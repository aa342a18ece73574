"""Downloads in the background, two at a time. Each has a record beside its part: a killed server goes on."""

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from webui.core.errors import NotFound, StorageError
from webui.library.fetch.links import parse_link
from webui.library.fetch.offers import Offer, OfferedFile, Offers
from webui.library.fetch.refusals import PASSING, Cause, FetchRefused, Stopped
from webui.library.fetch.transfer import RemoteFile, Transfer, TransferProgress
from webui.library.fetch.web import Web, wait
from webui.library.intake.arrival import Arrival
from webui.library.intake.intake import Intake
from webui.store.files.safe_names import safe_name
from webui.store.files.staging import Staged, Staging, require_space

logger = logging.getLogger(__name__)

AT_ONCE = 2
State = Literal["waiting", "asking", "running", "paused", "filing", "done", "failed"]
UNFINISHED: tuple[State, ...] = ("waiting", "asking", "running", "filing")
# The name of the part, until the site tells the file's own.
UNNAMED = "download"
# How often the speed is measured anew.
SPEED_S = 1.0
# Finished ones that are remembered.
REMEMBERED = 100


class DownloadStatus(BaseModel):
    """Where a download stands: bytes, and bytes a second. `cause` and `message` tell why it failed."""

    model_config = ConfigDict(frozen=True)

    id: str
    link: str
    file: str | None
    name: str
    site: str
    state: State = "waiting"
    size: int | None = None
    received: int = 0
    bytes_per_s: float = 0.0
    message: str | None = None
    cause: Cause | None = None


class Download(DownloadStatus):
    """A download with what became of it; `revision` grows with every change."""

    arrivals: tuple[Arrival, ...] = ()
    revision: int = 0


@dataclass(slots=True)
class Running:
    """What belongs to a download besides what is shown."""

    staged: Staged
    stop: threading.Event = field(default_factory=threading.Event)
    # Held by the thread that works at it; one that is resumed waits for the last piece of the one before.
    turn: threading.Lock = field(default_factory=threading.Lock)
    etag: str | None = None
    sha256: str | None = None
    # What it is a file of, where it is no model by itself; see `Downloads.add`.
    part_of: str = ""
    measured: tuple[float, int] = (0.0, 0)


Filed = Callable[[Offer, OfferedFile, Arrival], None]
# Takes over a file that belongs to something of several files, by the name of that; see `Downloads.add`.
TakePart = Callable[[str, Path], Arrival]


class Downloads:
    """All downloads. Any thread; nothing runs before `start`."""

    def __init__(
        self,
        folder: Path,
        web: Web,
        offers: Offers,
        intake: Intake,
        filed: Filed,
        pause: Callable[[threading.Event, float], None] = wait,
        take_part: TakePart | None = None,
    ) -> None:
        """`folder` holds the parts. `filed` is called when a model was filed, to note what its site tells.

        `take_part` files what is no model by itself.
        """
        self._staging = Staging(folder)
        self._web = web
        self._offers = offers
        self._intake = intake
        self._filed = filed
        self._pause = pause
        self._take_part = take_part
        self._lock = threading.RLock()
        self._shown: dict[str, Download] = {}
        self._running: dict[str, Running] = {}
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._revision = 0

    def start(self) -> None:
        """Take up what a server before this one had begun, and work."""
        self._staging.clean()
        with self._lock:
            for staged, record in self._staging.all():
                try:
                    self._recall(staged, record)
                except ValidationError:
                    logger.warning("A download whose record is damaged was given up")
                    staged.remove()
            self._threads = [
                threading.Thread(target=self._work, name=f"download-{number}", daemon=True)
                for number in range(AT_ONCE)
            ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop all; what is unfinished goes on at the next start."""
        with self._lock:
            threads, self._threads = self._threads, []
            for running in self._running.values():
                running.stop.set()
        for _ in threads:
            self._queue.put(None)
        for thread in threads:
            thread.join(timeout=2)

    def add(self, link: str, file: str | None = None, part_of: str = "") -> Download:
        """Begin one. Raises FetchRefused for a text that is no link; all else is told by the download.

        `part_of` names what it is a file of: such a file is given to `take_part`, whatever it holds.
        """
        parsed = parse_link(link, self._web.sites)
        name = safe_name(getattr(parsed, "name", "") or UNNAMED)
        with self._lock:
            for known in self._shown.values():
                if (known.link, known.file) == (parsed.text, file) and known.state in UNFINISHED:
                    return known
            record = {"link": parsed.text, "file": file, "site": parsed.site, "state": "waiting"}
            staged = self._staging.make(name, record | {"part_of": part_of})
            self._running[staged.id] = Running(staged, part_of=part_of)
            shown = Download(id=staged.id, link=parsed.text, file=file, name=name, site=parsed.site)
            self._show(shown)
            self._forget_old()
        self._queue.put(staged.id)
        return self.find(staged.id)

    def find(self, identity: str) -> Download:
        """One of them. Raises NotFound."""
        shown = self._shown.get(identity)
        if shown is None:
            raise NotFound("There is no such download any more.")
        return shown

    def all(self) -> list[Download]:
        """All of them, in the order in which they were begun."""
        with self._lock:
            return list(self._shown.values())

    def changed_since(self, revision: int) -> tuple[int, list[Download]]:
        """Those that changed after a revision, and the revision of now."""
        with self._lock:
            return self._revision, [each for each in self._shown.values() if each.revision > revision]

    def pause(self, identity: str) -> Download:
        """Stop one for now; nothing happens to a finished one."""
        with self._lock:
            shown = self.find(identity)
            if shown.state not in ("waiting", "asking", "running"):
                return shown
            self._running[identity].stop.set()
            return self._change(identity, state="paused", bytes_per_s=0.0)

    def resume(self, identity: str) -> Download:
        """Go on with one that is paused, or try a failed one again."""
        with self._lock:
            shown = self.find(identity)
            if shown.state not in ("paused", "failed"):
                return shown
            before = self._running[identity]
            is_there = before.staged.folder.is_dir()
            # A new event, for the thread that had it may not have seen the old one yet.
            self._running[identity] = Running(
                before.staged if is_there else self._make_again(shown),
                turn=before.turn,
                etag=before.etag if is_there else None,
                sha256=before.sha256,
                part_of=before.part_of,
            )
            changed = self._change(identity, state="waiting", message=None, cause=None)
        self._queue.put(identity)
        return changed

    def cancel(self, identity: str) -> None:
        """Stop one, leave nothing of it and forget it."""
        with self._lock:
            self.find(identity)
            running = self._running.pop(identity)
            running.stop.set()
            del self._shown[identity]
            self._revision += 1
            running.staged.remove()

    def _make_again(self, shown: Download) -> Staged:
        """A place for a download that left nothing; it keeps its id."""
        staged = self._staging.place(shown.id, shown.name)
        record = {"link": shown.link, "file": shown.file, "site": shown.site, "name": shown.name}
        record["part_of"] = self._running[shown.id].part_of
        staged.write_record(record | {"state": "waiting", "created": time.time()})
        return staged

    def _recall(self, staged: Staged, record: dict[str, Any]) -> None:
        """A download of an earlier server: those that ran wait for their turn."""
        state: State = record["state"] if record.get("state") in ("paused", "failed") else "waiting"
        shown = self._show(
            Download(
                id=staged.id,
                link=str(record.get("link")),
                file=record.get("file"),
                name=staged.content.name,
                site=str(record.get("site")),
                state=state,
                size=record.get("size"),
                received=staged.received,
                message=record.get("message"),
                cause=record.get("cause"),
            )
        )
        self._running[shown.id] = Running(
            staged,
            etag=record.get("etag"),
            sha256=record.get("sha256"),
            part_of=str(record.get("part_of") or ""),
        )
        if state == "waiting":
            self._queue.put(staged.id)

    def _show(self, shown: Download) -> Download:
        with self._lock:
            self._revision += 1
            shown = shown.model_copy(update={"revision": self._revision})
            self._shown[shown.id] = shown
            return shown

    def _change(self, identity: str, **values: Any) -> Download:  # noqa: ANN401 - fields of Download
        """Change what is shown, and the record if it is more than a moment."""
        with self._lock:
            changed = self._show(self._shown[identity].model_copy(update=values))
            running = self._running[identity]
            if "state" in values and running.staged.folder.is_dir():
                self._write_record(changed, running)
            return changed

    def _write_record(self, shown: Download, running: Running) -> None:
        with contextlib.suppress(StorageError):
            running.staged.write_record(
                {
                    "name": running.staged.content.name,
                    "link": shown.link,
                    "file": shown.file,
                    "site": shown.site,
                    "state": shown.state,
                    "size": shown.size,
                    "etag": running.etag,
                    "sha256": running.sha256,
                    "part_of": running.part_of,
                    "message": shown.message,
                    "cause": shown.cause,
                    "created": time.time(),
                }
            )

    def _forget_old(self) -> None:
        done = [each.id for each in self._shown.values() if each.state == "done"]
        for identity in done[:-REMEMBERED]:
            del self._shown[identity]
            self._running.pop(identity, None)

    def _work(self) -> None:
        while (identity := self._queue.get()) is not None:
            with self._lock:
                shown, running = self._shown.get(identity), self._running.get(identity)
            if shown is not None and running is not None and shown.state == "waiting":
                self._carry_out(identity, running)

    def _carry_out(self, identity: str, running: Running) -> None:
        try:
            with running.turn:
                self._fetch(identity, running)
        except Stopped:
            with self._lock:
                if identity not in self._shown:
                    # Cancelled: what was written since then goes too.
                    running.staged.remove()
        except FetchRefused as error:
            self._fail(identity, running, error.cause, str(error))
        except StorageError as error:
            self._fail(identity, running, "disk full", str(error))
        except Exception:
            # A job's edge: one download must not end the others.
            logger.exception("A download failed")
            sentence = (
                "The download failed for a reason that was not foreseen; the log tells more. Try again."
            )
            self._fail(identity, running, "unexpected", sentence)

    def _fail(self, identity: str, running: Running, cause: Cause, sentence: str) -> None:
        with self._lock:
            if self._running.get(identity) is not running or running.stop.is_set():
                return
            if cause not in PASSING or not running.staged.received:
                running.staged.remove()
                self._change(identity, received=0)
            self._change(identity, state="failed", cause=cause, message=sentence, bytes_per_s=0.0)

    def _update(self, identity: str, running: Running, **values: Any) -> None:  # noqa: ANN401 - as above
        """Change what is shown, unless somebody stopped it meanwhile."""
        with self._lock:
            if running.stop.is_set() or self._running.get(identity) is not running:
                raise Stopped
            self._change(identity, **values)

    def _fetch(self, identity: str, running: Running) -> None:
        self._update(identity, running, state="asking")
        shown = self.find(identity)
        offer = self._offers.find(shown.link)
        file = offer.file(shown.file)
        size, sha256 = file.size or running.staged.received, file.sha256 or running.sha256
        known = None if running.part_of else self._intake.find_same(size, sha256)
        if known is not None:
            sentence = f"{file.name} is here already, as {known.name}. It was not fetched again."
            self._finish(
                identity,
                running,
                [Arrival(outcome="duplicate", name=file.name, sentence=sentence, file=known)],
            )
            return
        self._rename(identity, running, file)
        staged = running.staged
        require_space(staged.folder, (file.size or 0) - staged.received, file.name)
        self._update(identity, running, state="running", size=file.size)
        running.measured = (time.monotonic(), staged.received)
        transfer = Transfer(
            self._web,
            RemoteFile(file.url, file.name, file.size, running.etag, file.sha256),
            staged.content,
            running.stop,
            lambda moment, etag: self._tell(identity, running, moment, etag),
            self._pause,
        )
        sha256 = transfer.run()
        if file.sha256 and sha256 != file.sha256:
            raise FetchRefused(
                "wrong hash",
                f"{file.name} is not the file that was announced: its SHA-256 differs. Try again.",
            )
        running.sha256 = sha256
        self._update(identity, running, state="filing", bytes_per_s=0.0)
        arrivals = self._take(running, sha256)
        if all(arrival.outcome == "refused" for arrival in arrivals):
            raise FetchRefused("not a model", arrivals[0].sentence)
        for arrival in arrivals:
            if arrival.outcome == "filed" and not running.part_of:
                self._filed(offer, file, arrival)
        self._finish(identity, running, arrivals)

    def _take(self, running: Running, sha256: str) -> list[Arrival]:
        if running.part_of and self._take_part is not None:
            return [self._take_part(running.part_of, running.staged.content)]
        return self._intake.take(running.staged.content, sha256)

    def _rename(self, identity: str, running: Running, file: OfferedFile) -> None:
        """Give the part the name that the site tells; the record follows."""
        name = safe_name(file.name, UNNAMED)
        old = running.staged
        if name != old.content.name:
            fresh = Staged(old.id, old.folder, old.content.with_name(name))
            with self._lock:
                if old.content.is_file():
                    old.content.rename(fresh.content)
                running.staged = fresh
        self._update(identity, running, name=name, state="asking")

    def _tell(self, identity: str, running: Running, moment: TransferProgress, etag: str | None) -> None:
        at, _ = running.measured
        values: dict[str, Any] = {"received": moment.received, "size": moment.size}
        now = time.monotonic()
        if now - at >= SPEED_S:
            values["bytes_per_s"] = (moment.received - running.measured[1]) / (now - at)
            running.measured = (now, moment.received)
        if etag != running.etag:
            running.etag = etag
            # Written down before the bytes, so that a part is never taken up with another's etag.
            values["state"] = "running"
        self._update(identity, running, **values)

    def _finish(self, identity: str, running: Running, arrivals: list[Arrival]) -> None:
        with self._lock:
            running.staged.remove()
            if self._running.get(identity) is running:
                self._change(identity, state="done", arrivals=tuple(arrivals), bytes_per_s=0.0)
