"""/v1/captioning: networks that describe pictures, one picture described, and how one is fetched."""

from importlib.util import find_spec
from typing import Any

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field, JsonValue

from webui.api.sdapi.interrogate import description_of, request_for_picture
from webui.core.caption_request import CaptionOptions
from webui.core.errors import InvalidRequest, WebuiError
from webui.core.events import ScoredTag
from webui.core.settings import Interrogate
from webui.jobs.job import Delivery
from webui.jobs.services import Services
from webui.library.captioners.captioner import Captioner, CaptionerSort
from webui.library.captioners.choosing import Interrogator, choose_captioner, first_usable
from webui.library.captioners.finding import find_captioners
from webui.library.captioners.published import PUBLISHED, PublishedCaptioner
from webui.library.fetch.downloads import DownloadStatus

# What jobs of captions belong to.
TAB = "captioning"


class FetchOffer(BaseModel):
    """Where a captioner can be fetched from; `size` is bytes, about. Nobody is asked before it is fetched."""

    repo: str
    page: str
    size: int
    licence: str
    about: str


class CaptionerAnswer(BaseModel):
    """A captioner that is here, or one that could be: then `fetch` tells from where.

    `reason` says why one that is here cannot be used. `downloads` are those of its files that go on.
    """

    id: str
    name: str
    sort: CaptionerSort
    is_tagger: bool
    size: int
    licence: str
    present: bool
    reason: str | None = None
    fetch: FetchOffer | None = None
    downloads: list[DownloadStatus] = []


class CaptionerList(BaseModel):
    """All of them, those that are here first; by name which answer A1111's two buttons, None without one.

    `can_tag`: whether ONNX Runtime is installed, which taggers need. `options` is the schema of the options.
    """

    captioners: list[CaptionerAnswer]
    interrogators: dict[Interrogator, str | None]
    can_tag: bool
    options: dict[str, Any]


class FetchBody(BaseModel):
    """The repository of a published captioner."""

    repo: str = Field(max_length=300)


class FetchAnswer(BaseModel):
    """The downloads that were begun, one for each file; none where all is here."""

    downloads: list[DownloadStatus]


class CaptionBody(BaseModel):
    """A picture by its reference (POST /v1/inputs), and who is to describe it.

    `captioner` is an id, a name, or one of A1111's: "clip" or "deepbooru", as the settings say.
    Without `options` these two take the settings', others the defaults.
    """

    image: str = Field(max_length=200)
    captioner: str = Field(default="clip", max_length=1000)
    options: CaptionOptions | None = None


class CaptionAnswer(BaseModel):
    """What it says, who said it, and the tags of a tagger with their scores."""

    caption: str
    captioner: str
    tags: list[ScoredTag]


class SettingsAnswer(BaseModel):
    """The section of the settings: its schema, for the page to draw, and what holds now."""

    schema_: dict[str, Any] = Field(alias="schema")
    settings: dict[str, JsonValue]


def routes(services: Services) -> APIRouter:
    """The routes, bound to the server's services."""
    router = APIRouter()
    add_settings_routes(router, services)

    @router.get("/v1/captioning")
    def list_captioners() -> CaptionerList:
        """Which there are, and which could be fetched."""
        return captioner_list(services)

    @router.post("/v1/captioning/fetch", status_code=202)
    def fetch(body: FetchBody) -> FetchAnswer:
        """Fetch a published one: asks its site for the list of files, and begins their downloads."""
        begun = services.library.captioners.begin(body.repo)
        return FetchAnswer(downloads=[DownloadStatus.model_validate(each.model_dump()) for each in begun])

    @router.post("/v1/captioning")
    async def describe(body: CaptionBody) -> CaptionAnswer:
        """Describe one picture; waits for its turn in the queue."""
        request = await run_in_threadpool(
            request_for_picture, services, body.image, body.captioner, body.options
        )
        said = await description_of(services.submit(request, Delivery(tab=TAB)))
        return CaptionAnswer(caption=said.caption, captioner=request.captioner, tags=list(said.tags))

    return router


def add_settings_routes(router: APIRouter, services: Services) -> None:
    """The section of the settings, which the page draws from here."""

    @router.get("/v1/captioning/settings")
    def get_settings() -> SettingsAnswer:
        """What holds now."""
        current = services.settings.current.interrogate
        return SettingsAnswer(
            schema=Interrogate.model_json_schema(), settings=current.model_dump(mode="json")
        )

    @router.put("/v1/captioning/settings")
    def put_settings(settings: dict[str, JsonValue]) -> SettingsAnswer:
        """Keep other values; those left out stay."""
        for key in settings:
            if key not in Interrogate.model_fields:
                raise InvalidRequest(f"There is no setting {key[:60]!r} of captions. Leave it out.")
        services.settings.change(dict(settings))
        return get_settings()


def captioner_list(services: Services) -> CaptionerList:
    """All captioners."""
    found = find_captioners(services.paths.models)
    here = {each.name.casefold() for each in found if each.reason is None}
    offers = [each for each in PUBLISHED if each.name.casefold() not in here]
    return CaptionerList(
        captioners=[*map(describe_found, found), *(describe_offer(each, services) for each in offers)],
        interrogators={
            name: getattr(first_or_chosen(services, name, found), "id", None)
            for name in ("clip", "deepbooru")
        },
        can_tag=find_spec("onnxruntime") is not None,
        options=CaptionOptions.model_json_schema(),
    )


def first_or_chosen(services: Services, name: Interrogator, found: list[Captioner]) -> Captioner | None:
    """Who answers one of A1111's buttons."""
    settings = services.settings.current.interrogate
    chosen = settings.interrogate_tagger if name == "deepbooru" else settings.interrogate_captioner
    if not chosen:
        return first_usable(found, name)
    try:
        return choose_captioner(services.paths.models, name, settings)
    except WebuiError:
        # Pressing the button tells why.
        return None


def describe_found(captioner: Captioner) -> CaptionerAnswer:
    """One that is here."""
    return CaptionerAnswer(
        id=captioner.id,
        name=captioner.name,
        sort=captioner.sort,
        is_tagger=captioner.sort.is_tagger,
        size=captioner.size,
        licence=captioner.licence,
        present=True,
        reason=captioner.reason,
    )


def describe_offer(published: PublishedCaptioner, services: Services) -> CaptionerAnswer:
    """One that could be here."""
    running = services.library.captioners.running(published)
    return CaptionerAnswer(
        id=published.repo,
        name=published.name,
        sort=published.sort,
        is_tagger=published.sort.is_tagger,
        size=published.size,
        licence=published.licence,
        present=False,
        fetch=FetchOffer(page=published.page, **published.model_dump(include=set(FetchOffer.model_fields))),
        downloads=[DownloadStatus.model_validate(each.model_dump()) for each in running],
    )
