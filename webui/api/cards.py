"""/v1/cards and /v1/trash: what models there are, what is written about them, and away with them."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel

from webui.api.inputs import read_body
from webui.api.server_events import event_stream
from webui.core.errors import InvalidRequest, NotFound
from webui.core.model_file import Family, ModelFile, ModelKind
from webui.jobs.services import Services
from webui.library.cards.card import Card, CardQuery
from webui.library.cards.cards import CardDetail, CardEdit
from webui.library.files.embedded_previews import Cover
from webui.library.library import Use
from webui.library.recognise.kinds import noun
from webui.store.files.atomic import storage_errors
from webui.store.trash import Trashed

AS_IT_IS = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
# How often an open page hears how far the scan of new files is; each time it draws its cards again.
SCAN_EVENTS_S = 1.5
# Its address changes with the picture.
FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}


class Scanned(BaseModel):
    """What a scan of the folders found."""

    version: str
    count: int


class ScanProgress(BaseModel):
    """How far the scan of new files is. `lists`: all but LoRAs are known, so that pickers are whole."""

    unread: int
    lists: bool


class Emptied(BaseModel):
    """What was deleted for good."""

    count: int
    bytes: int


class Fit(BaseModel):
    """Whether a model may be used with the selected checkpoint; `sentence` tells why not."""

    fits: bool
    sentence: str


class TrashedAnswer(BaseModel):
    """A model or preview in the trash; `label` is its kind in words."""

    id: str
    name: str
    kind: str
    label: str
    size: int
    deleted: float


def routes(services: Services) -> APIRouter:
    """The routes, bound to the server's services."""
    router = APIRouter()
    add_list_routes(router, services)
    add_card_routes(router, services)
    add_preview_routes(router, services)
    add_trash_routes(router, services)
    return router


def add_list_routes(router: APIRouter, services: Services) -> None:
    """Lists of cards."""
    index = services.library.cards.index

    @router.get("/v1/cards")
    def cards(query: Annotated[CardQuery, Query()]) -> Response:
        """A page of the cards that match."""
        page = index.page(resolve_family(query, services))
        return Response(page.model_dump_json(), media_type="application/json")

    @router.get("/v1/cards/events")
    async def events(request: Request) -> StreamingResponse:
        """How far the scan of new files is, as it goes on; ends with it."""
        return event_stream(request, SCAN_EVENTS_S, changes_of(services), lambda: not services.catalog.unread)

    @router.post("/v1/cards/scan")
    def scan() -> Scanned:
        """Look at the folders again."""
        index.reread()
        return Scanned(version=index.version, count=len(index.entries()))


def changes_of(services: Services) -> Callable[[], str | None]:
    """A function that gives what became known since its last call, None if nothing did."""
    seen: int | None = None

    def news() -> str | None:
        nonlocal seen
        catalog = services.catalog
        if catalog.version == seen:
            return None
        seen = catalog.version
        lists = catalog.is_settled(*(kind for kind in ModelKind if kind is not ModelKind.LORA))
        return ScanProgress(unread=catalog.unread, lists=lists).model_dump_json()

    return news


def resolve_family(query: CardQuery, services: Services) -> CardQuery:
    """The query with the family of the selected checkpoint, where it asks for what fits that."""
    return query.model_copy(update={"family": selected_family(services)}) if query.fitting else query


def selected_checkpoint(services: Services) -> ModelFile | None:
    """The checkpoint that the settings name, as far as it is known."""
    return services.catalog.known_checkpoint(services.settings.current.models.sd_model_checkpoint)


def selected_family(services: Services) -> Family:
    """What family the selected checkpoint is of; unknown without one."""
    checkpoint = selected_checkpoint(services)
    return checkpoint.family if checkpoint else Family.UNKNOWN


def fit_of(file: ModelFile, checkpoint: ModelFile | None) -> Fit:
    """Whether a file may be used with a checkpoint."""
    if checkpoint is None or file.fits(checkpoint.family):
        return Fit(fits=True, sentence="")
    return Fit(
        fits=False,
        sentence=f"It is for {file.family.value}, but the selected checkpoint, {checkpoint.name}, "
        f"is {checkpoint.family.value}.",
    )


