"""Request parts: an extension's own values in a request, checked, drawn on the page, kept in pictures."""

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self, cast

from pydantic import ValidationError

from webui.core.errors import InvalidRequest
from webui.core.request import GenerationRequest, explain
from webui.core.request_parts import Frozen

# What ends lines, or is no character of a text.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\x85\u2028\u2029]")
_SIZE = re.compile(r"\d+x\d+")
TabName = Literal["txt2img", "img2img"]


class RequestPart(Frozen):
    """Base of all request parts. Fields need a default; title, description and ranges draw the form.

    `key` is where it lies in `request.extras`, `title` what the page calls it. `alwayson_name` is
    what A1111's API calls it (else the title). `about` is one line on the page. `is_script`: a script's.
    `known_by` are names in the API's list of scripts by which clients tell that the extension is there.
    """

    key: ClassVar[str]
    title: ClassVar[str]
    about: ClassVar[str] = ""
    alwayson_name: ClassVar[str] = ""
    known_by: ClassVar[tuple[str, ...]] = ()
    tabs: ClassVar[tuple[TabName, ...]] = ("txt2img", "img2img")
    is_script: ClassVar[bool] = False

    @property
    def is_active(self) -> bool:
        """Whether it does anything: whether `enabled` is set; without that, whether it is not the default."""
        if "enabled" in type(self).model_fields:
            return bool(getattr(self, "enabled"))  # noqa: B009 - a field of the class that derives from this
        return self != type(self)()

    @classmethod
    def of(cls, request: GenerationRequest) -> Self | None:
        """The part of a request; None if it has none, or one that does nothing. Raises InvalidRequest."""
        values = request.extras.get(cls.key)
        if values is None:
            return None
        part = cls.read(values)
        return part if part.is_active else None

    @classmethod
    def read(cls, values: object) -> Self:
        """From loose values. Raises InvalidRequest with a sentence that names the part."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise InvalidRequest(f"{cls.title}: {explain(error)}") from error

    def put_into(self, request: GenerationRequest) -> GenerationRequest:
        """The request with this part."""
        extras = request.extras | {self.key: self.model_dump(mode="json")}
        return request.model_copy(update={"extras": extras})

    def in_series(self, number: int) -> Self:
        """The part for file `number`, from 0, of a series such as img2img's batch: as a rule, itself."""
        del number
        return self

    def to_infotext(self) -> dict[str, str]:
        """Keys and values for the infotext: by default the title, with what differs from the defaults."""
        if not self.is_active:
            return {}
        changed = self.model_dump(mode="json", exclude_defaults=True)
        return {self.title: json.dumps(changed, ensure_ascii=False)}

    @classmethod
    def from_infotext(cls, fields: Mapping[str, str]) -> Self | None:
        """From the keys of an infotext; None if there are none of it, or they cannot be read."""
        text = fields.get(cls.title)
        if text is None:
            return None
        try:
            return cls.read(json.loads(text))
        except (ValueError, InvalidRequest):
            return None

    @classmethod
    def from_args(cls, args: list[Any]) -> Self:
        """From `alwayson_scripts[...]["args"]`: values in the order of the fields, or one object of them.

        Raises InvalidRequest.
        """
        first: object = args[0] if args else None
        if len(args) == 1 and isinstance(first, dict):
            return cls.read(cast(dict[str, Any], first))
        names = list(cls.model_fields)
        if len(args) > len(names):
            raise InvalidRequest(
                f"{cls.title}: there are {len(args)} arguments, but it takes at most {len(names)}: "
                f"{', '.join(names)}."
            )
        return cls.read(dict(zip(names, args, strict=False)))


def write_value(value: object) -> str:
    """A field's value as infotext has it: numbers without needless zeros, texts as they are.

    A text that would not be read as it is (empty, with blanks around it, in quotes, like a size) is written
    as a JSON list of one. `read_text` reads it.
    """
    if isinstance(value, float):
        short = f"{value:.10g}"
        return short if float(short) == value else repr(value)
    text = str(value)
    is_plain = text == text.strip() != "" and not text.startswith(('"', '["')) and not _SIZE.fullmatch(text)
    has_control = bool(_CONTROL.search(text))
    return text if is_plain and not has_control else json.dumps([text], ensure_ascii=has_control)


def read_text(written: str) -> str:
    """The text that `write_value` was given, or another program wrote."""
    try:
        return str(json.loads(written)[0]) if written.startswith('["') else written
    except ValueError:
        return written
