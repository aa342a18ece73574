"""Prompt matrix: the first part of a prompt, alone and with every choice of the parts after `|`."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from extensions.scripts.base import ScriptPart, is_result
from webui.plugins import ImageReady, InvalidRequest, RunPlan, SaveAs

if TYPE_CHECKING:
    from extensions.scripts.sheets import CellPictures
    from webui.plugins import Context, Event, GenerationRequest

# Twice as many pictures with each part.
MOST_PARTS = 12


class PromptMatrixPart(ScriptPart):
    """How the parts are combined, in the order of A1111's arguments."""

    key: ClassVar[str] = "prompt_matrix"
    title: ClassVar[str] = "Prompt matrix"

    put_at_start: bool = Field(default=False, title="Put variable parts at start of prompt")
    different_seeds: bool = Field(default=False, title="Use different seed for each picture")
    prompt_type: Literal["positive", "negative"] = Field(default="positive", title="Select prompt")
    delimiter: Literal["comma", "space"] = Field(default="comma", title="Select joining char")
    margin_size: int = Field(default=0, ge=0, le=500, title="Grid margins (px)")


class PromptMatrix:
    """The script."""

    title = "Prompt matrix"
    part: type[PromptMatrixPart] = PromptMatrixPart

    def run(self, request: GenerationRequest, context: Context) -> Generator[Event]:
        """One run with a prompt for each picture, then the sheet of all. Raises InvalidRequest."""
        from extensions.scripts.sheets import CellPictures

        part = PromptMatrixPart.of(request) or PromptMatrixPart()
        parts = split_parts(part, request)
        planned = plan_matrix(part, parts, request)
        with CellPictures() as pictures:
            for event in context.events(planned):
                if isinstance(event, ImageReady) and is_result(event):
                    pictures.add(event.index, [event], context.settings)
                yield event
            if pictures and not context.stop.is_cancelled:
                yield make_sheet(parts, pictures, part.margin_size)


def split_parts(part: PromptMatrixPart, request: GenerationRequest) -> list[str]:
    """What is always there, then the parts that may be. Raises InvalidRequest where they are too many."""
    text = request.prompt if part.prompt_type == "positive" else request.negative_prompt
    parts = text.split("|")
    if len(parts) - 1 > MOST_PARTS:
        raise InvalidRequest(
            f"Prompt matrix: {len(parts) - 1} parts would make {2 ** (len(parts) - 1)} pictures. "
            f"Use at most {MOST_PARTS}."
        )
    return parts


def combine_parts(parts: list[str], part: PromptMatrixPart) -> list[str]:
    """Every prompt: bit n of its number says whether it has part n."""
    joined = ", " if part.delimiter == "comma" else " "
    always, *optional = parts
    texts = [text.strip().strip(",") for text in optional]
    prompts: list[str] = []
    for number in range(2 ** len(texts)):
        chosen = [text for place, text in enumerate(texts) if number >> place & 1]
        prompts.append(joined.join([*chosen, always] if part.put_at_start else [always, *chosen]))
    return prompts


def plan_matrix(part: PromptMatrixPart, parts: list[str], request: GenerationRequest) -> GenerationRequest:
    """The request with a plan of all prompts, in which extensions may fill in wildcards.

    Raises InvalidRequest for a seed that grows too large.
    """
    field = "prompt" if part.prompt_type == "positive" else "negative_prompt"
    first = request.picture(0)
    pictures = [
        first.model_copy(
            update={
                field: prompt,
                "seed": request.seed + (number if part.different_seeds else 0),
                "variation_seed": request.variation_seed + number,
            }
        )
        for number, prompt in enumerate(combine_parts(parts, part))
    ]
    return request.planned(RunPlan.model_validate({"pictures": tuple(pictures), "is_draft": True}))


def make_sheet(parts: list[str], pictures: CellPictures, margin: int) -> ImageReady:
    """All pictures, with the parts beside them; those that are left out are struck out."""
    from extensions.scripts.legend import Label, Sheet
    from extensions.scripts.sheets import cell_size

    optional = parts[1:]
    half = math.ceil(len(optional) / 2)
    columns, rows = (
        [
            [Label(text, is_active=bool(number >> place & 1)) for place, text in enumerate(texts)]
            for number in range(2 ** len(texts))
        ]
        for texts in (optional[:half], optional[half:])
    )
    cells = range(len(columns) * len(rows))
    sheet = Sheet(cell_size(pictures, cells), columns, rows, margin)
    first = pictures.first_of(0, len(cells))
    changes = {
        "index": -1,
        "image": sheet.draw(pictures.get(cell) for cell in cells),
        "latent": "",
        "save_as": SaveAs(sheet="prompt_matrix"),
    }
    return first.model_copy(update=changes)
