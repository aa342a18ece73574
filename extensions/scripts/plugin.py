"""A1111's scripts as one extension of this program's own."""

from typing import Any

from webui.plugins import hookimpl


@hookimpl
def register_scripts() -> list[Any]:
    """In the order of the drop-down. What they need is loaded when they run."""
    from extensions.scripts.prompt_matrix import PromptMatrix
    from extensions.scripts.prompts_from_file import PromptsFromFile
    from extensions.scripts.xyz_plot import XyzPlot

    return [PromptMatrix(), PromptsFromFile(), XyzPlot()]
