"""The buttons under the gallery, choosing a picture in it, and taking seeds from it."""

from collections.abc import Callable
from functools import partial
from typing import Any

import gradio as gr

from webui.core.errors import NotFound, WebuiError
from webui.jobs.services import Services
from webui.store.pictures.chosen import SaveButton
from webui.ui.components.results import Results
from webui.ui.components.seed_fields import SeedFields
from webui.ui.forms.form import Form
from webui.ui.generation import FORM_DEFAULTS
from webui.ui.handlers import INSTANT, Updates, show_fill
from webui.ui.panels import Panels
from webui.ui.texts import infotext_html, notice, paragraph
from webui.ui.watching.job_view import shown_picture
from webui.ui.watching.pictures import PictureFiles, chosen_pictures, save_chosen, shown_file


def wire_result_buttons(
    services: Services,
    files: PictureFiles,
    form: Form,
    results: Results,
    seeds: SeedFields,
    fields_of_text: Callable[[str], dict[str, Any]],
    panels: Panels,
) -> None:
    """Wire the panel to the job whose pictures it shows."""

    def seed(info: str, selected: int) -> str:
        picture = shown_picture(info, selected)
        return str(picture.seed) if picture else FORM_DEFAULTS["seed"]

    def variation_seed(info: str, selected: int) -> str:
        picture = shown_picture(info, selected)
        return str(picture.variation_seed) if picture else FORM_DEFAULTS["variation_seed"]

    def reuse(info: str, selected: int) -> Updates:
        picture = shown_picture(info, selected)
        if picture is None:
            return form.write({})
        return form.write(fields_of_text(picture.infotext)) | panels.fill(picture.infotext)

    shown = [results.generation_info, results.selected]
    results.gallery.select(
        select_picture,
        inputs=[results.generation_info],
        outputs=[results.selected, results.infotext],
        **INSTANT,
    )
    wire_saving(services, files, results)
    outputs = panels.filled_with(form.components)
    results.reuse.click(reuse, inputs=shown, outputs=outputs, **INSTANT).then(**show_fill(results.tab))
    seeds.reuse.click(seed, inputs=shown, outputs=[seeds.seed], **INSTANT)
    seeds.reuse_variation.click(variation_seed, inputs=shown, outputs=[seeds.variation_seed], **INSTANT)


def wire_saving(services: Services, files: PictureFiles, results: Results) -> None:
    """Both buttons that write copies into the folder for chosen pictures."""
    button = SaveButton(services.files)
    for clicked, as_zip in ((results.save, False), (results.save_zip, True)):
        clicked.click(
            partial(save_pictures, services, files, button, results, as_zip=as_zip),
            inputs=[results.generation_info, results.selected],
            outputs=[results.log, results.files],
            postprocess=False,
            **INSTANT,
        )


def select_picture(info: str, event: gr.SelectData) -> tuple[int, str]:
    """The picture chosen in a gallery: its index and its infotext."""
    index = event.index if isinstance(event.index, int) else 0
    picture = shown_picture(info, index)
    return index, infotext_html(picture.infotext) if picture else ""


def save_pictures(
    services: Services,
    files: PictureFiles,
    button: SaveButton,
    results: Results,
    info: str,
    selected: int,
    *,
    as_zip: bool,
) -> Updates:
    """Write the chosen picture, or all of them, to the folder for chosen ones."""
    settings, picture = services.settings.current, shown_picture(info, selected)
    try:
        if picture is None:
            raise NotFound("There is no picture to save yet. Generate one first.")
        job = services.jobs.find(picture.job_id)
        only_one = settings.saving.save_selected_only and not as_zip
        pictures = chosen_pictures(job, selected, only_selected=only_one)
        written = save_chosen(files, button, job, pictures, settings, as_zip)
    except WebuiError as error:
        return {results.log: notice(str(error))}
    for path in written:
        files.served.add(path)
    shown = gr.update(value=[shown_file(path) for path in written], visible=True)
    return {results.log: paragraph(f"Saved: {written[0].name}"), results.files: shown}
