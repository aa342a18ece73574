"""Values as lenient as Gradio 3's: stale choices, numbers out of range, pictures' files, galleries."""

# Gradio's own values and signatures are not typed.
# ruff: noqa: ANN401

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import gradio as gr
import PIL.Image
from gradio.utils import NamedString

from webui.compat.a1111.gradio3.making import is_lenient, is_own

# Fields of the host's own page that give a word where A1111's give the number of the choice.
BY_NUMBER = frozenset(
    {
        "img2img_inpaint_full_res",
        "img2img_inpainting_fill",
        "img2img_mask_mode",
        "img2img_tabs_resize",
        "resize_mode",
    }
)
SEED_CLASS = "seed-field"
Read = Callable[[Any, Any], Any]


class GalleryItem(tuple[Any, ...]):
    """A picture of a gallery with its caption, which also answers as Gradio 3's dictionary did."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        return self._named[key] if isinstance(key, str) else super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        return (
            key in self._named if isinstance(key, str) and key in self._named else super().__contains__(key)
        )

    @property
    def _named(self) -> dict[str, Any]:
        path = super().__getitem__(0)
        return {"name": path, "orig_name": Path(str(path)).name, "data": None, "is_file": True}

    def get(self, key: str, default: Any = None) -> Any:
        """As a dictionary's."""
        return self._named.get(key, default)

    def keys(self) -> Iterable[str]:
        """As a dictionary's."""
        return self._named.keys()


class UploadedFile(NamedString):
    """A file that was put in, as its path, which also says what it was called, as Gradio 3's did."""

    @property
    def orig_name(self) -> str:
        """The file's name without its folder."""
        return Path(self).name


def choose(component: Any, value: Any) -> Any:
    """A choice of a dropdown or radio, or several; one that is no choice any more is passed on."""
    if isinstance(value, list):
        chosen = [choose(component, each) for each in value]
        return chosen if component.type == "value" else [each for each in chosen if each is not None]
    if component.type == "value":
        return value
    values = [each for _, each in component.choices]
    return values.index(value) if value in values else None


def read_text(original: Read) -> Read:
    """How text arrives in Python. A seed is a number, as in A1111's page; ours keeps it as text."""

    @functools.wraps(original)
    def preprocess(self: Any, payload: Any) -> Any:
        value = original(self, payload)
        is_seed = SEED_CLASS in (self.elem_classes or ()) and is_lenient(self) and not is_own(self)
        return read_seed(value) if is_seed else value

    return preprocess


def read_seed(value: Any) -> Any:
    """A seed as a number; -1 for none. Text that is none is passed on."""
    text = str(value or "").strip()
    if not text:
        return -1
    return int(text) if text.lstrip("-").isdecimal() else value


def clamp(component: Any, value: Any) -> Any:
    """A number within a slider's or field's bounds; text that is none becomes None."""
    try:
        number = float(value) if isinstance(value, str) else value
    except ValueError:
        return None
    for bound, is_beyond in ((component.minimum, float.__lt__), (component.maximum, float.__gt__)):
        if bound is not None and is_beyond(float(number), float(bound)):
            number = bound
    return number


def read_choice(original: Read) -> Read:
    """How a choice arrives in Python."""

    @functools.wraps(original)
    def preprocess(self: Any, payload: Any) -> Any:
        if not is_lenient(self) or payload is None:
            return original(self, payload)
        if self.elem_id in BY_NUMBER and not is_own(self):
            values = [each for _, each in self.choices]
            return values.index(payload) if payload in values else payload
        return choose(self, payload)

    return preprocess


def read_choices(original: Read) -> Read:
    """How a group of ticks arrives in Python."""

    @functools.wraps(original)
    def preprocess(self: Any, payload: Any) -> Any:
        return choose(self, list(payload or [])) if is_lenient(self) else original(self, payload)

    return preprocess


def read_number(original: Read) -> Read:
    """How a number arrives in Python."""

    @functools.wraps(original)
    def preprocess(self: Any, payload: Any) -> Any:
        if not is_lenient(self):
            return original(self, payload)
        number = None if payload is None else clamp(self, payload)
        if number is None:
            return None if isinstance(self, gr.Number) else self.minimum
        return original(self, number)

    return preprocess


def write_number(original: Read) -> Read:
    """How a number leaves Python."""

    @functools.wraps(original)
    def postprocess(self: Any, value: Any) -> Any:
        if is_lenient(self) and isinstance(value, str):
            value = clamp(self, value)
        return original(self, value)

    return postprocess


def write_choices(original: Read) -> Read:
    """How choices leave Python: any iterable of them."""

    @functools.wraps(original)
    def postprocess(self: Any, value: Any) -> Any:
        if is_lenient(self) and isinstance(value, tuple | set | frozenset | dict):
            value = list(value)
        return original(self, value)

    return postprocess


def write_text(original: Read) -> Read:
    """How text leaves Python: anything is written as text."""

    @functools.wraps(original)
    def postprocess(self: Any, value: Any) -> Any:
        return original(self, str(value) if is_lenient(self) and value is not None else value)

    return postprocess


def write_html(original: Read) -> Read:
    """How HTML leaves Python: anything is written as text, several one after another, as in the browser."""
    as_text = write_text(original)

    @functools.wraps(original)
    def postprocess(self: Any, value: Any) -> Any:
        if is_lenient(self) and isinstance(value, list | tuple):
            value = ",".join("" if each is None else str(each) for each in value)
        return as_text(self, value)

    return postprocess


def read_gallery(original: Read) -> Read:
    """How a gallery arrives in Python."""

    @functools.wraps(original)
    def preprocess(self: Any, payload: Any) -> Any:
        items = original(self, payload)
        return [GalleryItem(each) for each in items or []] if is_lenient(self) else items

    return preprocess


def read_file(original: Read) -> Read:
    """How a file arrives in Python, or several."""

    @functools.wraps(original)
    def preprocess(self: Any, payload: Any) -> Any:
        given = original(self, payload)
        if not is_lenient(self):
            return given
        return [as_uploaded(each) for each in given] if isinstance(given, list) else as_uploaded(given)

    return preprocess


def as_uploaded(value: Any) -> Any:
    """A path with the name of its file; bytes and nothing as they are."""
    return UploadedFile(value) if isinstance(value, NamedString) else value


def write_pictures(original: Read) -> Read:
    """How a picture or gallery leaves Python: files that are there as they are, an empty text as none."""

    @functools.wraps(original)
    def postprocess(self: Any, value: Any) -> Any:
        if is_lenient(self):
            value = None if isinstance(value, str) and not value else as_files(value)
        return original(self, value)

    return postprocess


def as_files(value: Any) -> Any:
    """Pictures that were saved already by their files, with what is written in them."""
    if isinstance(value, PIL.Image.Image):
        saved = str(getattr(value, "already_saved_as", "") or "").partition("?")[0]
        return saved if saved and Path(saved).is_file() else value
    if isinstance(value, GalleryItem):
        return (value[0], value[1]) if len(value) > 1 else value[0]
    if isinstance(value, dict) and value.get("is_file") and "name" in value:
        return value["name"]
    if isinstance(value, list):
        return [as_files(each) for each in value]
    if isinstance(value, tuple):
        return tuple(as_files(each) for each in value)
    return value
