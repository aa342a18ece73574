"""What is asked for when a prompt is tried with every saved file of a training run."""

from pydantic import Field

from webui.core.request_parts import Frozen


class TrainingSampleRequest(Frozen):
    """A row for the sample strips of the run named `name`; `number` is the prompt's in the strips.

    `step` is the only file to draw with; None: all of them.
    """

    name: str = Field(min_length=1, max_length=120)
    prompt: str = Field(max_length=10_000)
    number: int = Field(ge=0)
    seed: int = Field(ge=0, le=2**32 - 1)
    step: int | None = None
