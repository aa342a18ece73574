"""Installing, updating, rolling back and removing extensions. Nothing of them is run here.

The code is fetched into a hidden folder, read there, shown for consent, and only then moved to its place.
"""

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from webui.core.errors import Busy, NotFound, UnusableFile
from webui.library.community.audit_log import AuditLog
from webui.library.community.extension_trash import ExtensionTrash, RemovedExtension
from webui.library.community.fetching import Checkout, ask_head
from webui.library.community.git import FetchCancelled, Git
from webui.library.community.installed import InstalledExtensions
from webui.library.community.reading.code_report import CodeReport
from webui.library.community.reading.folder_code import read_code
from webui.library.community.records import InstallRecord, InstallRecords
from webui.library.community.repository import RepositoryAddress
from webui.library.community.staging_area import StagingArea, StagingPlace, carry_over
from webui.library.community.submodules import fetch_with_submodules
from webui.library.community.tree import check_checkout, drop_compiled, tree_hash

logger = logging.getLogger(__name__)
# Those that nobody decided on; older ones are dropped.
MOST_STAGED = 8
TELL_S = 0.25


@dataclass(frozen=True, slots=True)
class StagedExtension:
    """Code that was fetched and read, and waits for consent. `replaces`: there is an earlier state."""

    token: str
    place: StagingPlace
    record: InstallRecord
    report: CodeReport
    replaces: bool


@dataclass(frozen=True, slots=True)
class StagingStep:
    """A step on the way: a word on the progress, at the end what was staged."""

    progress: str = ""
    staged: StagedExtension | None = None


class Installer:
    """Changes the folder of extensions; one change at a time. Any thread."""

    def __init__(self, git: Git, area: StagingArea, records: InstallRecords, installed: InstalledExtensions,
                 trash: ExtensionTrash, audit: AuditLog) -> None:  # fmt: skip
        self._git = git
        self._area = area
        self._records = records
        self._installed = installed
        self._trash = trash
        self._audit = audit
        self._staged: dict[str, StagedExtension] = {}
        self._lock = threading.Lock()

    def stage(self, repository: RepositoryAddress, who: str) -> Iterator[StagingStep]:
        """Fetch and read a new extension; nothing is installed yet. Raises WebuiError.

        Whoever stops reading stops the fetching, and nothing is left.
        """
        name = self._installed.free_name(repository)
        return self._steps(repository, name, replaces=False, who=who)

    def stage_update(self, name: str, who: str, branch: str = "", commit: str = "") -> Iterator[StagingStep]:
        """The same for the newest state of one that is here, or the state that is named."""
        repository = self._installed.address_of(name, branch, commit)
        return self._steps(repository, name, replaces=True, who=who)

    def _steps(
        self, repository: RepositoryAddress, name: str, *, replaces: bool, who: str
    ) -> Iterator[StagingStep]:
        stop = threading.Event()
        said: queue.Queue[str | StagedExtension | BaseException] = queue.Queue()
        place = self._area.open()

        def work() -> None:
            try:
                said.put(self._prepare(place, repository, name, replaces, who, stop, said.put))
            except BaseException as error:  # noqa: BLE001 - raised again on the thread that reads
                said.put(error)

        thread = threading.Thread(target=work, name="fetch extension", daemon=True)
        thread.start()
        is_staged = False
        try:
            # git says nothing before it has taken a while.
            yield StagingStep(progress=f"Asking {repository.url} …")
            for each in answers_of(said):
                if isinstance(each, StagedExtension):
                    self._keep(each)
                    is_staged = True
                    yield StagingStep(staged=each)
                    return
                yield StagingStep(progress=each)
        finally:
            stop.set()
            thread.join()
            if not is_staged:
                place.clear()

    def _prepare(
        self,
        place: StagingPlace,
        repository: RepositoryAddress,
        name: str,
        replaces: bool,
        who: str,
        stop: threading.Event,
        tell: Callable[[str], None],
    ) -> StagedExtension:
        checkout = fetch_with_submodules(self._git, repository, place.checkout, stop, tell)
        check_checkout(place.checkout, self._git.limits)
        drop_compiled(place.checkout)
        kind = kind_of(place.checkout)
        if kind == "plugin" and not replaces:
            # A package's name has no dots.
            name = self._installed.check_free(name.replace(".", "_"))
        tell("Reading the code")
        report = read_code(place.checkout)
        if stop.is_set():
            raise FetchCancelled
        record = make_record(name, repository, checkout, place.checkout, report, who)
        return StagedExtension(place.folder.name, place, record, report, replaces)

    def _keep(self, staged: StagedExtension) -> None:
        with self._lock:
            self._staged[staged.token] = staged
            dropped = [self._staged.pop(token) for token in list(self._staged)[:-MOST_STAGED]]
        for each in dropped:
            each.place.clear()

    def drop(self, token: str) -> None:
        """Forget what was staged: nobody wants it."""
        with self._lock:
            staged = self._staged.pop(token, None)
        if staged is not None:
            staged.place.clear()

    def find(self, token: str) -> StagedExtension:
        """What was staged. Raises NotFound."""
        staged = self._staged.get(token)
        if staged is None:
            raise NotFound("What was fetched is not there any more. Fetch it again.")
        return staged

    def accept(self, token: str, who: str) -> InstallRecord:
        """Install what was staged and shown. Raises NotFound, InvalidRequest or StorageError."""
        with self._lock:
            staged = self.find(token)
            del self._staged[token]
            try:
                self._install(staged, who)
            finally:
                if not staged.place.before.exists():
                    staged.place.clear()
        return staged.record

    def _install(self, staged: StagedExtension, who: str) -> None:
        record, place = staged.record, staged.place
        if tree_hash(place.checkout) != record.tree:
            raise UnusableFile(
                "What was fetched has changed since it was read. It was not installed; fetch it again."
            )
        what = "update" if staged.replaces else "install"
        if not staged.replaces:
            self._installed.check_free(record.name)
            self._log(who, what, record)
            self._area.move_in(place, record)
            return
        old = self._installed.folder(record.name)
        before = self._records.read(record.name)
        carry_over(old, place.checkout, before.files if before else None, record.files)
        self._log(who, what, record)
        self._area.replace(place, record.name, before, record)

    def roll_back(self, name: str, who: str) -> InstallRecord | None:
        """Put the code before the last update back; the one that is here now is kept in its place.

        Raises NotFound, UnusableFile or StorageError.
        """
        with self._lock:
            current, kept = self._installed.folder(name), self._area.previous(name)
            after = self._area.previous_record(name)
            if not kept.is_dir():
                raise NotFound(f"There is no earlier state of {name!r} here. Choose a commit in place of it.")
            if after is not None and tree_hash(kept) != after.tree:
                raise UnusableFile(
                    f"The earlier state of {name!r} was changed on disk, so it is not used. Choose its "
                    "commit in place of it."
                )
            before = self._records.read(name)
            carry_over(current, kept, before.files if before else None, after.files if after else [])
            self._audit.add(
                who, "roll back", name, commit=after.commit if after else "", tree=after.tree if after else ""
            )
            place = self._area.open()
            place.checkout.rmdir()
            kept.rename(place.checkout)
            self._area.replace(place, name, before, after)
            place.clear()
            return after

    def remove(self, name: str, who: str) -> RemovedExtension:
        """Move an extension to the trash. Raises NotFound or StorageError."""
        with self._lock:
            self._installed.folder(name)
            record = self._records.read(name)
            self._audit.add(
                who, "remove", name, url=record.url if record else "", commit=record.commit if record else ""
            )
            return self._trash.put(name)

    def accept_change(self, name: str, tree: str, who: str) -> InstallRecord:
        """Accept the code of an extension as it lies on disk, if it is still what was shown (`tree`).

        Raises NotFound, Busy or StorageError.
        """
        with self._lock:
            folder = self._installed.folder(name)
            now = tree_hash(folder)
            if now != tree:
                raise Busy("The code has changed again since it was shown. Look at it once more.")
            known = self._records.read(name) or self._installed.record_by_hand(name)
            when = datetime.now(UTC).isoformat(timespec="seconds")
            record = known.model_copy(update={"tree": now, "when": when, "who": who})
            self._audit.add(who, "accept", name, url=record.url, commit=record.commit, tree=now)
            self._records.write(record)
            return record

    def look_for_update(self, name: str) -> str:
        """The newest commit of an extension's branch. Asks its repository. Raises WebuiError."""
        return ask_head(self._git, self._installed.address_of(name), self._area.home).commit

    def _log(self, who: str, what: str, record: InstallRecord) -> None:
        self._audit.add(who, what, record.name, url=record.url, commit=record.commit, tree=record.tree)


