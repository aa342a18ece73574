"""What a checkpoint asks the form to begin with: size, steps, guidance, sampler."""

from collections.abc import Mapping
from typing import Annotated, Any, Self, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from webui.core.errors import InvalidRequest
from webui.core.sampling import find_sampler, find_schedule

# The ends of the page's sliders.
SMALLEST_SIDE, LARGEST_SIDE = 64, 2048
MOST_STEPS, MOST_CFG, MOST_CLIP_SKIP = 150, 30, 12

Side = Annotated[int, Field(ge=SMALLEST_SIDE, le=LARGEST_SIDE, multiple_of=8)]


def sampler_label(name: str) -> str:
    """The label of a sampler. Raises InvalidRequest."""
    return find_sampler(name).label


def schedule_label(name: str) -> str:
    """The label of a schedule. Raises InvalidRequest."""
    return find_schedule(name).label


class CheckpointDefaults(BaseModel):
    """Values of form fields; None says nothing. Sides are pixels; one side alone means a square.

    `vae` is a file's name; where nothing is said, it is chosen automatically.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: Side | None = None
    height: Side | None = None
    steps: int | None = Field(default=None, ge=1, le=MOST_STEPS)
    cfg_scale: float | None = Field(default=None, ge=1, le=MOST_CFG, allow_inf_nan=False)
    sampler: Annotated[str, Field(max_length=100), AfterValidator(sampler_label)] | None = None
    schedule: Annotated[str, Field(max_length=100), AfterValidator(schedule_label)] | None = None
    clip_skip: int | None = Field(default=None, ge=1, le=MOST_CLIP_SKIP)
    vae: str | None = Field(default=None, max_length=500)

    @model_validator(mode="before")
    @classmethod
    def make_square(cls, values: object) -> object:
        """One side for both where only one is given."""
        if not isinstance(values, Mapping):
            return values
        given = cast("Mapping[str, Any]", values)
        width, height = given.get("width"), given.get("height")
        if (width is None) == (height is None):
            return given
        return {**given, "width": width or height, "height": height or width}

    def said(self) -> dict[str, Any]:
        """The values that are not None. Any: numbers and names."""
        return self.model_dump(exclude_none=True)

    def over(self, others: Self) -> Self:
        """These, and the others' where these say nothing."""
        return type(self)(**others.said() | self.said())


def read_defaults(values: object) -> CheckpointDefaults:
    """What can be used of values that people wrote; a name or number that cannot be counts as not said."""
    if not isinstance(values, Mapping) or not values:
        return CheckpointDefaults()
    written = cast("Mapping[str, Any]", values)
    found = CheckpointDefaults()
    for names in (("width", "height"), *((name,) for name in CheckpointDefaults.model_fields)):
        try:
            read = CheckpointDefaults(**{name: written.get(name) for name in names})
        except (ValidationError, InvalidRequest):
            continue
        # The pair of sides came first.
        found = found.over(read)
    return found