def add_card_routes(router: APIRouter, services: Services) -> None:
    """One card."""
    cards = services.library.cards

    @router.get("/v1/cards/{identity}")
    def detail(identity: str) -> CardDetail:
        """Everything that is known of a model without asking anybody."""
        return cards.detail(identity)

    @router.patch("/v1/cards/{identity}")
    def edit(identity: str, changes: CardEdit) -> CardDetail:
        """Write changes into the file beside the model."""
        return cards.edit(identity, changes)

    @router.post("/v1/cards/{identity}/hash")
    def compute_hash(identity: str) -> CardDetail:
        """Hash the file, where that was not done yet."""
        return cards.hash(identity)

    @router.get("/v1/cards/{identity}/use")
    def use(identity: str) -> Use:
        """What would miss the model if it were deleted."""
        return services.library.use_of(identity, services.requests.styles(), services.settings.current)

    @router.get("/v1/cards/{identity}/fit")
    def fit(identity: str) -> Fit:
        """Whether the model may be used with the checkpoint that is selected."""
        return fit_of(cards.index.find(identity).file, selected_checkpoint(services))

    @router.delete("/v1/cards/{identity}")
    def delete(identity: str) -> TrashedAnswer:
        """Move a model with its sidecars to the trash."""
        return trashed_answer(cards.delete(identity))


def add_preview_routes(router: APIRouter, services: Services) -> None:
    """Pictures of cards."""
    cards = services.library.cards

    @router.get("/v1/cards/{identity}/thumbnail")
    def thumbnail(identity: str) -> FileResponse:
        """A small picture."""
        return FileResponse(cards.thumbnail(identity), media_type="image/webp", headers=FOR_EVER)

    @router.get("/v1/cards/{identity}/preview")
    def preview(identity: str) -> Response:
        """The preview itself."""
        found = cards.preview(identity)
        if isinstance(found, Cover):
            return Response(found.data, media_type=found.media_type, headers=AS_IT_IS)
        return FileResponse(found, headers=AS_IT_IS)

    @router.put("/v1/cards/{identity}/preview")
    async def set_preview(
        request: Request, identity: str, reference: str = "", output: str = ""
    ) -> CardDetail:
        """Take a picture: one that was uploaded, one of the history by its path, or the body itself."""
        body = b"" if reference or output else await read_body(request)

        def apply() -> CardDetail:
            data = services.inputs.read(reference) if reference else body
            return cards.set_preview(identity, output_picture(services, output) if output else data)

        return await run_in_threadpool(apply)

    @router.delete("/v1/cards/{identity}/preview")
    def remove_preview(identity: str) -> CardDetail:
        """Move the preview to the trash."""
        return cards.remove_preview(identity)


def add_trash_routes(router: APIRouter, services: Services) -> None:
    """What was deleted."""
    cards = services.library.cards

    @router.get("/v1/trash")
    def trash() -> list[TrashedAnswer]:
        """Newest first."""
        return [trashed_answer(each) for each in cards.trash.all()]

    @router.post("/v1/trash/{identity}/restore")
    def restore(identity: str) -> Card | None:
        """Put it back; its card."""
        return cards.restore(identity)

    @router.delete("/v1/trash/{identity}", status_code=204)
    def delete_for_good(identity: str) -> None:
        """Delete one for good."""
        cards.trash.delete(identity)

    @router.delete("/v1/trash")
    def empty() -> Emptied:
        """Delete all of it for good."""
        count, size = cards.trash.empty()
        return Emptied(count=count, bytes=size)


def output_picture(services: Services, output: str) -> bytes:
    """A picture that the history knows; no other file is read. Raises NotFound."""
    if "\0" in output:
        raise InvalidRequest("A path has no zero bytes.")
    path = Path(output)
    if services.history.find(path) is None:
        raise NotFound("The history has no picture of that path.")
    with storage_errors(path):
        return path.read_bytes()


def trashed_answer(trashed: Trashed) -> TrashedAnswer:
    """As an answer."""
    return TrashedAnswer(
        id=trashed.id,
        name=trashed.name,
        kind=trashed.kind,
        # Previews are no kind of model.
        label=noun(ModelKind(trashed.kind)) if trashed.kind in list(ModelKind) else trashed.kind,
        size=trashed.size,
        deleted=trashed.deleted,
    )
