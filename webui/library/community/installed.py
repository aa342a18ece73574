"""The extensions in the folder: what each is, where it came from, which commit it is."""

from pathlib import Path

from pydantic import BaseModel

from webui.core.errors import InvalidRequest, NotFound
from webui.library.community.checkout_facts import CheckoutFacts, read_checkout
from webui.library.community.native_features import NativeFeature, find_native_feature
from webui.library.community.records import InstallRecord, InstallRecords
from webui.library.community.repository import RepositoryAddress, check_name, is_folder_name, key_of
from webui.library.community.staging_area import StagingArea
from webui.library.community.tree import tree_hash


class InstalledExtension(BaseModel):
    """One folder of `extensions`. `distrust` is why its code is not run, "" if it may be.

    `is_checked`: its code is compared with what was accepted, at each start.
    """

    name: str
    kind: str
    url: str = ""
    branch: str = ""
    commit: str = ""
    committed: str = ""
    subject: str = ""
    is_pinned: bool = False
    is_checked: bool = False
    distrust: str = ""
    can_update: bool = False
    previous_commit: str | None = None
    native: NativeFeature | None = None


class InstalledExtensions:
    """Reads the folder anew at each question."""

    def __init__(self, area: StagingArea, shipped: Path, records: InstallRecords) -> None:
        """`shipped` is the folder of the extensions that come along."""
        self._area = area
        self._home = area.home
        self._shipped = shipped
        self._records = records

    @property
    def names(self) -> list[str]:
        """All that were added to what comes along, by name."""
        try:
            folders = sorted(self._home.iterdir(), key=lambda each: each.name.lower())
        except OSError:
            return []
        return [each.name for each in folders if is_folder_name(each.name) and self._is_added(each)]

    def _is_added(self, folder: Path) -> bool:
        if folder.name == "__pycache__" or not folder.is_dir():
            return False
        if self._home.resolve() != self._shipped.resolve():
            return True
        # The program's own lie there too.
        is_own = (folder / "plugin.py").is_file() and not (folder / ".git").exists()
        return not is_own or self._records.has(folder.name)

    def folder(self, name: str) -> Path:
        """Where an extension lies. Raises NotFound for one that is not here, or that comes along."""
        if is_folder_name(name) and name in self.names:
            return self._home / name
        raise NotFound(f"There is no extension {name[:80]!r} that was added here.")

    def free_name(self, repository: RepositoryAddress) -> str:
        """The name of the folder for a new one. Raises InvalidRequest if it is there already."""
        same = next(
            (each.name for each in self.all() if each.url and key_of(each.url) == repository.key), None
        )
        if same is not None:
            raise InvalidRequest(f"This is installed already, as {same!r}. Update it, or remove it first.")
        return self.check_free(repository.name)

    def check_free(self, name: str) -> str:
        """The name itself, if no folder has it, however it is spelled. Raises InvalidRequest."""
        check_name(name)
        folders = (self._home, self._shipped)
        taken = {each.name.lower() for home in folders if home.is_dir() for each in home.iterdir()}
        if name.lower() in taken:
            raise InvalidRequest(
                f"There is a folder {name!r} among the extensions already. Remove or rename that one."
            )
        return name

    def address_of(self, name: str, branch: str = "", commit: str = "") -> RepositoryAddress:
        """Where an extension comes from, and its branch unless another is named. Raises InvalidRequest."""
        one = self.describe(name)
        if not one.url:
            raise InvalidRequest(
                f"It is not known where {name!r} comes from: it was put here by hand, without git."
            )
        return RepositoryAddress.read(one.url, branch or ("" if commit else one.branch), commit)

    def all(self) -> list[InstalledExtension]:
        """All that were added, by name."""
        return [self.describe(name) for name in self.names]

    def describe(self, name: str) -> InstalledExtension:
        """What is known of one. Raises NotFound."""
        folder = self.folder(name)
        record = self._records.read(name)
        facts = facts_of(record) if record and record.url else read_checkout(folder)
        previous = self._area.previous_record(name)
        has_previous = self._area.previous(name).is_dir()
        return InstalledExtension(
            name=name,
            kind="plugin" if (folder / "plugin.py").is_file() else "a1111",
            url=facts.url,
            branch=facts.branch,
            commit=facts.commit,
            committed=facts.committed,
            subject=record.subject if record else "",
            is_pinned=bool(record and record.is_pinned),
            is_checked=self._records.has(name),
            distrust=self._records.explain_distrust(folder),
            can_update=can_be_asked(facts.url),
            previous_commit=(previous.commit if previous else "") if has_previous else None,
            native=find_native_feature(facts.url) if facts.url else None,
        )

    def record_by_hand(self, name: str) -> InstallRecord:
        """A record of what somebody put here by hand, as it is now."""
        folder = self.folder(name)
        facts = read_checkout(folder)
        return InstallRecord(
            name=name, url=facts.url, branch=facts.branch, commit=facts.commit, committed=facts.committed,
            tree=tree_hash(folder),
        )  # fmt: skip


def facts_of(record: InstallRecord) -> CheckoutFacts:
    """The same as of a checkout, from what was noted."""
    return CheckoutFacts(record.url, record.branch, record.commit, record.committed)


def can_be_asked(url: str) -> bool:
    """Whether an extension's address is one that may be fetched."""
    try:
        RepositoryAddress.read(url)
    except InvalidRequest:
        return False
    return True
