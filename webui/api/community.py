"""/v1/community: extensions of others. What changes which code runs here wants the owner."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse

from webui.api.community_answers import (
    AcceptedTree,
    ChosenState,
    CodeAnswer,
    CommunityAnswer,
    IndexAddress,
    NewExtension,
    SetBody,
    StagingLine,
    TrashAnswer,
    UpdateAnswer,
    WantedOrder,
    WantedSwitch,
    community_answer,
    native_lines,
    staging_lines,
)
from webui.api.community_rights import explain_refusal, name_person, require_owner
from webui.core.errors import InvalidRequest
from webui.jobs.services import Services
from webui.library.community.audit_log import AuditEntry
from webui.library.community.extension_index import MOST_BYTES, ExtensionIndex
from webui.library.community.extension_set import ExtensionSet, SetStep, make_set, plan_set, read_set
from webui.library.community.installed import InstalledExtension
from webui.library.community.reading.folder_code import read_code
from webui.library.community.repository import RepositoryAddress, is_folder_name
from webui.library.community.tree import tree_hash

LINES = "application/x-ndjson"


def routes(services: Services) -> APIRouter:
    """The routes, bound to the server's services."""
    router = APIRouter()

    @router.get("/v1/community")
    def look(request: Request) -> CommunityAnswer:
        """All extensions, how they do, and whether more can be installed from here."""
        return community_answer(services, explain_refusal(request, services.flags))

    # Before those of one extension, whose names could be read into their words.
    add_index_routes(router, services)
    add_staging_routes(router, services)
    add_set_routes(router, services)
    add_trash_routes(router, services)
    add_extension_routes(router, services)
    return router


def owner_of(services: Services) -> object:
    """A dependency: who asks, if they may change which code runs here. Raises NotAllowed."""

    def check(request: Request) -> str:
        require_owner(request, services.flags)
        return name_person(request)

    return Depends(check)


def add_index_routes(router: APIRouter, services: Services) -> None:
    """The public list."""
    index, owner = services.community.index, owner_of(services)

    @router.get("/v1/community/index")
    def kept() -> ExtensionIndex | None:
        """The list that was read last; null if none was. Asks nobody."""
        return index.kept()

    @router.post("/v1/community/index")
    def fetch(body: IndexAddress, who: Annotated[str, owner]) -> ExtensionIndex:
        """Fetch the list from an address."""
        return index.fetch(body.url)

    @router.put("/v1/community/index")
    async def take(request: Request, who: Annotated[str, owner]) -> ExtensionIndex:
        """Take the list from a file, which is the body."""
        data = bytearray()
        async for piece in request.stream():
            data += piece
            if len(data) > MOST_BYTES:
                raise InvalidRequest(
                    f"This list has more than {MOST_BYTES // 10**6} MB. Choose another file."
                )
        return index.take(bytes(data), "a file")


def add_staging_routes(router: APIRouter, services: Services) -> None:
    """From an address to an extension: fetch and read, show, install."""
    community, owner = services.community, owner_of(services)

    @router.post("/v1/community/staged")
    def stage(body: NewExtension, who: Annotated[str, owner]) -> StreamingResponse:
        """Fetch an extension and read its code: lines of JSON. Nothing is installed yet."""
        repository = RepositoryAddress.read(body.url, body.branch, body.commit)
        native = native_lines(repository, body)
        if native is not None:
            return lines_of(iter([StagingLine(native=native).model_dump_json(exclude_none=True) + "\n"]))
        return lines_of(staging_lines(community.installer.stage(repository, who), services))

    @router.post("/v1/community/staged/{token}/install")
    def install(token: str, who: Annotated[str, owner]) -> InstalledExtension:
        """Install what was fetched and shown: whoever asks for this consents to what it does."""
        record = community.installer.accept(token, who)
        community.changed.set()
        return community.installed.describe(record.name)

    @router.delete("/v1/community/staged/{token}", status_code=204)
    def drop(token: str, who: Annotated[str, owner]) -> None:
        """Forget what was fetched."""
        community.installer.drop(token)


def lines_of(lines: object) -> StreamingResponse:
    """Lines as they come. Who stops reading stops the work."""
    return StreamingResponse(lines, media_type=LINES, headers={"Cache-Control": "no-store"})  # type: ignore[arg-type] # pyright: ignore


