"""What a page shows of a job at one moment, made from the job's log alone."""

import base64
import html
import json
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from webui.core.events import Event, Finished, ImageSaved, Message, Phase, Preview, Queued, Started
from webui.core.work.extras_request import ExtrasRequest
from webui.jobs.generation_info import describe_run
from webui.jobs.job import Job, JobProgress, shown_pictures
from webui.ui.texts import duration, infotext_html, notice, paragraph
from webui.ui.watching.lora_report import lora_report_html


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as seen now. `waiting` counts the tab's jobs that wait behind it, `to_come` also those that have
    begun meanwhile; `turn` says whose job runs before it.
    """

    job: Job
    pictures: tuple[ImageSaved, ...]
    messages: tuple[Message, ...]
    progress: JobProgress
    preview: Preview | None
    finished: Finished | None
    started: bool
    position: int
    waiting: int
    turn: str = ""
    to_come: int = 0

    @property
    def newest(self) -> int:
        """The place of the job's first picture; until there is one, of the picture that it works on."""
        beside = self.job.delivery.earlier
        return len(beside.pictures) if len(self.pictures) > len(beside.pictures) else beside.chosen

    @property
    def is_active(self) -> bool:
        """Whether the job waits or runs."""
        return self.finished is None


def view_of(job: Job, waiting: int, turn: str = "", *, to_come: int = 0) -> JobView:
    """Look at a job once. Those that wait are to come in any case."""
    log = job.log()
    last = log[-1] if log else None
    return JobView(
        job=job,
        pictures=(*job.delivery.earlier.pictures, *shown_pictures(log)),
        messages=tuple(event for event in log if isinstance(event, Message)),
        progress=job.progress(),
        preview=current_preview(log),
        finished=last if isinstance(last, Finished) else None,
        started=any(isinstance(event, Started) for event in log),
        position=next((event.position for event in log if isinstance(event, Queued)), 0),
        waiting=waiting,
        turn=turn,
        to_come=max(to_come, waiting),
    )


def current_preview(log: tuple[Event, ...]) -> Preview | None:
    """The newest preview, unless a picture was finished or the job ended after it."""
    for event in reversed(log):
        if isinstance(event, Preview):
            return event
        if isinstance(event, ImageSaved | Finished):
            return None
    return None


def progress_html(view: JobView) -> str:
    """The bar with what happens and how long it takes, names as A1111's; else which job ended, and how."""
    if view.finished:
        return ended_html(view, view.finished)
    at, fraction = view.progress, view.progress.fraction
    text = html.escape(step_text(view))
    if at.sampling_steps:
        text = f"{fraction * 100:.0f}% · {text}"
    left = f"{duration(at.eta_s)} left" if at.eta_s is not None else ""
    state = "" if at.sampling_steps else " indeterminate"
    # Until there is something of this job to see, the page dims what the job before left.
    fresh = " fresh" if view.started and not view.pictures else ""
    return (
        f'<div class="progressDiv{state}{fresh}" role="progressbar" aria-label="Progress of the job" '
        f'aria-valuenow="{fraction * 100:.0f}" data-job="{view.job.id}" data-fraction="{fraction:.4f}">'
        f"{bar_html(text, left, fraction)}</div>"
    )


def bar_html(text: str, left: str, fraction: float) -> str:
    """A line of text (HTML) over a bar."""
    return (
        f'<div class="progress-text"><span>{text}</span><span>{left}</span></div>'
        f'<div class="track"><div class="progress" style="width: {fraction * 100:.1f}%"></div></div>'
    )


def ended_html(view: JobView, finished: Finished) -> str:
    """How the last job ended; scripts of the page read which it was, and how many are to come."""
    words = {"done": "100% · Done in", "stopped": "Interrupted after", "cancelled": "Cancelled after"}
    said = words.get(finished.outcome)
    text = f"{said} {duration(finished.seconds)}" if said else "The job ended early: see below Generate"
    shown = bar_html(text, "", 1.0 if finished.outcome == "done" else 0.0)
    return (
        f'<div class="job-ended" data-job="{view.job.id}" data-outcome="{finished.outcome}" '
        f'data-waiting="{view.to_come}">{shown}</div>'
    )


def step_text(view: JobView) -> str:
    """Where the job is, in words."""
    at, phase = view.progress, view.progress.phase
    if view.job.halt.is_stopped and (phase is None or phase.counts_steps):
        return "Stopping after this step"
    if not view.started:
        return waiting_text(view)
    if phase is None and not at.sampling_steps:
        return view.messages[-1].text if view.messages else "Preparing"
    return " · ".join([*phase_texts(view, phase), *batch_texts(view)])


def phase_texts(view: JobView, phase: Phase | None) -> list[str]:
    """What the job does, and how far that is."""
    at = view.progress
    name = [phase.name] if phase else []
    if phase is not None and not phase.counts_steps:
        return [*name, phase.detail] if phase.detail else name
    unit = "Tile" if isinstance(view.job.request, ExtrasRequest) else "Step"
    return [*name, f"{unit} {at.sampling_step} of {at.sampling_steps}"] if at.sampling_step else name