def answers_of(said: "queue.Queue[str | StagedExtension | BaseException]") -> Iterator[str | StagedExtension]:
    """What is said, as it comes; of words on the progress only the last. Raises what was raised."""
    word = ""
    while True:
        try:
            each = said.get(timeout=TELL_S)
        except queue.Empty:
            # An empty word shows at once whether somebody still listens.
            yield word
            word = ""
            continue
        if isinstance(each, BaseException):
            raise each
        if isinstance(each, StagedExtension):
            yield each
            return
        word = each


def kind_of(folder: Path) -> str:
    """Whether a checkout is an extension of ours ("plugin") or of A1111's ("a1111"). Raises UnusableFile."""
    if (folder / "plugin.py").is_file():
        return "plugin"
    marks = (
        "scripts",
        "javascript",
        "localizations",
        "style.css",
        "preload.py",
        "install.py",
        "metadata.ini",
    )
    if any((folder / mark).exists() for mark in marks):
        return "a1111"
    raise UnusableFile(
        "This repository is no extension: it has neither a plugin.py nor folders such as scripts/ or "
        "javascript/. Look at its page for how it is meant to be used."
    )


def make_record(name: str, repository: RepositoryAddress, checkout: Checkout, folder: Path,
                report: CodeReport, who: str) -> InstallRecord:  # fmt: skip
    """The record of what was fetched."""
    return InstallRecord(
        name=name,
        url=repository.url,
        branch=checkout.branch,
        commit=checkout.commit,
        is_pinned=repository.commit is not None,
        subject=checkout.subject,
        committed=checkout.committed,
        tree=tree_hash(folder),
        files=checkout.files,
        kinds=report.kinds,
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        who=who,
    )
