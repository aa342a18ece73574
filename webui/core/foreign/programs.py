"""Which program a text or a picture's texts are by, and what they say as infotext."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from webui.core.foreign.comfyui import read_graph
from webui.core.foreign.flat import FEWEST_WITHOUT_PROMPT, read_flat, read_novelai, read_swarmui
from webui.core.foreign.graph import read_api_graph, read_workflow
from webui.core.foreign.invokeai import read_dream, read_invokeai, read_sd_metadata
from webui.core.foreign.recipe import Recipe, write_infotext
from webui.core.infotext_layouts import split_infotext
from webui.core.infotext_syntax import FEWEST_FIELDS, as_json_object

Size = tuple[int, int]
# Texts of pictures that other programs write infotext or JSON into, the surest first.
TEXT_ITEMS = (
    "UserComment",
    "Comment",
    "comment",
    "Description",
    "generation_data",
    "Title",
    "Subject",
    "Keywords",
)
LONGEST_TEXT = 4_000_000


def infotext_of_text(text: str, size: Size | None = None) -> str | None:
    """The infotext that a JSON text of another program stands for; None for other texts."""
    data = as_json_object(text) if len(text) <= LONGEST_TEXT else None
    recipe = read_object(data) if data is not None else None
    return write_infotext(recipe, size) if recipe is not None and recipe.says_enough else None


def infotext_of_items(items: Mapping[str, str], size: Size | None = None) -> str | None:
    """The infotext that a picture's texts by name stand for; None if none of them is understood."""
    for recipe in _recipes(items):
        if recipe is not None and recipe.says_enough:
            return write_infotext(recipe, size)
    for name in TEXT_ITEMS:
        text = items.get(name, "")
        if len(split_infotext(text).pairs) >= FEWEST_FIELDS if "Steps" in text else False:
            return text
    return None


def _recipes(items: Mapping[str, str]) -> Iterator[Recipe | None]:
    """What the texts say, the surest first."""
    if items.get("Software", "").startswith("NovelAI") or items.get("Source", "").startswith("NovelAI"):
        yield read_novelai(items)
    for name, read in ITEM_READERS.items():
        data = as_json_object(items.get(name, ""))
        yield read(data) if data is not None else None
    dream = items.get("Dream") or items.get("dream")
    yield read_dream(dream[:LONGEST_TEXT]) if dream else None
    for name in ("prompt", "workflow", *TEXT_ITEMS):
        data = as_json_object(items.get(name, ""))
        yield read_object(data) if data is not None else None
    # Easy Diffusion gives each value a text of its own.
    yield read_flat(items) if len(items) >= FEWEST_WITHOUT_PROMPT else None


def read_object(data: Mapping[str, Any]) -> Recipe | None:
    """The recipe in a JSON object of any program; None if it is of none that is known."""
    for read in OBJECT_READERS:
        recipe = read(data)
        if recipe is not None:
            return recipe
    return None


def read_comfyui(data: Mapping[str, Any]) -> Recipe | None:
    """A graph, alone or under the names that ComfyUI gives it in a picture."""
    for name in ("prompt", "workflow"):
        inner = data.get(name)
        inner = as_json_object(inner) if isinstance(inner, str) else inner
        if isinstance(inner, dict) and (recipe := read_comfyui(cast(dict[str, Any], inner))) is not None:
            return recipe
    graph = read_api_graph(data) or read_workflow(data)
    return read_graph(graph) if graph is not None else None


def read_civitai(data: Mapping[str, Any]) -> Recipe | None:
    """Civitai's generator on ComfyUI: beside the graph, what was asked for, as a JSON text."""
    inner = data.get("extraMetadata")
    inner = as_json_object(inner) if isinstance(inner, str) else inner
    return read_flat(cast(dict[str, Any], inner), "Civitai") if isinstance(inner, dict) else None


def read_fooocus(data: Mapping[str, Any]) -> Recipe | None:
    """Fooocus' own scheme and its log."""
    known = {key.lower().replace(" ", "_") for key in data}
    if "base_model" not in known or not {"performance", "guidance_scale"} & known:
        return None
    return read_flat(data, str(data.get("version") or data.get("Version") or "")[:40])


def read_invokeai_object(data: Mapping[str, Any]) -> Recipe | None:
    """InvokeAI's object where it stands alone."""
    return read_invokeai(data) if "positive_prompt" in data and "scheduler" in data else None


OBJECT_READERS: tuple[Callable[[Mapping[str, Any]], Recipe | None], ...] = (
    read_swarmui,
    read_civitai,
    read_novelai,
    read_comfyui,
    read_fooocus,
    read_invokeai_object,
    read_sd_metadata,
    read_flat,
)
ITEM_READERS: Mapping[str, Callable[[Mapping[str, Any]], Recipe | None]] = {
    "invokeai_metadata": read_invokeai,
    "sd-metadata": read_sd_metadata,
    "generation_data": read_flat,
}