def add_set_routes(router: APIRouter, services: Services) -> None:
    """Sets, the order, and the log."""
    community, owner = services.community, owner_of(services)

    @router.get("/v1/community/set")
    def back_up() -> ExtensionSet:
        """What is installed, to keep in a file."""
        return make_set(community.installed.all(), services.settings.current.extensions.disabled_extensions)

    @router.post("/v1/community/set")
    def plan(body: SetBody) -> list[SetStep]:
        """What has to be done so that all is as in a file. Does nothing itself."""
        disabled = services.settings.current.extensions.disabled_extensions
        return plan_set(read_set(body.content), community.installed.all(), disabled)

    @router.put("/v1/community/order")
    def put_order(body: WantedOrder, who: Annotated[str, owner]) -> WantedOrder:
        """The order in which extensions are loaded and called, from the next start on."""
        names = [name for name in dict.fromkeys(body.names) if is_folder_name(name)]
        services.settings.change({"extension_order": tuple(names)})
        community.changed.set()
        return WantedOrder(names=names)

    @router.get("/v1/community/audit")
    def audit() -> list[AuditEntry]:
        """Who changed what, newest first."""
        return community.audit.latest()


def add_trash_routes(router: APIRouter, services: Services) -> None:
    """What was removed."""
    community, owner = services.community, owner_of(services)

    @router.get("/v1/community/trash")
    def all_removed() -> TrashAnswer:
        """What can be had back, newest first."""
        removed = [each.model_copy(update={"record": None}) for each in community.trash.all()]
        return TrashAnswer(removed=removed)

    @router.post("/v1/community/trash/{identity}/restore")
    def restore(identity: str, who: Annotated[str, owner]) -> InstalledExtension:
        """Put one back."""
        removed = community.trash.restore(identity)
        community.audit.add(who, "restore", removed.name)
        community.changed.set()
        return community.installed.describe(removed.name)

    @router.delete("/v1/community/trash/{identity}", status_code=204)
    def delete(identity: str, who: Annotated[str, owner]) -> None:
        """Delete one for good."""
        removed = community.trash.delete(identity)
        community.audit.add(who, "delete", removed.name)


def add_extension_routes(router: APIRouter, services: Services) -> None:
    """One extension."""
    community, owner = services.community, owner_of(services)
    installer, installed = community.installer, community.installed

    @router.patch("/v1/community/extensions/{name}")
    def switch(name: str, body: WantedSwitch, request: Request) -> WantedSwitch:
        """Switch one on or off for the next start."""
        if not any(each.name == name for each in services.extensions.records):
            installed.folder(name)
        chosen = services.settings.current.extensions
        others = tuple(each for each in chosen.disabled_extensions if each != name)
        services.settings.change({"disabled_extensions": others if body.wanted else (*others, name)})
        community.audit.add(name_person(request), "enable" if body.wanted else "disable", name)
        return body

    @router.post("/v1/community/extensions/{name}/check")
    def check(name: str, who: Annotated[str, owner]) -> UpdateAnswer:
        """Ask an extension's repository whether there is something newer."""
        commit = installer.look_for_update(name)
        return UpdateAnswer(name=name, commit=commit, is_newer=commit != installed.describe(name).commit)

    @router.post("/v1/community/extensions/{name}/update")
    def update(name: str, body: ChosenState, who: Annotated[str, owner]) -> StreamingResponse:
        """Fetch and read the newest state, or the one that is named: lines of JSON, as for a new one."""
        return lines_of(staging_lines(installer.stage_update(name, who, body.branch, body.commit), services))

    @router.post("/v1/community/extensions/{name}/roll-back")
    def roll_back(name: str, who: Annotated[str, owner]) -> InstalledExtension:
        """Put back what was there before the last update."""
        installer.roll_back(name, who)
        community.changed.set()
        return installed.describe(name)

    @router.get("/v1/community/extensions/{name}/code")
    def code(name: str) -> CodeAnswer:
        """What the code does as it lies on disk now."""
        folder = installed.folder(name)
        return CodeAnswer(tree=tree_hash(folder), report=read_code(folder))

    @router.post("/v1/community/extensions/{name}/accept")
    def accept(name: str, body: AcceptedTree, who: Annotated[str, owner]) -> InstalledExtension:
        """Accept the code as it lies on disk now, if it is still what was shown."""
        installer.accept_change(name, body.tree, who)
        community.changed.set()
        return installed.describe(name)

    @router.delete("/v1/community/extensions/{name}")
    def remove(name: str, who: Annotated[str, owner]) -> TrashAnswer:
        """Move one to the trash."""
        removed = installer.remove(name, who)
        community.changed.set()
        return TrashAnswer(removed=[removed.model_copy(update={"record": None})])
