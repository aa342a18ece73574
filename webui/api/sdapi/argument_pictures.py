"""Pictures in the arguments of extensions: kept as those of the body are, so that parts hold references."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from webui.api.sdapi.given_pictures import GivenPictures
from webui.core.errors import InvalidRequest, WebuiError
from webui.plugins.parts import RequestPart

REFERENCE = re.compile(r"[0-9a-f]{64}")
REFERENCE_PATTERN = r"^[0-9a-f]{64}$"
DATA_URL = "data:image/"
# No name or prompt is so long without a blank, and no picture file is shorter.
SHORTEST_BASE64 = 80
START_OF_BASE64 = re.compile(rf"[A-Za-z0-9+/]{{{SHORTEST_BASE64}}}")
# Clients' other names for fields that hold pictures.
OTHER_NAMES = {"input_image": "image", "mask_image": "mask", "batch_input_gallery": "batch_images"}
# Fields that name a folder on the server, and which field the pictures in it are for.
FOLDERS = {"batch_image_dir": "batch_images"}


@dataclass(frozen=True, slots=True)
class ArgumentPictures:
    """Keeps the pictures in a part's arguments. `fields` are those that hold nothing but pictures."""

    title: str
    fields: frozenset[str]
    pictures: GivenPictures

    def keep(self, value: object, field: str = "") -> object:
        """The value with references in place of pictures. Raises InvalidRequest or UnusableFile.

        `field` is the picture field that it lies in; empty: in none, where only what is a picture is kept.
        """
        if isinstance(value, Mapping):
            entries = cast(Mapping[str, object], value)
            kept = {name: self.keep(each, self.field_of(name)) for name, each in entries.items()}
            return kept | self.keep_folders(entries)
        if isinstance(value, list):
            return [self.keep(each, field) for each in cast(list[object], value)]
        if not isinstance(value, str) or REFERENCE.fullmatch(value):
            return value
        return self.keep_given(value, field) if field else self.keep_if_picture(value)

    def field_of(self, name: str) -> str:
        """The field of pictures that a name stands for; empty if none."""
        known = OTHER_NAMES.get(name, name)
        return known if known in self.fields else ""

    def keep_folders(self, entries: Mapping[str, object]) -> dict[str, list[str]]:
        """The pictures of the folders that fields name, by those fields. Raises as `keep`."""
        named = {name: entries.get(name) for name, field in FOLDERS.items() if field in self.fields}
        return {
            name: self.pictures.keep_folder(text)
            for name, text in named.items()
            if isinstance(text, str) and text.strip()
        }

    def keep_given(self, text: str, field: str) -> str | None:
        """The reference of a picture in a field for pictures; None where nothing is given."""
        if text.strip().lower() in ("", "none"):
            return None
        try:
            return self.pictures.keep(text)
        except WebuiError as error:
            raise InvalidRequest(f"{self.title}: {field!r} holds no picture. {error}") from error

    def keep_if_picture(self, text: str) -> str:
        """The reference of a picture, or the text, where it is none. A data URL of a picture must be one."""
        if text.startswith(DATA_URL):
            return self.keep_given(text, "a data URL") or text
        if START_OF_BASE64.match(text) is None:
            return text
        try:
            return self.pictures.keep(text)
        except WebuiError:
            return text


def keep_argument_pictures(
    part: type[RequestPart], arguments: list[Any], pictures: GivenPictures
) -> list[Any]:
    """The arguments of a part with references in place of pictures. Raises InvalidRequest."""
    keeper = ArgumentPictures(part.title, find_picture_fields(part.model_json_schema()), pictures)
    # Arguments come in the order of the fields, unless there is but one object of them.
    names = [*part.model_fields, *[""] * len(arguments)]
    return [keeper.keep(value, keeper.field_of(name)) for value, name in zip(arguments, names, strict=False)]


def find_picture_fields(schema: Mapping[str, Any]) -> frozenset[str]:
    """The names of the fields that hold references to pictures, in the part and in models inside it."""
    models = [schema, *schema.get("$defs", {}).values()]
    return frozenset(
        name for model in models for name, field in model.get("properties", {}).items() if is_picture(field)
    )


def is_picture(schema: Mapping[str, Any]) -> bool:
    """Whether a field is a reference to a picture, or several of them, or may be left out."""
    inner = [*schema.get("anyOf", []), *([schema["items"]] if isinstance(schema.get("items"), dict) else [])]
    return schema.get("pattern") == REFERENCE_PATTERN or any(is_picture(each) for each in inner)
