"""Regional prompts: the texts between BREAKs, or a list of lines, each for a part of the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extensions.regional_prompts.part import RegionalPrompts
from webui.plugins import RequestPart, hookimpl

if TYPE_CHECKING:
    from webui.plugins import Batch, Context, Denoising


@hookimpl
def register_request_part() -> type[RequestPart]:
    """Where the regions are, and how they are blended."""
    return RegionalPrompts


@hookimpl
def change_texts(texts: tuple[tuple[str, str], ...], batch: Batch) -> tuple[tuple[str, str], ...] | None:
    """The whole picture is made from the base prompt; the regions' are encoded by themselves."""
    part = RegionalPrompts.of(batch.request)
    if part is None:
        return None
    split = [part.split(prompt, negative) for prompt, negative in texts]
    return tuple((each.base, each.negative) for each in split)


@hookimpl(trylast=True)
def prepare_denoising(denoising: Denoising, batch: Batch, context: Context) -> None:
    """Encode the regions' prompts and attach them to the pass. Raises InvalidRequest."""
    part = RegionalPrompts.of(batch.request)
    if part is not None:
        # Torch is imported only where something is asked for.
        from extensions.regional_prompts.install import install

        install(denoising, part, batch, context)
