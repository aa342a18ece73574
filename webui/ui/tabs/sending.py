"""Pictures from galleries and PNG Info to the canvases of img2img, with the fields that go along."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from webui.core.errors import NotFound, WebuiError
from webui.core.request_parts import MAX_SIDE
from webui.core.settings import Settings
from webui.core.sizes import round_down_side
from webui.jobs.services import Services
from webui.store.reading import open_picture
from webui.ui.components.results import Results
from webui.ui.forms.img2img import IMG2IMG, INPAINT, SKETCH, fields_of_img2img_infotext
from webui.ui.generation import infotext_problems
from webui.ui.handlers import INSTANT, Updates, show_refusal
from webui.ui.tabs.img2img import Img2img
from webui.ui.texts import notice
from webui.ui.watching.job_view import picture_to_work_on
from webui.ui.watching.pictures import shown_file

SEED_FIELDS = (
    "seed",
    "extra_seed",
    "variation_seed",
    "variation_strength",
    "seed_resize_width",
    "seed_resize_height",
)
# What PNG Info sends is the result; its parameters are those of a smaller picture.
OUTPAINTED = (
    "This picture was extended. To make it again, put the picture that it began with on the canvas; to go on "
    "from this one, see which sides Extend canvas adds."
)
SIZE_FIELDS = ("width", "height", "resize_tab")
# What A1111's button takes from txt2img besides the picture; strength and sampler stay img2img's own.
ALONG = ("prompt", "negative_prompt", "steps", "restore_faces", *SEED_FIELDS, *SIZE_FIELDS)


def wanted_fields(fields: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Fields without the seed and the size where the settings say that these are not sent."""
    left_out = (() if settings.interface.send_seed else SEED_FIELDS) + (
        () if settings.interface.send_size else SIZE_FIELDS
    )
    return {name: value for name, value in fields.items() if name not in left_out}


def size_fields(file: Path) -> dict[str, Any]:
    """The size of a picture file, as the form takes it; none for one that is larger than any result.

    An infotext names the size before hires fix, so it is the pixels that count. Raises UnusableFile.
    """
    width, height = (round_down_side(side) for side in open_picture(file).size)
    return {"width": width, "height": height} if max(width, height) <= MAX_SIDE else {}


def wire_sending(services: Services, results: Results, target: Img2img, along: Iterable[str]) -> None:
    """A gallery's buttons: its picture goes to a canvas, and the fields named in `along` to the form."""
    path = gr.Textbox("", visible="hidden", elem_id=f"{results.tab}_sent_path")
    along = frozenset(along)

    def send(info: str, selected: int) -> Updates:
        picture, settings = picture_to_work_on(info, selected), services.settings.current
        try:
            if picture is None:
                raise NotFound("There is no picture to send yet. Generate one first.")
            file = services.pictures.find(picture.path)
            fields = fields_of_img2img_infotext(picture.infotext, settings) | size_fields(file)
            fields = wanted_fields(fields, settings)
        except WebuiError as error:
            return {path: "", results.log: notice(str(error))}
        sent = target.form.write({name: value for name, value in fields.items() if name in along})
        return {path: str(file)} | sent

    buttons = {results.send.img2img: IMG2IMG, results.send.sketch: SKETCH, results.send.inpaint: INPAINT}
    for button, mode in buttons.items():
        button.click(
            send,
            inputs=[results.generation_info, results.selected],
            outputs=[path, results.log, *target.form.components],
            **INSTANT,
        ).success(fn=None, inputs=[path], js=to_canvas(mode), show_progress="hidden")


def wire_arrival(services: Services, button: gr.Button, results: Results, image: gr.Image, tab: str) -> None:
    """A gallery's button that shows its picture in another tab's image, such as Extras'."""

    def send(info: str, selected: int) -> dict[str, Any] | None:
        picture = picture_to_work_on(info, selected)
        with show_refusal():
            return shown_file(services.pictures.find(picture.path)) if picture else None

    button.click(
        send,
        inputs=[results.generation_info, results.selected],
        outputs=[image],
        postprocess=False,
        **INSTANT,
    ).success(fn=None, js=f"() => window.webui.showTab('{tab}')", show_progress="hidden")


def wire_infotext_sending(
    services: Services,
    buttons: Mapping[gr.Button, str],
    infotext: gr.Textbox,
    image: gr.Image,
    path: gr.Textbox,
    shown: gr.HTML,
    target: Img2img,
) -> None:
    """PNG Info's buttons, by mode: the picture goes to a canvas, and all its parameters to the form.

    `image` is the upload itself, as it was checked when it came in; `path` is for scripts of the page alone.
    """

    def send(text: str, payload: Mapping[str, Any] | None) -> Updates:
        settings = services.settings.current
        try:
            known = services.requests.use_local_names(text)
            fields = fields_of_img2img_infotext(known, settings, services.plugins) if text else {}
            fields |= size_fields(Path(str(payload["path"]))) if payload and payload.get("path") else {}
        except WebuiError as error:
            return {shown: notice(str(error))}
        said = " ".join(
            filter(None, [infotext_problems(text), OUTPAINTED if fields.get("outpainting") else ""])
        )
        problems = {target.toprow.notice: notice(said, "warning")}
        return target.form.write(wanted_fields(fields, settings)) | problems

    for button, mode in buttons.items():
        outputs = [*target.form.components, shown, target.toprow.notice]
        button.click(send, inputs=[infotext, image], outputs=outputs, preprocess=False, **INSTANT).success(
            fn=None, inputs=[path], js=to_canvas(mode), show_progress="hidden"
        )


def to_canvas(mode: str) -> str:
    """A script that shows the file at a path on a mode's canvas."""
    return (
        f"(path) => {{ window.webui.sendToCanvas(path, '{mode}'); return window.webui.showFill('img2img'); }}"
    )
