"""ComfyUI's graphs: the sampler that began the picture, and what goes into it, along the links.

What nodes of unknown kinds say is found by the names of their inputs, which most of them share.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from webui.core.foreign.graph import Graph, Node, as_number
from webui.core.foreign.recipe import NamedLora, Recipe, file_stem

PROGRAM = "ComfyUI"
# Inputs that carry the picture so far.
PICTURE = (
    "latent_image", "latent", "samples", "optional_latent", "images", "image", "pixels", "input", "latents",
    "base_image", "source", "samples_to", "any", "*", "anything",
)  # fmt: skip
# Inputs that lead to what belongs to a sampler but stands in nodes of its own.
BESIDE = (
    "noise", "sampler", "sigmas", "guider", "pipe", "basic_pipe", "base_basic_pipe", "context", "ctx",
    "base_ctx", "sdxl_tuple", "settings", "ksampler_settings", "sampler_settings", "params",
    "optional_sampler",
    "scheduler_func", "sampler_config", "script",
)  # fmt: skip
CONDITIONING = (
    "conditioning", "conditioning_1", "conditioning_2", "conditioning1", "conditioning2",
    "conditioning_to", "conditioning_from", "cond", "cond1", "cond2", "base_cond", "conds", "base_positive",
)  # fmt: skip
# What encoders call their text. Those of two encoders say the same, mostly.
ENCODED = (
    "text",
    "text_g",
    "text_l",
    "clip_l",
    "t5xxl",
    "prompt",
    "string",
    "positive_prompt",
    "wildcard_text",
)
LOADED = (
    "ckpt_name", "unet_name", "base_ckpt_name", "model_name", "checkpoint", "gguf_name", "model_path", "ckpt",
    "checkpoint_name",
)  # fmt: skip
# Where the class says which schedule it makes.
SCHEDULE_CLASSES = {
    "Karras": "karras",
    "Exponential": "exponential",
    "Polyexponential": "polyexponential",
    "AlignYourSteps": "align_your_steps",
    "BetaSampling": "beta",
    "Beta": "beta",
}
# A checkpoint's name for a node that is no model of ours is too long to be one.
LONGEST_NAME = 200
_EMBEDDING = re.compile(r"\bembedding:([^\s,:()\[\]]{1,200})")


def read_graph(graph: Graph) -> Recipe | None:
    """The recipe of a graph; None if there is no sampler in it."""
    base, passes = find_base_sampler(graph)
    if base is None:
        return None
    beside = list(_walk(graph, base, BESIDE))
    recipe = Recipe(program=PROGRAM)
    recipe.prompt = _prompt(graph, beside, "positive", recipe)
    recipe.negative_prompt = _prompt(graph, beside, "negative", recipe)
    _read_numbers(graph, beside, recipe)
    _read_sampler(graph, beside, recipe)
    _read_models(graph, beside, recipe)
    recipe.size = _size(graph, beside)
    if passes > 1:
        recipe.not_read.append(f"further passes ({passes - 1})")
    # ComfyUI draws its noise on the processor.
    recipe.others["RNG"] = "CPU"
    return recipe


def find_base_sampler(graph: Graph) -> tuple[str | None, int]:
    """The sampler that began the picture, going up from where it is saved; and how many it went through."""
    seen: set[str] = set()
    for start in _outputs(graph):
        found = _next_sampler(graph, [start], seen)
        passes = 0
        base = None
        while found is not None:
            base, passes = found, passes + 1
            above = [source for name, source in graph.links(base) if name in PICTURE or name in BESIDE]
            found = _next_sampler(graph, above, seen)
        if base is not None:
            return base, passes
    return None, 0


def _outputs(graph: Graph) -> list[str]:
    """Nodes that save or show pictures, those that save first; all samplers where there are none."""
    kinds = {key: node.kind.lower() for key, node in graph.nodes.items()}
    saves = [key for key, kind in kinds.items() if "save" in kind or "output" in kind]
    shows = [key for key, kind in kinds.items() if "preview" in kind or "show" in kind]
    return [*saves, *shows, *(key for key, node in graph.nodes.items() if is_sampler(node))]


def _next_sampler(graph: Graph, starts: Iterable[str], seen: set[str]) -> str | None:
    """The nearest sampler above, along links that carry pictures; no node is looked at twice."""
    waiting = deque(starts)
    while waiting:
        key = waiting.popleft()
        if key in seen:
            continue
        seen.add(key)
        node = graph.nodes[key]
        if is_sampler(node):
            return key
        waiting.extend(
            source for name, source in graph.links(key) if _carries_picture(name) or name in BESIDE
        )
    return None


def _carries_picture(name: str) -> bool:
    """Whether an input may be the picture: of unknown names, all but those that surely are something else."""
    known = ("model", "clip", "vae", "positive", "negative", "mask", "control_net", *CONDITIONING)
    return name in PICTURE or not name.startswith(known)


def is_sampler(node: Node) -> bool:
    """Whether a node turns noise into a picture."""
    inputs = node.inputs
    is_told = bool({"positive", "guider", "conditioning", "sdxl_tuple", "basic_pipe", "pipe"} & inputs.keys())
    works = bool({"steps", "sigmas", "sampler_name", "denoise"} & inputs.keys())
    return is_told and works and "detailer" not in node.kind.lower() and "scheduler" not in node.kind.lower()


def _walk(graph: Graph, start: str, names: Iterable[str]) -> Iterator[str]:
    """A node and those that its inputs of these names lead to, nearest first."""
    wanted, seen, waiting = set(names), {start}, deque([start])
    while waiting:
        key = waiting.popleft()
        yield key
        for name, source in graph.links(key):
            if name in wanted and source not in seen:
                seen.add(source)
                waiting.append(source)


def _find(graph: Graph, keys: Iterable[str], names: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """Inputs of these names, in the order of the nodes and then of the names."""
    wanted = tuple(names)
    for key in keys:
        inputs = graph.nodes[key].inputs
        yield from ((name, inputs[name]) for name in wanted if name in inputs)


def _read_numbers(graph: Graph, beside: list[str], recipe: Recipe) -> None:
    def number(*names: str) -> int | float | None:
        values = (graph.number(value, name) for name, value in _find(graph, beside, names))
        return next((value for value in values if value is not None), None)

    recipe.steps, recipe.seed = number("steps"), number("seed", "noise_seed")
    recipe.cfg_scale = number("cfg", "cfg_scale")
    has_guider = any("BasicGuider" in graph.nodes[key].kind for key in beside)
    if recipe.cfg_scale is None and has_guider:
        recipe.cfg_scale = 1
    denoise = number("denoise")
    recipe.denoising_strength = denoise if denoise is not None and 0 < denoise < 1 else None
    for name, value in (("steps", recipe.steps), ("seed", recipe.seed), ("CFG scale", recipe.cfg_scale)):
        if value is None:
            recipe.not_read.append(name)


def _read_sampler(graph: Graph, beside: list[str], recipe: Recipe) -> None:
    """The names of sampler and schedule, or the nodes that are one."""
    texts = {
        name: graph.text(value)
        for name, value in _find(graph, reversed(beside), ("sampler_name", "scheduler"))
    }
    kinds = [graph.nodes[key].kind for key in beside[1:]]
    recipe.sampler = texts.get("sampler_name") or next(
        (kind.removeprefix("Sampler") for kind in kinds if kind.startswith("Sampler") and len(kind) > 7), None
    )
    recipe.schedule = texts.get("scheduler") or next(
        (_schedule_of_class(kind) for kind in kinds if kind.endswith("Scheduler") and "Basic" not in kind),
        None,
    )
    if recipe.sampler is None:
        recipe.not_read.append("sampler")


def _schedule_of_class(kind: str) -> str:
    name = kind.removesuffix("Scheduler")
    return SCHEDULE_CLASSES.get(name, name)


def _prompt(graph: Graph, beside: list[str], side: str, recipe: Recipe) -> str | None:
    """A prompt, through whatever changes its conditioning on the way."""
    names = (side, "conditioning") if side == "positive" else (side,)
    values = [value for _, value in _find(graph, beside, names)]
    if not values:
        # A guider without a negative prompt works without one.
        return "" if side == "negative" and _find_guider(graph, beside) else None
    text = _conditioning_text(graph, values[0], side, recipe)
    if text is None and isinstance(values[0], str):
        text = values[0]
    return None if text is None else _EMBEDDING.sub(_embedding_name, text).strip()


def _find_guider(graph: Graph, beside: list[str]) -> bool:
    return any("guider" in graph.nodes[key].kind.lower() for key in beside)


def _embedding_name(found: re.Match[str]) -> str:
    return file_stem(found[1])


def _conditioning_text(graph: Graph, value: object, side: str, recipe: Recipe) -> str | None:
    """The texts that a conditioning was made from, joined as A1111 writes what its nodes do."""
    found: list[str] = []
    between = " AND "
    seen: set[str] = set()
    waiting = deque([graph.target(value)])
    stopped: str | None = None
    while waiting:
        key = waiting.popleft()
        if key is None or key in seen:
            continue
        seen.add(key)
        node = graph.nodes[key]
        if "ZeroOut" in node.kind:
            found.append("")
            continue
        _note_guidance(graph, node, side, recipe)
        if "ConditioningConcat" in node.kind:
            between = " BREAK "
        above = _conditioning_above(graph, node, side)
        text = None if above else _encoded_text(graph, node, side)
        if text is not None:
            found.append(text)
        elif above:
            waiting.extendleft(reversed(above))
        else:
            stopped = node.kind
    if not found:
        if stopped:
            recipe.not_read.append(f"what {stopped[:60].replace(',', ' ')} makes")
        return None
    return between.join(dict.fromkeys(found))


def _conditioning_above(graph: Graph, node: Node, side: str) -> list[str]:
    """Where a node takes its conditioning from: its input for this prompt, or all inputs for any."""
    own = graph.target(node.inputs.get(side))
    if own is not None and not _is_text_source(graph, own):
        return [own]
    every = [graph.target(value) for name, value in node.inputs.items() if name in CONDITIONING]
    found = [key for key in every if key is not None]
    pipes = [graph.target(value) for name, value in node.inputs.items() if name in BESIDE]
    return found or ([key for key in pipes if key is not None] if side not in node.inputs else [])


def _is_text_source(graph: Graph, key: str) -> bool:
    """Whether a node gives text rather than conditioning: it has neither an encoder nor conditioning."""
    inputs = graph.nodes[key].inputs
    return not ({"clip", "positive", "negative", *CONDITIONING} & inputs.keys()) and not (
        set(BESIDE) & inputs.keys()
    )


def _encoded_text(graph: Graph, node: Node, side: str) -> str | None:
    """The text that a node encodes."""
    if side in node.inputs:
        return graph.text(node.inputs[side], (side, f"text_{side}"))
    # The text with its wildcards filled in says more than the text that has them.
    names = ("populated_text",) if "populated_text" in node.inputs else ENCODED
    texts = [
        graph.text(node.inputs[name], (side, f"text_{side}", f"{side}_prompt"))
        for name in names
        if name in node.inputs
    ]
    known = [text for text in texts if text is not None]
    return "\n".join(dict.fromkeys(text for text in known if text)) if known else None


def _note_guidance(graph: Graph, node: Node, side: str, recipe: Recipe) -> None:
    if side == "positive" and "guidance" in node.inputs:
        guidance = graph.number(node.inputs["guidance"], "guidance")
        if guidance is not None:
            recipe.others["Distilled CFG Scale"] = guidance


def _read_models(graph: Graph, beside: list[str], recipe: Recipe) -> None:
    """Checkpoint, LoRAs and clip skip: what stands along the model's and the text encoder's links."""
    starts = [graph.target(value) for _, value in _find(graph, beside, ("model", "base_model", "model1"))]
    key = next((start for start in starts if start is not None), None)
    along = list(_walk(graph, key, ("model", "lora_stack", "model1", "base_model"))) if key else []
    for place in [*along, *beside]:
        node = graph.nodes[place]
        recipe.loras += [lora for lora in read_loras(graph, node) if lora not in recipe.loras]
        named = next((node.inputs[name] for name in LOADED if isinstance(node.inputs.get(name), str)), None)
        if recipe.model is None and named and "lora" not in node.kind.lower():
            recipe.model = file_stem(named)[:LONGEST_NAME]
    # LoRAs nearest to the checkpoint come first.
    recipe.loras.reverse()
    layers = [
        graph.number(node.inputs[name], name)
        for node in graph.nodes.values()
        for name in ("stop_at_clip_layer", "clip_skip")
        if name in node.inputs
    ]
    skips = [abs(int(layer)) for layer in layers if layer is not None and abs(layer) > 1]
    recipe.clip_skip = skips[0] if skips else None
    if recipe.model is None:
        recipe.not_read.append("model")


def read_loras(graph: Graph, node: Node) -> list[NamedLora]:
    """The LoRAs that a loader or a stack names, in its several ways, but for those that are switched off."""
    inputs = node.inputs
    found = [
        _lora_of_object(cast(dict[str, Any], each)) for each in inputs.values() if isinstance(each, dict)
    ]
    for name, value in inputs.items():
        if name.startswith("lora_name") and isinstance(value, str) and value != "None":
            ending = name.removeprefix("lora_name")
            if str(inputs.get(f"switch{ending}", "On")) != "Off":
                found.append(NamedLora(file_stem(value), _weight(graph, inputs, ending)))
    return [lora for lora in found if lora is not None][:100]


def _lora_of_object(value: Mapping[str, Any]) -> NamedLora | None:
    """rgthree's way: an object for each LoRA."""
    name, weight = value.get("lora"), as_number(value.get("strength"))
    if not isinstance(name, str) or name == "None" or not value.get("on", True):
        return None
    return NamedLora(file_stem(name), 1 if weight is None else weight)


def _weight(graph: Graph, inputs: Mapping[str, Any], ending: str) -> int | float:
    names = (
        "strength_model",
        "lora_wt",
        "model_str",
        "model_weight",
        "strength",
        "lora_model_strength",
        "weight",
    )
    values = (
        graph.number(inputs[name + end]) for name in names for end in (ending, "") if name + end in inputs
    )
    return next((value for value in values if value is not None), 1)


def _size(graph: Graph, beside: list[str]) -> tuple[int, int] | None:
    """Width and height where the latent began; None where it began with a picture."""
    starts = [graph.target(value) for _, value in _find(graph, beside, PICTURE)]
    for start in starts:
        for key in _walk(graph, start, PICTURE) if start else ():
            inputs = graph.nodes[key].inputs
            for prefix in ("", "empty_latent_"):
                sides = [graph.number(inputs.get(f"{prefix}{side}"), side) for side in ("width", "height")]
                if sides[0] and sides[1]:
                    return int(sides[0]), int(sides[1])
    return None