def batch_texts(view: JobView) -> list[str]:
    """Which of several batches, or of several pictures of Extras, it is."""
    at = view.progress
    is_between = view.progress.phase is not None and view.progress.phase.counts_steps and not at.sampling_step
    if is_between:
        return []
    what = "picture" if isinstance(view.job.request, ExtrasRequest) else "batch"
    return [f"{what} {at.batch + 1} of {at.batches}"] if at.batches > 1 else []


def waiting_text(view: JobView) -> str:
    """How many jobs come first, and whose turn it is."""
    if not view.position:
        return "Waiting"
    text = f"Waiting for {view.position} other job{'s' if view.position != 1 else ''}"
    return f"{text}; {view.turn}" if view.turn else text


def preview_html(view: JobView) -> str:
    """The live preview, inside the page so that no file is written for it."""
    if view.preview is None or not view.is_active:
        return ""
    data = base64.b64encode(view.preview.data).decode()
    request = view.job.generation
    size = f'width="{request.width}" height="{request.height}"' if request else ""
    return f'<img class="livePreview" alt="Live preview" {size} src="data:{view.preview.mime};base64,{data}">'


def queue_html(view: JobView) -> str:
    """How many jobs wait behind this one."""
    if not view.waiting:
        return ""
    return f'<span class="queue-badge">{view.waiting}</span> waiting'


def notices_html(view: JobView, warns: bool = True) -> str:
    """What stands under Generate: why the job failed, and its warnings."""
    error = view.finished.error if view.finished else None
    told = view.messages if warns else ()
    warnings = dict.fromkeys(message.text for message in told if message.level == "warning")
    return notice(error or "") + "".join(notice(text, "warning") for text in warnings)


def log_html(view: JobView) -> str:
    """How long the job took, and what became of its LoRAs."""
    if view.finished is None or view.finished.outcome == "failed":
        return ""
    ended = {"stopped": "Interrupted. ", "cancelled": "Cancelled. "}.get(view.finished.outcome, "")
    taken = paragraph(f"{ended}Time taken: {duration(view.finished.seconds)}", "performance")
    return taken + lora_report_html(view.job.lora_reports())


def picture_infotext(view: JobView, index: int) -> str:
    """The infotext line for the picture at this place of the gallery; empty where there is none."""
    return infotext_html(view.pictures[index].infotext) if 0 <= index < len(view.pictures) else ""


def generation_info(view: JobView, paths: list[str]) -> str:
    """What A1111 hands to scripts in the page: JSON with prompts, seeds and infotexts of the gallery."""
    samples = [picture for picture in view.pictures if picture.index >= 0]
    if not view.pictures:
        return ""
    info = (describe_run(view.job.planned(view.job.generation)) if view.job.generation else {}) | {
        "index_of_first_image": len(view.pictures) - len(samples),
        "infotexts": [picture.infotext for picture in view.pictures],
        "latents": [picture.latent for picture in view.pictures],
        "indexes": [picture.index for picture in view.pictures],
        "job_id": view.job.id,
        "paths": paths,
        # Of the pictures that are there: a run may have been cut short.
        "all_seeds": [picture.seed for picture in samples],
        "all_subseeds": [picture.variation_seed for picture in samples],
    }
    return json.dumps(info, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """A picture of the gallery, as `generation_info` described it to the page.

    `index` is its place in the run (-1: a grid), `latent` the kept latent it comes from.
    """

    job_id: str
    path: str
    infotext: str
    seed: int
    variation_seed: int
    index: int = 0
    latent: str = ""


class GalleryInfo(BaseModel):
    """What is needed of `generation_info`. It comes back from the browser, so it may say anything."""

    job_id: str
    paths: list[str]
    infotexts: list[str]
    all_seeds: list[int]
    all_subseeds: list[int]
    indexes: list[int]
    latents: list[str]
    index_of_first_image: int


def picture_to_work_on(info: str, index: int) -> ShownPicture | None:
    """As `shown_picture`, where a grid stands for the first of its pictures; itself where it has none."""
    picture = shown_picture(info, index)
    if picture is None or picture.index >= 0:
        return picture
    first = GalleryInfo.model_validate_json(info).index_of_first_image
    return shown_picture(info, max(first, index)) or picture


def shown_picture(info: str, index: int) -> ShownPicture | None:
    """The gallery's picture at an index, as the browser describes it; None where that makes no sense.

    Whoever opens its file asks `ServedPictures` first. A grid has the seeds of its first picture.
    """
    if index < 0:
        return None
    try:
        gallery = GalleryInfo.model_validate_json(info)
        sample = max(index - gallery.index_of_first_image, 0)
        return ShownPicture(
            gallery.job_id,
            gallery.paths[index],
            gallery.infotexts[index],
            gallery.all_seeds[sample],
            gallery.all_subseeds[sample],
            gallery.indexes[index],
            gallery.latents[index],
        )
    except (ValidationError, IndexError):
        return None
