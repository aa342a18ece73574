"""The run plan: what each picture of a run is made from, where that is more than the request's own texts."""

from typing import Annotated, Self

from pydantic import Field

from webui.core.request_parts import Frozen

MAX_SEED = 2**64 - 1
MAX_PROMPT = 200_000
MAX_PICTURES = 64 * 1000
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Text = Annotated[str, Field(max_length=MAX_PROMPT)]


class PlannedPicture(Frozen):
    """One picture: its texts, its seeds, and what its infotext says beside A1111's keys.

    Empty hires texts are those of the first pass.
    """

    prompt: Text = ""
    negative_prompt: Text = ""
    seed: Seed = 0
    variation_seed: Seed = 0
    hires_prompt: Text = ""
    hires_negative_prompt: Text = ""
    entries: dict[str, str] = Field(default={})

    def with_texts(self, **texts: str) -> Self:
        """A copy with other texts, such as `prompt`."""
        return self.model_copy(update=texts)


class RunPlan(Frozen):
    """All pictures of a run in order; batches are cut from it.

    A script's plan may be a draft: extensions fill in its texts as they do those of a request without a plan.
    """

    pictures: tuple[PlannedPicture, ...] = Field(min_length=1, max_length=MAX_PICTURES)
    is_draft: bool = False

    def __len__(self) -> int:
        return len(self.pictures)

    def replace(self, pictures: list[PlannedPicture] | tuple[PlannedPicture, ...]) -> "RunPlan":
        """A plan of other pictures, checked. Raises ValidationError."""
        return RunPlan(pictures=tuple(pictures))

    def second_pass(self) -> "RunPlan":
        """The same pictures with the texts of the second pass of hires fix."""
        texts = (
            each.with_texts(
                prompt=each.hires_prompt or each.prompt,
                negative_prompt=each.hires_negative_prompt or each.negative_prompt,
            )
            for each in self.pictures
        )
        return RunPlan(pictures=tuple(texts))
