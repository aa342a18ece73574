"""The hooks: every place where an extension may look or change, with what it is given and may give back.

Mark a function of your `plugin.py` with `@hookimpl` and give it a hook's name. It may take fewer arguments
than stand here, in any order. Where a hook "returns a new one", None leaves things as they are; where several
extensions change a value, each gets what the one before returned, in the order of their folders' names,
unless marked `@hookimpl(tryfirst=True)` or `trylast=True`.

The hooks of a run stand here in the order in which a run calls them. All of them are called on the device's
thread, but for those around saving. A WebuiError (InvalidRequest, NotFound …) ends the job with its sentence;
any other exception is told as a warning that names the extension, and the run goes on without that call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

from webui.plugins.host import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from pydantic import JsonValue
    from torch import Tensor

    from webui.core.events import Event, ImageReady
    from webui.core.request import GenerationRequest
    from webui.core.run_plan import PlannedPicture, RunPlan
    from webui.core.sampling import AddedSampler
    from webui.core.work.extras_request import ExtrasRequest
    from webui.diffusion.denoising import Denoising
    from webui.plugins.axes import AddedAxis
    from webui.plugins.batch import Batch
    from webui.plugins.context import Context
    from webui.plugins.controls import FurtherOptions, GenerationControls, SettingsControls
    from webui.plugins.extras_picture import ExtrasPicture
    from webui.plugins.health_report import HealthReport
    from webui.plugins.moments import BatchImages, GridMoment, PictureMoment, SavingMoment
    from webui.plugins.parts import RequestPart
    from webui.plugins.scripts import Script
    from webui.plugins.trainables import AddedTrainable
    from webui.prompts.networks import NetworkChoices

    # What carries out a request.
    Recipe = Callable[[GenerationRequest, Context], Generator[Event]]

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
# Empty bodies and arguments that nobody reads are what a specification is.


# ---- What an extension offers. Called once, when the program starts; quickly, and without torch. ----


@hookspec
def startup(services: Any) -> None:  # noqa: ANN401 - an object of a floor above
    """The server begins to serve. `services` is everything a page or a route may touch (see `add_routes`)."""


@hookspec
def report_health() -> Sequence[HealthReport] | None:
    """What became of the extensions that this one hosts. Called when the tab Extensions is opened."""


@hookspec
def shutdown() -> None:
    """The server ends: close what you opened."""


@hookspec
def register_settings() -> type | None:
    """A pydantic model of your own settings, shown as a section of the Settings tab: fields with defaults,
    descriptions and ranges. Its `model_config["title"]` names the section.
    """


@hookspec
def register_request_part() -> type[RequestPart] | Sequence[type[RequestPart]] | None:
    """Your own values in a request: drawn on the page, checked, kept in presets, history and infotext."""


@hookspec
def register_scripts() -> Sequence[Script] | None:
    """Entries of the drop-down "Script"."""


@hookspec
def register_samplers() -> Sequence[AddedSampler] | None:
    """Further samplers: `AddedSampler` values, whose function is called as the program's own: (denoise,
    latent, sigmas, noise, options) -> `Step` after `Step`.
    """


@hookspec
def register_schedules() -> Mapping[str, Callable[..., Tensor]] | None:
    """Further schedules by label: (steps, sigma_min, sigma_max) -> falling sigmas (steps,), or with the 0
    after them (steps + 1,).
    """


@hookspec
def register_trainables() -> AddedTrainable | Sequence[AddedTrainable] | None:
    """Further methods of training: `AddedTrainable` values, by name for the field `trainable` of a run."""


@hookspec
def plot_axes(tab: str) -> Sequence[AddedAxis] | None:
    """Further axes of the X/Y/Z plot in "txt2img" or "img2img", as they are now."""


@hookspec
def add_tab() -> tuple[str, str, Callable[[], None]] | None:
    """A tab of your own: its label, its id, and what builds its Gradio components."""


@hookspec
def prepare_page() -> None:
    """The page is about to be built, its components none yet."""


@hookspec
def prepare_tab(tab: str) -> None:
    """The components of "txt2img" or "img2img" are about to be built."""


@hookspec
def generation_controls(tab: str) -> GenerationControls | None:
    """Gradio components of your own below the fields of "txt2img", "img2img" or "extras". Build them here."""


@hookspec
def finish_tab(tab: str, fields: Mapping[str, Any]) -> None:
    """The components of a tab are built. `fields` are those of its form, by name."""


@hookspec
def add_tabs() -> Sequence[tuple[str, str, Callable[[], object]]] | None:
    """As `add_tab`, several, with as much time as they take."""


@hookspec
def add_train_tabs() -> None:
    """Components of your own at the end of the tab "Train". Build them here."""


@hookspec
def settings_controls(open_section: Callable[[str, str], Any]) -> SettingsControls | None:
    """Gradio components for settings of your own, each in `with open_section(id, title)`. Build them here."""


@hookspec
def further_options() -> FurtherOptions | None:
    """Options of your own that A1111's API reads and changes by their keys."""


@hookspec
def describe_scripts() -> Sequence[Mapping[str, Any]] | None:
    """Scripts that API calls may name: objects with name, is_alwayson, is_img2img and args."""


