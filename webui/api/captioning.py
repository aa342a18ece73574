"""/v1/captioning: networks that describe pictures, one picture described, and how one is fetched."""

from importlib.util import find_spec
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field, JsonValue

from webui.api.sdapi.interrogate import choose_named, description_of, request_for_picture
from webui.core.errors import InvalidRequest, NotFound, WebuiError
from webui.core.events import Captioned, Progress, ScoredTag
from webui.core.interrogate_settings import Interrogate
from webui.core.work.caption_request import CaptionMode, CaptionOptions, CaptionRequest, make_caption_request
from webui.jobs.job import Delivery, Job
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


class CaptionerToFetch(BaseModel):
    """The repository of a published captioner."""

    repo: str = Field(max_length=300)


class BegunDownloads(BaseModel):
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


class DescribedPicture(BaseModel):
    """What it says, who said it, and the tags of a tagger with their scores."""

    caption: str
    captioner: str
    tags: list[ScoredTag]


class DataSetBody(BaseModel):
    """Who is to describe the pictures of a data set, and which: of these files, or all.

    `mode`: "write" replaces captions, "append" adds to them, "missing" keeps those that are there.
    """

    captioner: str = Field(max_length=1000)
    files: list[Annotated[str, Field(max_length=4000)]] = Field(default=[], max_length=100_000)
    mode: CaptionMode = "missing"
    options: CaptionOptions = CaptionOptions()


class JobAnswer(BaseModel):
    """The id of the job."""

    job: str


class JobStatus(BaseModel):
    """Where a job of captions stands: captions by file so far. `error` says why it failed."""

    job: str
    state: str
    done: int
    pictures: int
    detail: str
    captions: dict[str, str]
    messages: list[str]
    error: str | None


class SettingsAnswer(BaseModel):
    """The section of the settings: its schema, for the page to draw, and what holds now."""

    schema_: dict[str, Any] = Field(alias="schema")
    settings: dict[str, JsonValue]


def routes(services: Services) -> APIRouter:
    """The routes, bound to the server's services."""
    router = APIRouter()
    add_settings_routes(router, services)
    add_dataset_routes(router, services)

    @router.get("/v1/captioning")
    def list_captioners() -> CaptionerList:
        """Which there are, and which could be fetched."""
        return captioner_list(services)

    @router.post("/v1/captioning/fetch", status_code=202)
    def fetch(body: CaptionerToFetch) -> BegunDownloads:
        """Fetch a published one: asks its site for the list of files, and begins their downloads."""
        begun = services.library.captioners.begin(body.repo)
        return BegunDownloads(downloads=[DownloadStatus.model_validate(each.model_dump()) for each in begun])

    @router.post("/v1/captioning")
    async def describe(body: CaptionBody) -> DescribedPicture:
        """Describe one picture; waits for its turn in the queue."""
        request = await run_in_threadpool(
            request_for_picture, services, body.image, body.captioner, body.options
        )
        said = await description_of(services.submit(request, Delivery(tab=TAB)))
        return DescribedPicture(caption=said.caption, captioner=request.captioner, tags=list(said.tags))

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


def add_dataset_routes(router: APIRouter, services: Services) -> None:
    """Captions of data sets."""

    @router.post("/v1/datasets/{name}/caption", status_code=202)
    def caption_dataset(name: str, body: DataSetBody) -> JobAnswer:
        """Describe pictures of a data set, as a job; what it writes is undone as one change."""
        captioner = choose_named(services, body.captioner)
        services.datasets.find(name)
        for file in body.files:
            services.datasets.picture(name, file)
        request = make_caption_request(
            captioner=captioner.id, dataset=name, files=body.files, mode=body.mode, options=body.options
        )
        return JobAnswer(job=services.submit(request, Delivery(tab=TAB)).id)

    @router.get("/v1/captioning/jobs/{job}")
    def get_job(job: str) -> JobStatus:
        """How far a job of captions is."""
        return job_status(find_job(services, job))

    @router.post("/v1/captioning/jobs/{job}/stop")
    def stop_job(job: str) -> JobStatus:
        """Stop it; what it has described is written."""
        services.jobs.interrupt(find_job(services, job).id)
        return get_job(job)


def find_job(services: Services, identity: str) -> Job:
    """A job of captions. Raises NotFound."""
    job = services.jobs.find(identity)
    if not isinstance(job.request, CaptionRequest):
        raise NotFound("That job makes no captions.")
    return job


def job_status(job: Job) -> JobStatus:
    """Where a job stands."""
    progress, finished = job.progress(), job.finished
    said = [event for event in job.log() if isinstance(event, Captioned)]
    newest = [event for event in job.log() if isinstance(event, Progress)]
    return JobStatus(
        job=job.id,
        state=job.state,
        done=newest[-1].step if newest else 0,
        pictures=newest[-1].steps if newest else 0,
        detail=" ".join(filter(None, (progress.phase.name, progress.phase.detail))) if progress.phase else "",
        captions={event.file: event.caption for event in said},
        messages=[message.text for message in job.messages()],
        error=finished.error if finished else None,
    )


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
