"""A1111's route for descriptions of pictures: "clip" writes a sentence, "deepdanbooru" tags."""

from fastapi import APIRouter

from webui.api.sdapi.answers import InterrogateResponse
from webui.api.sdapi.bodies import InterrogateBody
from webui.api.sdapi.given_pictures import GivenPictures, addresses_in, fetch_pictures
from webui.api.sdapi.waiting import SlowWork, finish
from webui.core.errors import InvalidRequest, NotFound
from webui.core.events import Captioned
from webui.core.work.caption_request import CaptionOptions, CaptionRequest, make_caption_request
from webui.jobs.job import Delivery, Job
from webui.jobs.services import Services
from webui.library.captioners.captioner import Captioner
from webui.library.captioners.choosing import NAMES, choose_captioner, options_of
from webui.library.captioners.finding import find_captioner

# A1111's words, with what to do behind them.
NO_IMAGE = "Image not found. Send the picture in base64 as 'image'."
NO_MODEL = 'Model not found. \'model\' is "clip" for a sentence or "deepdanbooru" for tags.'


def add_interrogate_route(router: APIRouter, services: Services) -> None:
    """POST /interrogate."""
    work, fetching = SlowWork("interrogate"), SlowWork("fetch")

    @router.post("/interrogate")
    async def interrogate(body: InterrogateBody) -> InterrogateResponse:
        """Describe a picture; waits for its turn in the queue."""
        if not body.image:
            raise NotFound(NO_IMAGE)
        if body.model.strip().casefold() not in NAMES:
            raise NotFound(NO_MODEL)
        fetched: dict[str, bytes] = {}
        if addresses := addresses_in([body.image]):
            rules = services.settings.current.api
            fetched = await fetching.run(fetch_pictures, addresses, services.library.web, rules)
        request = await work.run(request_for_body, services, body, GivenPictures(services.inputs, fetched))
        said = await description_of(services.submit(request, Delivery(tab="api")))
        return InterrogateResponse(caption=said.caption)


def request_for_body(services: Services, body: InterrogateBody, given: GivenPictures) -> CaptionRequest:
    """Keep the picture, and say what is to be done with it. Raises WebuiError."""
    return request_for_picture(services, given.keep(body.image), body.model)


def request_for_picture(
    services: Services, image: str, name: str, options: CaptionOptions | None = None
) -> CaptionRequest:
    """What goes into the queue for one picture; what is wrong with it is said at once. Raises WebuiError.

    `name` is a captioner's, or one of A1111's: these take the settings' options where none are given.
    """
    services.inputs.path(image)
    captioner = choose_named(services, name)
    is_a1111s = name.strip().casefold() in NAMES
    usual = options_of(services.settings.current.interrogate) if is_a1111s else CaptionOptions()
    return make_caption_request(captioner=captioner.id, images=[image], options=options or usual)


def choose_named(services: Services, name: str) -> Captioner:
    """The captioner of a name, its own or one of A1111's. Raises NotFound, UnusableFile."""
    models, wanted = services.paths.models, NAMES.get(name.strip().casefold())
    if wanted is None:
        return find_captioner(models, name)
    return choose_captioner(models, wanted, services.settings.current.interrogate)


async def description_of(job: Job) -> Captioned:
    """What was said of the one picture of a job, once it is done. Raises the job's refusal."""
    finished = await finish(job)
    said = [event for event in finished.job.log() if isinstance(event, Captioned)]
    if not said:
        raise InvalidRequest("The job was stopped before the picture was described. Send it again.")
    return said[-1]