@hookspec
def read_script_arguments(
    name: str, args: Sequence[Any], tab: str, is_selected: bool
) -> Mapping[str, Mapping[str, JsonValue]] | None:
    """An API call names a script of yours: what goes into `request.extras`. Raises WebuiError."""


@hookspec
def page_head() -> str | None:
    """Tags for the head of the page: scripts and styles of your own."""


@hookspec
def page_served(page: Any, app: Any) -> None:  # noqa: ANN401 - Gradio's Blocks and FastAPI's application
    """The page is built and mounted on the application; nobody was served yet. None with --nowebui.

    Routes and middleware that are added here, or later, stand behind the same guard as all others.
    """


@hookspec
def add_routes(app: Any, services: Any) -> None:  # noqa: ANN401 - FastAPI's application, an object of a floor above
    """Routes of your own. They stand behind the same guard as all others."""


# ---- A run, in its order. ----


@hookspec
def change_request(request: GenerationRequest, context: Context) -> GenerationRequest | None:
    """Before anything is done: returns a new request. Called for nested runs too."""


@hookspec
def wrap_run(recipe: Recipe, request: GenerationRequest, context: Context) -> Recipe | None:
    """What carries the request out, (request, context) -> events: returns another, to be called in its place.

    Not asked where the request has a script, which makes runs of its own. Called for nested runs too.
    """


@hookspec
def plan_run(plan: RunPlan, request: GenerationRequest, context: Context) -> RunPlan | None:
    """Every picture's texts and seeds, before the first step: returns a new plan (`plan.replace`), of other
    count if need be. Draw by chance from each picture's seed, so that the same seed draws the same.
    """


@hookspec
def change_planned(request: GenerationRequest, context: Context) -> GenerationRequest | None:
    """The run is planned, nothing is loaded for it yet: returns a new request, whose plan may be another too
    (`request.planned`).
    """


@hookspec
def wrap_start(
    make: Callable[[GenerationRequest], Any], request: GenerationRequest, context: Context
) -> Callable[[GenerationRequest], Any] | None:
    """What opens, prepares and encodes the init pictures of img2img: returns another function, which takes a
    request and gives a `Start`.
    """


@hookspec
def plan_batch(
    pictures: tuple[PlannedPicture, ...], batch: Batch, context: Context
) -> tuple[PlannedPicture, ...] | None:
    """A batch begins; `<lora:…>` and its like still stand in the prompts. Returns as many new pictures."""


@hookspec
def change_networks(choices: NetworkChoices, batch: Batch, context: Context) -> NetworkChoices | None:
    """The LoRAs and hypernetworks of a pass's prompts, before they are applied: returns new choices."""


@hookspec
def change_texts(
    texts: tuple[tuple[str, str], ...], batch: Batch, context: Context
) -> tuple[tuple[str, str], ...] | None:
    """Prompt and negative prompt of each picture as they are encoded, without networks: returns as many."""


@hookspec
def wrap_sampling(
    sample: Callable[[], Tensor], batch: Batch, context: Context
) -> Callable[[], Tensor] | None:
    """What makes the finished latent (B, C, h, w) of a batch, all passes: returns another function, which may
    call the one that it was given, or make the latent itself.
    """


@hookspec
def prepare_denoising(denoising: Denoising, batch: Batch, context: Context) -> None:
    """A pass is ready to sample: init, mask, noise and refiner are set. Change the lists, the adapters, the
    guidance. Called for each pass: `batch.is_second_pass` tells which. Close what must be closed
    through `denoising.resources`.
    """


@hookspec
def change_latent(latent: Tensor, batch: Batch, context: Context) -> Tensor | None:
    """The finished latent (B, C, h, w) of a batch: returns a new one."""


@hookspec
def change_batch(images: BatchImages, batch: Batch, context: Context) -> BatchImages | None:
    """All pictures of a batch as float, decoded together because somebody has this hook. Returns new ones."""


@hookspec
def change_image(image: Any, picture: PictureMoment, context: Context) -> Any | None:  # noqa: ANN401 - PIL's
    """A picture (PIL, RGB) at `picture.place`: returns a new one. `context.generate` makes inner pictures."""


@hookspec
def change_extras(
    pictures: list[ExtrasPicture], request: ExtrasRequest, context: Context, is_last: bool
) -> list[ExtrasPicture] | None:
    """A picture of Extras, before it is made larger and, `is_last`, before it is cut: returns new ones, of
    other count if need be. `request.extras` has the values of your controls.
    """


@hookspec
def before_saving(picture: SavingMoment) -> None:
    """A picture is about to be written: change its pixels, texts or path. On the thread that saves."""


@hookspec
def image_saved(picture: SavingMoment) -> None:
    """A picture was written to `picture.path`. On the thread that saves."""


@hookspec
def arrange_grid(grid: GridMoment) -> None:
    """A sheet of a run's results is about to be drawn: change its pictures and cells. The saver's thread."""


@hookspec
def finish_run(
    results: list[ImageReady], request: GenerationRequest, context: Context
) -> list[ImageReady] | None:
    """All results of a run, in order: returns another list, with some appended, replaced or left out.

    They were told already; what is new in the list is told now, and what is no longer in it is taken back.
    """
