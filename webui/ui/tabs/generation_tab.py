"""What txt2img and img2img share: watching jobs, the prompts' buttons, a memory in the browser."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr
from gradio.components import Component

from webui.core.errors import NotFound, WebuiError
from webui.jobs.job import Delivery
from webui.jobs.services import Services
from webui.ui.components.generate_box import JobControls
from webui.ui.components.results import Results
from webui.ui.components.toprow import Toprow
from webui.ui.doors.browsers import owner_of
from webui.ui.forms.form import Form
from webui.ui.generation import infotext_problems, prompt_of_infotext
from webui.ui.handlers import INSTANT, QUIET, Updates, show_fill
from webui.ui.panels import Panels
from webui.ui.resting import resting_of
from webui.ui.tabs.job_commands import wire_commands
from webui.ui.texts import notice
from webui.ui.watching.pictures import PictureFiles
from webui.ui.watching.watch import Watcher

# From the fields of a text to those of the tab's form.
FieldsOfText = Callable[[str], dict[str, Any]]
# What a checkpoint's defaults may set; a clip skip stands among the override settings.
DEFAULTS_FIELDS = ("width", "height", "steps", "cfg_scale", "sampler", "schedule", "override_settings")


def delivery_of(services: Services, tab: str, request: gr.Request | None) -> Delivery:
    """What happens to the tab's pictures: saved as the settings say, else written for the page to show."""
    saving = services.settings.current.saving
    return Delivery(tab, saving.samples_save, saving.grid_save, owner=owner_of(request))


def clear_old_results(results: Results) -> Updates:
    """Updates once a job is in the queue: no files of the job before."""
    return {results.files: gr.update(value=None, visible="hidden")}


def wire_clearing(toprow: Toprow) -> None:
    """The browser takes the last notice away: a job may tell one before the server answers Generate."""
    toprow.generate.click(fn=None, outputs=[toprow.notice], js="() => ''", show_progress="hidden")


def wire_watching(
    services: Services, files: PictureFiles, page: gr.Blocks, tab: str, toprow: JobControls, results: Results
) -> None:
    """Watching the tab's jobs, also after a reload; Interrupt, Skip, Cancel and the queue."""
    watcher = Watcher(services.jobs, files, tab, toprow, results, resting_of(page))

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


def wire_prompts(
    services: Services,
    form: Form,
    tab: str,
    toprow: Toprow,
    fields_of_text: FieldsOfText,
    panels: Panels,
) -> None:
    """Paste, clear, and the styles."""

    def paste(text: str, browser: gr.Request) -> Updates:
        try:
            text = text.strip() or services.last_infotexts.of(owner_of(browser)) or ""
            problems = notice(infotext_problems(text), "warning")
            # The text stands where the prompt belongs, also where its own prompt could not be read.
            fields = {"prompt": prompt_of_infotext(text)} | fields_of_text(text)
            return form.write(fields) | panels.fill(text) | {toprow.notice: problems}
        except WebuiError as error:
            return {toprow.notice: notice(str(error))}

    def refresh_styles(chosen: list[str]) -> Updates:
        styles = services.requests.styles()
        said = notice(" ".join(styles.messages), "warning") if styles.messages else ""
        return {toprow.styles: gr.update(choices=list(styles.names), value=chosen), toprow.notice: said}

    prompts: list[Component] = [toprow.prompt, toprow.negative_prompt]
    toprow.paste.click(
        paste,
        inputs=[toprow.prompt],
        outputs=[*panels.filled_with(form.components), toprow.notice],
        # What a dropped picture brought, else what stands in the field at the click.
        js=f"() => [window.webui.textToRead('{tab}')]",
        **INSTANT,
    ).then(**show_fill(tab))
    toprow.clear.click(fn=None, outputs=prompts, js="() => ['', '']").then(**show_fill(tab))
    # The script writes into the prompts as if it typed, so that undo takes it back.
    toprow.apply_styles.click(
        fn=None,
        inputs=[toprow.styles],
        outputs=[toprow.styles, toprow.notice],
        js=f"(chosen) => window.webui.applyStyles('{toprow.styles.elem_id}', chosen)",
    )
    toprow.refresh_styles.click(
        refresh_styles,
        inputs=[toprow.styles],
        outputs=[toprow.styles, toprow.notice],
        # The scripts of the dialog press this button too, with styles to be chosen.
        js=f"(chosen) => [window.webui.stylesToChoose('{toprow.styles.elem_id}', chosen)]",
        # Names that are new, or gone.
        preprocess=False,
        **INSTANT,
    )


def usual_fields(services: Services) -> Mapping[str, Any]:
    """What a form shows in a browser that keeps none yet, beside its components' own values: what the
    selected checkpoint lets it begin with.
    """
    try:
        checkpoint = services.catalog.find_checkpoint(services.settings.current.models.sd_model_checkpoint)
    except NotFound:
        return {}
    fields = services.library.defaults_of(checkpoint).values.said()
    # The VAE is chosen by the card as long as the settings leave it to that.
    clip_skip = fields.get("clip_skip", services.settings.current.image.clip_skip)
    differs = clip_skip != services.settings.current.image.clip_skip
    return fields | {"override_settings": [f"Clip skip: {clip_skip}"] if differs else []}


def wire_defaults(form: Form, tab: str) -> None:
    """A script clicks a hidden button to fill in what the chosen checkpoint asks for: js/defaults.js."""
    button = gr.Button("Fill in defaults", visible="hidden", elem_id=f"{tab}_fill_defaults")
    components = [form.component(name) for name in DEFAULTS_FIELDS]
    names = json.dumps(DEFAULTS_FIELDS)
    button.click(
        fn=None,
        inputs=components,
        outputs=components,
        js=f"(...values) => window.webui.fillDefaults({json.dumps(tab)}, {names}, values)",
        show_progress="hidden",
        trigger_mode="multiple",
    )


def values_by_component(components: list[Component], values: tuple[Any, ...]) -> Mapping[Component, Any]:
    """What Gradio gives for a list of components, by component."""
    return dict(zip(components, values, strict=True))
