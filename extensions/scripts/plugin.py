"""A1111's scripts as one extension of this program's own.

"Custom code" is not among them: it runs whatever a client sends.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from webui.plugins import hookimpl

if TYPE_CHECKING:
    from extensions.scripts.alternative import Alternative
    from webui.plugins import Batch, Context, Denoising


@cache
def alternative() -> Alternative:
    """The one script that acts while a picture is sampled."""
    from extensions.scripts.alternative import Alternative

    return Alternative()


@hookimpl
def register_scripts() -> list[Any]:
    """In the order of A1111's drop-down. What they need is loaded when they run."""
    from extensions.scripts.native import LoopbackScript, OutpaintingMk2, PoorMansOutpainting
    from extensions.scripts.prompt_matrix import PromptMatrix
    from extensions.scripts.prompts_from_file import PromptsFromFile
    from extensions.scripts.sd_upscale import SdUpscale
    from extensions.scripts.tiled_upscale import TiledUpscale
    from extensions.scripts.xyz_plot import XyzPlot

    return [
        alternative(),
        LoopbackScript(),
        OutpaintingMk2(),
        PoorMansOutpainting(),
        PromptMatrix(),
        PromptsFromFile(),
        SdUpscale(),
        TiledUpscale(),
        XyzPlot(),
    ]


@hookimpl
def prepare_denoising(denoising: Denoising, batch: Batch, context: Context) -> None:
    """The moment of the img2img alternative test; for all other runs, nothing."""
    alternative().prepare(denoising, batch, context)


@hookimpl
def add_routes(app: Any, services: Any) -> None:  # noqa: ANN401 - FastAPI's application, an object of a floor above
    """What the form of X/Y/Z plot offers."""

    @app.get("/v1/xyz/axes")
    def list_axes() -> list[str]:
        """The labels of all axes, those of extensions' values last; some are of one tab alone."""
        from extensions.scripts.added_axes import list_added_axes
        from extensions.scripts.axes import AXES
        from extensions.scripts.part_axes import list_part_axes

        found = [axis.label for axis in AXES if not axis.missing]
        for tab in ("txt2img", "img2img"):
            found += [axis.label for axis in list_part_axes(tab, services.plugins.parts)]
            found += [axis.label for axis in list_added_axes(tab, services.plugins, found)]
        return list(dict.fromkeys(found))

    @app.get("/v1/xyz/choices")
    def list_axis_choices(tab: Literal["txt2img", "img2img"] = "txt2img") -> dict[str, str]:
        """All values of each axis that has a list of them, by its label, as they are written on the page."""
        from extensions.scripts.added_axes import list_added_axes
        from extensions.scripts.axes import AXES
        from extensions.scripts.choices import Offered
        from extensions.scripts.part_axes import list_part_axes
        from extensions.scripts.values import join_values

        offered = Offered(services.catalog, lambda: services.requests.styles().names)
        axes = [axis for axis in AXES if axis.tab in ("", tab) and not axis.missing]
        axes += list_part_axes(tab, services.plugins.parts)
        axes += list_added_axes(tab, services.plugins, (axis.label for axis in axes))
        return {axis.label: join_values(axis.choices(offered)) for axis in axes if axis.choices is not None}
