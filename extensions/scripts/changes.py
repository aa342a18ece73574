"""What the axes of the X/Y/Z plot change in a request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from webui.plugins import InvalidRequest, make_request

if TYPE_CHECKING:
    from extensions.scripts.axis import Change
    from webui.plugins import GenerationRequest

NONE_WORDS = ("", "none")
YES_WORDS = ("true", "yes", "y", "1")


def change(request: GenerationRequest, **changes: object) -> GenerationRequest:
    """The request with other values, checked. Raises InvalidRequest."""
    fields = {name: getattr(request, name) for name in type(request).model_fields}
    return make_request(**fields | changes)


def field(name: str) -> Change:
    """Of a field of the request."""
    return lambda request, value, values: change(request, **{name: value})


def option(*names: str) -> Change:
    """Of one of the request's options."""

    def change_option(request: GenerationRequest, value: object, values: Sequence[Any]) -> GenerationRequest:
        return change(request, options=request.options.model_dump() | dict.fromkeys(names, value))

    return change_option


def switch(name: str) -> Change:
    """Of an option that is on or off."""
    set_option = option(name)
    return lambda request, value, values: set_option(request, value.strip().lower() == "true", values)


def part(part_name: str, name: str) -> Change:
    """Of a part that only some requests have; without it, nothing changes."""

    def change_part(request: GenerationRequest, value: object, values: Sequence[Any]) -> GenerationRequest:
        own = getattr(request, part_name)
        return request if own is None else change(request, **{part_name: own.model_dump() | {name: value}})

    return change_part


def replace_text(request: GenerationRequest, value: str, values: Sequence[Any]) -> GenerationRequest:
    """Prompt S/R: the first value, wherever it stands, by another."""
    sought = values[0]
    if not sought or (sought not in request.prompt and sought not in request.negative_prompt):
        raise InvalidRequest(
            f"Prompt S/R: {sought!r} is neither in the prompt nor in the negative prompt. "
            "Write first what is to be replaced, then what takes its place."
        )
    return change(
        request,
        prompt=request.prompt.replace(sought, value),
        negative_prompt=request.negative_prompt.replace(sought, value),
    )


def order_words(request: GenerationRequest, words: Sequence[str], values: Sequence[Any]) -> GenerationRequest:
    """Prompt order: the places where the words stand get them in another order."""
    rest, made = request.prompt, ""
    places = sorted(words, key=request.prompt.find)
    for place, word in zip(places, words, strict=True):
        before, found, after = rest.partition(place)
        if not place or not found:
            raise InvalidRequest(f"Prompt order: {place!r} is not in the prompt. Write words that are.")
        made, rest = made + before + word, after
    return change(request, prompt=made + rest)


def cap_unipc_order(request: GenerationRequest, value: int, values: Sequence[Any]) -> GenerationRequest:
    """UniPC can have no higher order than steps."""
    return option("uni_pc_order")(request, max(min(value, request.steps - 1), min(value, 1)), values)


def choose_restorer(request: GenerationRequest, value: str, values: Sequence[Any]) -> GenerationRequest:
    """Faces are restored by a named restorer, by the chosen one, or not at all."""
    names = {"codeformer": "CodeFormer", "gfpgan": "GFPGAN"}
    named = names.get(value.strip().lower())
    if named is None:
        return change(request, restore_faces=value.strip().lower() in YES_WORDS)
    return option("face_restoration_model")(change(request, restore_faces=True), named, values)


def choose_refiner(request: GenerationRequest, value: str, values: Sequence[Any]) -> GenerationRequest:
    """Another refiner, or none."""
    if value.strip().lower() in NONE_WORDS:
        return change(request, refiner=None)
    own = request.refiner.model_dump() if request.refiner else {}
    return change(request, refiner=own | {"model": value})


def choose_size(request: GenerationRequest, value: str, values: Sequence[Any]) -> GenerationRequest:
    """Width and height, such as 512x768, cut down to whole cells of a latent."""
    width, _, height = value.lower().partition("x")
    try:
        sides = int(width), int(height)
    except ValueError as error:
        raise InvalidRequest(f"Size: {value!r} is no size. Write sizes such as 512x768.") from error
    return change(request, width=sides[0] // 8 * 8, height=sides[1] // 8 * 8)


def choose_vae(request: GenerationRequest, value: str, values: Sequence[Any]) -> GenerationRequest:
    """A file, "Automatic", or the checkpoint's own."""
    own = {"auto": "Automatic", "automatic": "Automatic", "none": "None"}
    return change(request, vae=own.get(value.strip().lower(), value))
