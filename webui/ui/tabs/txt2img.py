"""The txt2img tab: form, submission, watching, and the buttons around them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from webui.core.errors import NotFound, WebuiError
from webui.jobs.job import Delivery
from webui.jobs.services import Services
from webui.ui.components.results import Results, make_results
from webui.ui.components.sampling_fields import make_guidance_fields, make_sampling_fields, make_size_fields
from webui.ui.components.seed_fields import make_override_field, make_seed_fields
from webui.ui.components.toprow import Toprow, make_toprow
from webui.ui.form import Form, remember_script
from webui.ui.generation import fields_of_infotext, fields_of_memory, fields_of_request, request_parts
from webui.ui.handlers import INSTANT, QUIET
from webui.ui.pictures import PictureFiles
from webui.ui.tabs.result_buttons import wire_result_buttons
from webui.ui.texts import notice
from webui.ui.token_counter import wire_counters
from webui.ui.watch import Updates, Watcher

TAB = "txt2img"
MEMORY_KEY = "atelier.txt2img"


@dataclass(frozen=True, slots=True)
class Txt2img:
    """What other tabs and the page need of this one."""

    form: Form
    toprow: Toprow
    results: Results


def make_txt2img(services: Services, files: PictureFiles, page: gr.Blocks) -> Txt2img:
    """Build the tab's inside and wire it."""
    form = Form()
    toprow = make_toprow(TAB, form, list(services.styles().names))
    with gr.Row(elem_id=f"{TAB}_interface", elem_classes=["generation-columns"], equal_height=False):
        with gr.Column(
            variant="panel", elem_id=f"{TAB}_settings", elem_classes=["generation-settings"], scale=5
        ):
            make_sampling_fields(TAB, form)
            make_size_fields(TAB, form)
            make_guidance_fields(TAB, form)
            seeds = make_seed_fields(TAB, form)
            make_override_field(TAB, form)
            # Where scripts of extensions put their panels.
            gr.Column(elem_id=f"{TAB}_script_container", elem_classes=["script-container"])
        results = make_results(TAB)
    wire_jobs(services, files, page, form, toprow, results)
    wire_prompts(services, form, toprow)
    wire_memory(services, page, form)
    wire_counters(services, toprow)
    wire_result_buttons(services, files, form, results, seeds)
    return Txt2img(form, toprow, results)


def wire_jobs(
    services: Services, files: PictureFiles, page: gr.Blocks, form: Form, toprow: Toprow, results: Results
) -> None:
    """Generate, Interrupt, Skip, Cancel and the queue; and watching, also after a reload."""
    watcher = Watcher(services.jobs, files, TAB, toprow, results)

    def submit(values: Mapping[Component, Any]) -> Updates:
        try:
            fields, overrides = request_parts(form.read(values))
            request = services.new_request(fields, overrides)
            saving = services.settings.current.saving
            delivery = Delivery(
                TAB, saving.samples_save, saving.grid_save, keep_images=not saving.samples_save
            )
            services.submit(request, delivery, overrides)
        except WebuiError as error:
            return {toprow.notice: notice(str(error))}
        no_files = gr.update(value=None, visible="hidden")
        return {toprow.notice: "", results.files: no_files}

    def clear_queue() -> None:
        for job in services.jobs.waiting():
            if job.delivery.tab == TAB:
                services.jobs.cancel(job)

    def cancel() -> None:
        if (job := services.jobs.running()) and job.delivery.tab == TAB:
            services.jobs.cancel(job)

    toprow.generate.click(
        submit,
        inputs=set(form.components),
        outputs=[toprow.notice, results.files],
        # Raw values: what is out of range is refused by the request, with a sentence.
        preprocess=False,
        trigger_mode="multiple",
        **INSTANT,
    )
    gr.on(
        [page.load, toprow.restore.click],
        watcher.watch,
        outputs=watcher.outputs,
        trigger_mode="once",
        concurrency_limit=None,
        **QUIET,
    )
    toprow.interrupt.click(services.jobs.interrupt, **INSTANT)
    toprow.skip.click(services.jobs.skip, **INSTANT)
    toprow.cancel.click(cancel, **INSTANT)
    toprow.clear_queue.click(clear_queue, **INSTANT)


def wire_prompts(services: Services, form: Form, toprow: Toprow) -> None:
    """Paste, clear, and the styles."""

    def paste(text: str) -> Updates:
        text = text.strip() or services.files.last_infotext() or ""
        try:
            return form.write(fields_of_infotext(text, services.settings.current))
        except WebuiError as error:
            return {toprow.notice: notice(str(error))}

    def apply_styles(prompt: str, negative: str, names: list[str]) -> tuple[str, str, list[str]]:
        styles = services.styles()
        return styles.apply(prompt, names), styles.apply_negative(negative, names), []

    prompts: list[Component] = [toprow.prompt, toprow.negative_prompt]
    toprow.paste.click(paste, inputs=[toprow.prompt], outputs=[*form.components, toprow.notice], **INSTANT)
    toprow.clear.click(fn=None, outputs=prompts, js="() => ['', '']")
    toprow.apply_styles.click(
        apply_styles, inputs=[*prompts, toprow.styles], outputs=[*prompts, toprow.styles], **INSTANT
    )
    toprow.refresh_styles.click(
        lambda: gr.update(choices=list(services.styles().names)), outputs=[toprow.styles], **INSTANT
    )


def wire_memory(services: Services, page: gr.Blocks, form: Form) -> None:
    """Values survive a reload: this browser's own, else the tab's last job's, else the checkpoint's size."""

    def restore(stored: str) -> Updates:
        if fields := fields_of_memory(stored):
            return form.write(fields)
        job = services.jobs.recent(TAB)
        return form.write(fields_of_request(job.request) if job else native_size(services))

    stored = gr.Textbox("", visible="hidden", elem_id=f"{TAB}_stored")
    gr.on(
        # Every component of a form has the event; their common base does not say so.
        [component.change for component in form.components],  # pyright: ignore[reportAttributeAccessIssue]
        fn=None,
        inputs=form.components,
        js=remember_script(form.names, MEMORY_KEY),
        show_progress="hidden",
    )
    page.load(
        restore,
        inputs=[stored],
        outputs=form.components,
        js=f"() => [localStorage.getItem('{MEMORY_KEY}') || '']",
        **INSTANT,
    )


def native_size(services: Services) -> dict[str, int]:
    """The size of picture that the selected checkpoint was trained on."""
    try:
        side = services.catalog.find_checkpoint(
            services.settings.current.models.sd_model_checkpoint
        ).native_side
    except NotFound:
        return {}
    return {"width": side, "height": side}
