"""Buttons of extensions that send a picture and its infotext to a tab of ours."""

import base64
import io
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


def wire_binding(binding: ParamBinding) -> None:
    """Have the button fill the fields of its tab; a script of the page carries the picture."""
    fields = as_fields(site("ui").paste_fields_of(binding.tabname))
    source = binding.source_text_component
    if source is not None and fields:
        wire_text(binding, source, [each.component for each in fields])
    tab = binding.tabname
    binding.paste_button.click(
        fn=None,
        inputs=[binding.source_image_component] if binding.source_image_component is not None else [],
        js=f"(image) => {{ window.webui?.sendPicture?.({tab!r}, image); return []; }}",
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
