"""Buttons of extensions that send a picture and its infotext to a tab of ours."""

import base64
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from webui.compat.a1111.host import current
from webui.compat.a1111.page.pasting import as_fields, fill_fields, read_infotext, update_of
from webui.compat.a1111.page.reaching import site
from webui.store.pictures.unsaved import UNSAVED


@dataclass(slots=True)
class ParamBinding:
    """A button and where it sends what."""

    paste_button: Any
    tabname: str
    source_text_component: Any = None
    source_image_component: Any = None
    source_tabname: str | None = None
    override_settings_component: Any = None
    paste_field_names: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.paste_field_names = list(self.paste_field_names or ())


# A1111's names of places for a picture -> the modes of img2img's canvases.
CANVASES = {
    "img2img": "img2img",
    "sketch": "Sketch",
    "inpaint": "Inpaint",
    "inpaint_sketch": "Inpaint sketch",
}
# The picture fields of other tabs, by their ids.
IMAGES = {"extras": "extras_image"}
# What is sent from tab to tab where a button names nothing.
USUAL_FIELDS = ("Prompt", "Negative prompt", "Steps", "Face restoration")
SEED_AND_SIZE = ("Seed", "Variation seed", "Variation seed strength", "Size-1", "Size-2")
# Of an image's, a gallery's or an editor's value: the file of the picture that is shown.
SHOWN_FILE = """(value) => {
  const one = Array.isArray(value) ? extract_image_from_gallery(value)[0] : value;
  return one?.image ?? one?.composite ?? one?.background ?? one;
}"""
SELECTED = "(sent) => [extract_image_from_gallery(sent)]"


def wire_binding(binding: ParamBinding) -> None:
    """Have the button fill the fields of its tab, bring the picture there, and show the tab."""
    fields = as_fields(site("ui").paste_fields_of(binding.tabname))
    source = binding.source_text_component
    if source is not None and fields:
        wire_text(binding, source, [each.component for each in fields])
    elif binding.source_tabname:
        wire_fields(binding)
    image = binding.source_image_component
    target = None if binding.tabname in CANVASES else image_of(binding.tabname)
    if image is not None and target is not None:
        wire_image(binding, image, target)
    else:
        wire_canvas(binding, image)


def wire_canvas(binding: ParamBinding, image: Any) -> None:  # noqa: ANN401 - Gradio's
    """The picture onto a canvas of img2img; without one, the tab alone is shown."""
    mode, tab = CANVASES.get(binding.tabname), json.dumps(binding.tabname)
    send = f"if (file?.path) {{ window.webui.sendToCanvas(file.path, {json.dumps(mode)}); return []; }}"
    show = json.dumps("img2img") if mode else tab
    binding.paste_button.click(
        fn=None,
        inputs=[image] if image is not None else [],
        js=f"(sent) => {{ const file = ({SHOWN_FILE})(sent); {send if mode else ''} "
        f"return window.webui.showTab({show}); }}",
        show_progress="hidden",
    )


def wire_image(binding: ParamBinding, image: Any, target: Any) -> None:  # noqa: ANN401 - Gradio's
    """The picture into a field of another tab, as the file that it is."""
    binding.paste_button.click(
        keep_shown,
        inputs=[image],
        outputs=[target],
        js=f"(sent) => [({SHOWN_FILE})(sent)]" if image.get_block_name() != "gallery" else SELECTED,
        preprocess=False,
        postprocess=False,
        show_progress="hidden",
    ).success(fn=None, js=f"() => window.webui.showTab({json.dumps(binding.tabname)})")


def keep_shown(sent: Any) -> Any:  # noqa: ANN401 - a file's description, or a gallery's entries
    """The file of what a button sends; the field stays as it is where there is none."""
    import gradio as gr  # loaded where there is a page

    one = sent[0] if isinstance(sent, list) and sent else sent
    file = (one.get("image") or one) if isinstance(one, dict) else None
    return file if isinstance(file, dict) and file.get("path") else gr.skip()


