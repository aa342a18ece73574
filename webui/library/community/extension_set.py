"""Sets of extensions: which are installed, at which commits, and which are on; to keep and to bring back."""

from datetime import UTC, datetime
from typing import Any, Literal, cast

from pydantic import BaseModel, ValidationError

from webui.core.errors import InvalidRequest, UnusableFile
from webui.library.community.installed import InstalledExtension
from webui.library.community.repository import RepositoryAddress, is_folder_name, key_of

VERSION = 1
MOST = 500
SetAction = Literal["install", "switch", "enable", "disable", "nothing", "refuse"]


class SetMember(BaseModel):
    """One extension of a set. `commit` is "" where only the branch counts."""

    name: str
    url: str = ""
    branch: str = ""
    commit: str = ""
    enabled: bool = True


class ExtensionSet(BaseModel):
    """What is kept in a file. `atelier_extensions` is the version of the format."""

    atelier_extensions: int = VERSION
    when: str = ""
    extensions: list[SetMember]


class SetStep(BaseModel):
    """What has to be done for one extension of a set; `sentence` says it, or why it cannot be."""

    member: SetMember
    action: SetAction
    sentence: str


def make_set(installed: list[InstalledExtension], disabled: tuple[str, ...]) -> ExtensionSet:
    """The set of what is installed."""
    members = [
        SetMember(
            name=each.name,
            url=each.url,
            branch=each.branch,
            commit=each.commit,
            enabled=each.name not in disabled,
        )
        for each in installed
    ]
    return ExtensionSet(when=datetime.now(UTC).isoformat(timespec="seconds"), extensions=members)


def read_set(document: object) -> ExtensionSet:
    """The set in a file of ours, or in one of A1111's config states. Raises UnusableFile."""
    # Any: whatever JSON somebody gave.
    content = cast("dict[str, Any]", document) if isinstance(document, dict) else {}
    rows = content.get("extensions")
    if isinstance(rows, dict):
        content = {
            "extensions": [read_state(name, row) for name, row in cast("dict[str, Any]", rows).items()]
        }
    elif content.get("atelier_extensions", VERSION) != VERSION:
        raise UnusableFile("This set was written by a newer version of this program. Update it first.")
    try:
        read = ExtensionSet.model_validate(content)
    except ValidationError as error:
        raise UnusableFile(
            'This is no set of extensions: expected a file that "Back up" wrote, or one of A1111\'s config '
            "states."
        ) from error
    if len(read.extensions) > MOST:
        raise UnusableFile(f"This set has more than {MOST} extensions. Choose another file.")
    return read


def read_state(name: object, row: object) -> dict[str, Any]:
    """One extension of A1111's config states as a member of ours."""
    fields = cast("dict[str, Any]", row) if isinstance(row, dict) else {}
    named = {"name": name, "url": fields.get("remote") or "", "branch": fields.get("branch") or ""}
    return named | {"commit": fields.get("commit_hash") or "", "enabled": fields.get("enabled", True)}


def plan_set(
    wanted: ExtensionSet, installed: list[InstalledExtension], disabled: tuple[str, ...]
) -> list[SetStep]:
    """What is to be done so that all of a set is as it was. Others stay as they are."""
    return [plan_member(each, installed, disabled) for each in wanted.extensions]


def plan_member(member: SetMember, installed: list[InstalledExtension], disabled: tuple[str, ...]) -> SetStep:
    """The next step for one extension."""
    try:
        repository = RepositoryAddress.read(member.url, member.branch, member.commit) if member.url else None
    except InvalidRequest as error:
        return SetStep(member=member, action="refuse", sentence=str(error))
    if not is_folder_name(member.name):
        return SetStep(member=member, action="refuse", sentence="Its name cannot be the name of a folder.")
    here = next((each for each in installed if is_same(each, member, repository)), None)
    if here is not None:
        return plan_present(member, here, repository, disabled)
    if repository is not None:
        return SetStep(member=member, action="install", sentence="It is not here: install it.")
    return SetStep(
        member=member,
        action="refuse",
        sentence="It is not here, and the set does not say where it comes from.",
    )


def plan_present(
    member: SetMember,
    here: InstalledExtension,
    repository: RepositoryAddress | None,
    disabled: tuple[str, ...],
) -> SetStep:
    """The next step for one that is installed."""
    named = member.model_copy(update={"name": here.name})
    if member.commit and repository and here.can_update and not here.commit.startswith(member.commit):
        sentence = f"It is at {here.commit[:8] or 'another commit'}: change to {member.commit[:8]}."
        return SetStep(member=named, action="switch", sentence=sentence)
    if member.enabled == (here.name in disabled):
        action: SetAction = "enable" if member.enabled else "disable"
        sentence = f"{'On' if member.enabled else 'Off'} from the next start."
        return SetStep(member=named, action=action, sentence=sentence)
    return SetStep(member=named, action="nothing", sentence="It is as it was.")


def is_same(here: InstalledExtension, member: SetMember, repository: RepositoryAddress | None) -> bool:
    """Whether an extension is the one of a set: by its address, else by its name."""
    if repository is not None and here.url:
        return key_of(here.url) == repository.key
    return here.name == member.name
