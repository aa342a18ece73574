"""How A1111's clients write values: `null` for what is not said, numbers in quotes, integers with a point."""

import math
from typing import Annotated, Any, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

# Longer texts are no numbers that anybody means.
LONGEST_NUMBER = 40


def truncate(value: object) -> object:
    """A whole number from one with a point or in quotes; anything else as it is, for pydantic to refuse."""
    number = read_number(value) if isinstance(value, str) else value
    if isinstance(number, float) and math.isfinite(number):
        return math.trunc(number)
    return number


def read_number(text: str) -> object:
    """The number that a text is; the text itself if it is none."""
    if len(text) > LONGEST_NUMBER:
        return text
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


Whole = Annotated[int, BeforeValidator(truncate)]


class LenientBody(BaseModel):
    """Base of what clients send. Fields that A1111 does not know are ignored, as there."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def drop_null(cls, values: Any) -> Any:  # noqa: ANN401 - whatever JSON was sent
        """`null` means that a field is not said: it has its default then."""
        if not isinstance(values, dict):
            return values
        fields = cast("dict[str, Any]", values)
        return {name: value for name, value in fields.items() if value is not None}