def image_of(tab: str) -> Any:  # noqa: ANN401 - Gradio's
    """The picture field of a tab: an extension's own, or one of ours; None where there is none."""
    from gradio.context import Context  # loaded where there is a page

    own = site("infotext_utils").paste_fields.get(tab, {}).get("init_img")
    if own is not None or tab not in IMAGES or Context.root_block is None:
        return own
    blocks = Context.root_block.blocks.values()
    return next((each for each in blocks if getattr(each, "elem_id", None) == IMAGES[tab]), None)


def wire_fields(binding: ParamBinding) -> None:
    """Fields of one tab into those of the same name of another."""
    names = binding.paste_field_names or [*USUAL_FIELDS, *SEED_AND_SIZE]
    find = site("ui").paste_fields_of
    source = {each.label: each.component for each in as_fields(find(str(binding.source_tabname)))}
    target = {each.label: each.component for each in as_fields(find(binding.tabname))}
    both = [name for name in names if name in source and name in target]
    if not both:
        return
    binding.paste_button.click(
        fn=None,
        inputs=[source[name] for name in both],
        outputs=[target[name] for name in both],
        js="(...values) => values.length > 1 ? values : values[0]",
        show_progress="hidden",
    )


def wire_text(binding: ParamBinding, source: Any, outputs: list[Any]) -> None:  # noqa: ANN401 - Gradio's
    """The infotext into the fields."""
    import gradio as gr  # loaded where there is a page

    def fill(text: str) -> list[Any]:
        told, fields = fill_fields(binding.tabname, text or ""), read_infotext(text or "")
        own = as_fields(site("ui").paste_fields_of(binding.tabname))
        updates = {each.component: update_of(each, fields) for each in own} | told
        return [gr.skip() if updates.get(each) is None else updates[each] for each in outputs]

    unique = list(dict.fromkeys(outputs))
    outputs[:] = unique
    binding.paste_button.click(fill, inputs=[source], outputs=unique, show_progress="hidden")


def open_sent(found: Any) -> Image.Image | None:  # noqa: ANN401 - whatever a component gives
    """The picture in what a component or a script gives: a path, a data URL, a gallery's entry."""
    if isinstance(found, list | tuple):
        return open_sent(found[0]) if found else None
    if isinstance(found, dict):
        return open_sent(found.get("name") or found.get("path") or found.get("data") or found.get("image"))
    if found is None or isinstance(found, Image.Image):
        return found
    text = str(getattr(found, "path", None) or getattr(found, "name", None) or found)
    if text.startswith("data:"):
        data = base64.b64decode(text.partition(",")[2])
        return open_copy(Image.open(io.BytesIO(data)))
    return open_path(text)


def open_path(text: str) -> Image.Image | None:
    """The picture of a file that the page may show. Raises PermissionError for another."""
    for mark in ("/gradio_api/file=", "/file=", "file="):
        text = text.rpartition(mark)[2] if mark in text else text
    path = Path(text.partition("?")[0]).resolve()
    if not path.is_file():
        return None
    if not any(path.is_relative_to(folder.resolve()) for folder in open_folders()):
        raise PermissionError(f"The page may not open {path.name}: it lies in no folder of pictures.")
    return open_copy(Image.open(path))


def open_folders() -> list[Path]:
    """Where pictures lie that the page may name: outputs, and what was uploaded or shown."""
    from gradio.utils import get_upload_folder  # loaded where there is a page

    services = current().ready
    chosen = [each for each in services.settings.current.folders.model_dump().values() if each]
    outputs = [services.files.folder(each) for each in chosen]
    return [*outputs, Path(get_upload_folder()), services.paths.data / UNSAVED]


def open_copy(image: Image.Image) -> Image.Image:
    """The picture, read whole, with what is written in it."""
    image.load()
    return image
