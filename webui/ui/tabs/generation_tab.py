"""What txt2img and img2img share: watching jobs, the prompts' buttons, a memory in the browser."""

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr
from gradio.components import Component

from webui.core.errors import NotFound, WebuiError
from webui.core.request import GenerationRequest
from webui.jobs.job import Delivery
from webui.jobs.ownership import may_command
from webui.jobs.queue import JobQueue
from webui.jobs.services import Services
from webui.ui.components.generate_box import JobControls
from webui.ui.components.results import Results
from webui.ui.components.toprow import Toprow
from webui.ui.doors.browsers import owner_of
from webui.ui.forms.form import Form
from webui.ui.generation import fields_of_request, infotext_problems, prompt_of_infotext
from webui.ui.handlers import INSTANT, QUIET, Updates, show_refusal
from webui.ui.texts import notice
from webui.ui.watching.pictures import PictureFiles
from webui.ui.watching.watch import Watcher

# From the fields of a text, or of a request, to those of the tab's form.
FieldsOfText = Callable[[str], dict[str, Any]]
FieldsOfRequest = Callable[[GenerationRequest], dict[str, Any]]


def delivery_of(services: Services, tab: str, request: gr.Request | None) -> Delivery:
    """What happens to the tab's pictures: saved as the settings say, else written for the page to show."""
    saving = services.settings.current.saving
    return Delivery(tab, saving.samples_save, saving.grid_save, owner=owner_of(request))


def clear_old_results(toprow: Toprow, results: Results) -> Updates:
    """Updates once a job is in the queue: no notice, and no files of the job before."""
    return {toprow.notice: "", results.files: gr.update(value=None, visible="hidden")}


def wire_watching(
    services: Services, files: PictureFiles, page: gr.Blocks, tab: str, toprow: JobControls, results: Results
) -> None:
    """Watching the tab's jobs, also after a reload; Interrupt, Skip, Cancel and the queue."""
    watcher = Watcher(services.jobs, files, tab, toprow, results)

    gr.on(
        [page.load, toprow.restore.click],
        watcher.watch,
        outputs=watcher.outputs,
        trigger_mode="once",
        concurrency_limit=None,
        # Files and texts go out as they are.
        postprocess=False,
        **QUIET,
    )
    wire_commands(services.jobs, tab, toprow)


def wire_commands(jobs: JobQueue, tab: str, controls: JobControls) -> None:
    """Interrupt, Skip, Cancel and the queue: each acts on jobs that this browser, or this user, asked for."""

    def interrupt(browser: gr.Request) -> None:
        command_running(jobs.interrupt, browser)

    def skip(browser: gr.Request) -> None:
        command_running(jobs.skip, browser)

    def command_running(command: Callable[[str, str], None], browser: gr.Request) -> None:
        if job := jobs.running():
            with show_refusal():
                command(job.id, owner_of(browser))

    def cancel(browser: gr.Request) -> None:
        if (job := jobs.running()) and job.delivery.tab == tab:
            with show_refusal():
                jobs.cancel(job, owner_of(browser))

    def clear_queue(browser: gr.Request) -> None:
        owner = owner_of(browser)
        for job in jobs.waiting():
            if job.delivery.tab == tab and may_command(owner, job):
                jobs.cancel(job, owner)

    controls.interrupt.click(interrupt, **INSTANT)
    controls.skip.click(skip, **INSTANT)
    controls.cancel.click(cancel, **INSTANT)
    controls.clear_queue.click(clear_queue, **INSTANT)


def wire_prompts(services: Services, form: Form, toprow: Toprow, fields_of_text: FieldsOfText) -> None:
    """Paste, clear, and the styles."""

    def paste(text: str) -> Updates:
        text = text.strip() or services.files.last_infotext() or ""
        try:
            problems = notice(infotext_problems(text), "warning")
            # The text stands where the prompt belongs, also where its own prompt could not be read.
            fields = {"prompt": prompt_of_infotext(text)} | fields_of_text(text)
            return form.write(fields) | {toprow.notice: problems}
        except WebuiError as error:
            return {toprow.notice: notice(str(error))}

    def apply_styles(prompt: str, negative: str, names: list[str]) -> tuple[str, str, list[str]]:
        styles = services.requests.styles()
        return styles.apply(prompt, names), styles.apply_negative(negative, names), []

    def refresh_styles() -> Updates:
        styles = services.requests.styles()
        said = notice(" ".join(styles.messages), "warning") if styles.messages else ""
        return {toprow.styles: gr.update(choices=list(styles.names)), toprow.notice: said}

    prompts: list[Component] = [toprow.prompt, toprow.negative_prompt]
    toprow.paste.click(
        paste,
        inputs=[toprow.prompt],
        outputs=[*form.components, toprow.notice],
        # What stands in the field at the click, which a script may have written there a moment before.
        js=f"() => [document.querySelector('#{toprow.prompt.elem_id} textarea').value]",
        **INSTANT,
    )
    toprow.clear.click(fn=None, outputs=prompts, js="() => ['', '']")
    toprow.apply_styles.click(
        apply_styles, inputs=[*prompts, toprow.styles], outputs=[*prompts, toprow.styles], **INSTANT
    )
    toprow.refresh_styles.click(refresh_styles, outputs=[toprow.styles, toprow.notice], **INSTANT)


def usual_fields(
    services: Services, tab: str, fields_of: FieldsOfRequest = fields_of_request
) -> Mapping[str, Any]:
    """What a form shows in a browser that keeps none yet: the tab's last job, else the checkpoint's size."""
    request = last_request(services, tab)
    return fields_of(request) if request else native_size(services)


def last_request(services: Services, tab: str) -> GenerationRequest | None:
    """What the tab's last job asked for, if it asked for one thing."""
    job = services.jobs.recent(tab)
    request = job.request if job else None
    return request if isinstance(request, GenerationRequest) else None


def native_size(services: Services) -> dict[str, int]:
    """The size of picture that the selected checkpoint was trained on."""
    try:
        side = services.catalog.find_checkpoint(
            services.settings.current.models.sd_model_checkpoint
        ).native_side
    except NotFound:
        return {}
    return {"width": side, "height": side}


def values_by_component(components: list[Component], values: tuple[Any, ...]) -> Mapping[Component, Any]:
    """What Gradio gives for a list of components, by component."""
    return dict(zip(components, values, strict=True))
