"""What the routes of the tab Extensions take and answer."""

from collections.abc import Iterable, Iterator

from pydantic import BaseModel, Field, JsonValue

from webui.core.errors import WebuiError
from webui.jobs.services import Services
from webui.library.community.extension_trash import RemovedExtension
from webui.library.community.installed import InstalledExtension
from webui.library.community.installer import StagedExtension, StagingStep
from webui.library.community.native_features import NativeFeature, find_native_feature
from webui.library.community.reading.code_report import CodeReport
from webui.library.community.records import InstallRecord
from webui.library.community.repository import RepositoryAddress
from webui.plugins.community import LOOSE_NAME
from webui.plugins.health_report import HealthReport
from webui.plugins.loading import ExtensionRecord


class NewExtension(BaseModel):
    """What to install. `despite_native`: also if its feature is here already, or it cannot work here."""

    url: str = Field(max_length=1000)
    branch: str = Field("", max_length=300)
    commit: str = Field("", max_length=100)
    despite_native: bool = False


class ChosenState(BaseModel):
    """Which state of an extension to change to; both empty: the newest of its branch."""

    branch: str = Field("", max_length=300)
    commit: str = Field("", max_length=100)


class AcceptedTree(BaseModel):
    """The hash of the code that was shown."""

    tree: str = Field(max_length=64)


class WantedOrder(BaseModel):
    """Names in the order in which they shall be loaded and called."""

    names: list[str] = Field(max_length=1000)


class WantedSwitch(BaseModel):
    """Whether an extension is loaded at the next start."""

    wanted: bool


class IndexAddress(BaseModel):
    """Where the list of extensions lies; empty for the usual one."""

    url: str = Field("", max_length=1000)


class SetBody(BaseModel):
    """A set, as a file has it."""

    content: dict[str, JsonValue]


class CommunityExtension(InstalledExtension):
    """An extension as the page shows it: what is on disk, what is loaded, and how it does."""

    wanted: bool
    state: str
    error: str
    health: HealthReport | None


class ShippedExtension(BaseModel):
    """One that comes along. `is_own`: scripts without an extension, which somebody put into their folder."""

    name: str
    is_own: bool
    wanted: bool
    state: str
    error: str
    health: HealthReport | None


class CommunityAnswer(BaseModel):
    """The tab at a glance. `refusal`: why nothing can be installed from here, "" if it can."""

    extensions: list[CommunityExtension]
    shipped: list[ShippedExtension]
    order: list[str]
    refusal: str
    needs_restart: bool
    is_frozen: bool


class StagedAnswer(BaseModel):
    """What was fetched and read, and waits for consent. `was`: the record of what it replaces."""

    token: str
    replaces: bool
    record: InstallRecord
    was: InstallRecord | None
    report: CodeReport
    native: NativeFeature | None


class StagingLine(BaseModel):
    """One line of the answer while something is fetched: exactly one field is there."""

    progress: str | None = None
    native: NativeFeature | None = None
    staged: StagedAnswer | None = None
    error: str | None = None


class CodeAnswer(BaseModel):
    """What the code of an installed extension does now, and its hash."""

    tree: str
    report: CodeReport


class UpdateAnswer(BaseModel):
    """The newest commit of an extension's branch."""

    name: str
    commit: str
    is_newer: bool


class TrashAnswer(BaseModel):
    """What was removed and can be had back."""

    removed: list[RemovedExtension]


def community_answer(services: Services, refusal: str) -> CommunityAnswer:
    """The tab at a glance."""
    chosen = services.settings.current.extensions
    records = {each.name: each for each in services.extensions.records}
    reports = health_reports(services)
    added = services.community.installed.all()
    names = {each.name for each in added}
    shipped = [each for each in records.values() if each.name not in names]
    extensions = [
        describe_extension(
            each, records.get(each.name), reports, wanted=each.name not in chosen.disabled_extensions
        )
        for each in added
    ]
    answer = CommunityAnswer(
        extensions=sorted(extensions, key=lambda each: place_in(chosen.extension_order, each.name)),
        shipped=[
            ShippedExtension(
                name=each.name,
                is_own=each.name == LOOSE_NAME,
                wanted=each.name not in chosen.disabled_extensions,
                state=each.state,
                error=each.error,
                health=reports.get(each.name),
            )
            for each in shipped
        ],
        order=list(chosen.extension_order),
        refusal=refusal,
        needs_restart=False,
        is_frozen=services.flags.freeze_settings,
    )
    is_other = services.community.changed.is_set() or any(
        differs(each.state, wanted=each.wanted) for each in (*answer.extensions, *answer.shipped)
    )
    return answer.model_copy(update={"needs_restart": is_other})


def place_in(order: tuple[str, ...], name: str) -> int:
    """Where a name stands in an order; behind it if it is not in there."""
    return order.index(name) if name in order else len(order)


def differs(state: str, *, wanted: bool) -> bool:
    """Whether the next start does with an extension something else than this one did."""
    return (wanted and state == "switched off") or (not wanted and state in ("on", "failed"))


def describe_extension(
    one: InstalledExtension, record: ExtensionRecord | None, reports: dict[str, HealthReport], *, wanted: bool
) -> CommunityExtension:
    """What is on disk and what became of it."""
    return CommunityExtension(
        **one.model_dump(),
        wanted=wanted,
        state=record.state if record else "new",
        error=record.error if record else "",
        health=reports.get(one.name),
    )


def health_reports(services: Services) -> dict[str, HealthReport]:
    """What is known of each extension, by name."""
    reports = {
        each.name: HealthReport(name=each.name, seconds={"import": each.seconds} if each.seconds else {})
        for each in services.extensions.records
    }
    hosted: list[list[HealthReport]] = services.plugins.call("report_health")
    return reports | {each.name: each for several in hosted for each in several}


def native_lines(repository: RepositoryAddress, body: NewExtension) -> NativeFeature | None:
    """What to say before anything is fetched."""
    return None if body.despite_native else find_native_feature(repository.url)


def staging_lines(steps: Iterable[StagingStep], services: Services) -> Iterator[str]:
    """Each step as a line of JSON; what goes wrong on the way is the last line."""
    try:
        for step in steps:
            staged = staged_answer(step.staged, services) if step.staged else None
            line = StagingLine(progress=None if staged else step.progress, staged=staged)
            yield line.model_dump_json(exclude_none=True) + "\n"
    except WebuiError as error:
        yield StagingLine(error=str(error)).model_dump_json(exclude_none=True) + "\n"


def staged_answer(staged: StagedExtension, services: Services) -> StagedAnswer:
    """As an answer."""
    record = staged.record.model_copy(update={"files": []})
    was = services.community.records.read(record.name) if staged.replaces else None
    return StagedAnswer(
        token=staged.token,
        replaces=staged.replaces,
        record=record,
        was=was.model_copy(update={"files": []}) if was else None,
        report=staged.report,
        native=find_native_feature(record.url),
    )
