"""A ComfyUI graph: nodes with values and links to other nodes, out of a file that may say anything."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

MOST_NODES = 5_000
# Links followed for one value; longer chains are no honest ones.
LONGEST_CHAIN = 64
LONGEST_TEXT = 100_000
# What the page's own settings beside a seed say; they are no values of the node.
_AFTER_SEED = ("fixed", "randomize", "increment", "decrement")
# Values in the order of the page, for nodes whose file does not name them.
WIDGETS: Mapping[str, tuple[str, ...]] = {
    "KSampler": ("seed", "", "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "KSamplerAdvanced": (
        "add_noise", "noise_seed", "", "steps", "cfg", "sampler_name", "scheduler", "start_at_step",
        "end_at_step",
    ),
    "CLIPTextEncode": ("text",),
    "CLIPSetLastLayer": ("stop_at_clip_layer",),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "UNETLoader": ("unet_name",),
    "LoraLoader": ("lora_name", "strength_model", "strength_clip"),
    "LoraLoaderModelOnly": ("lora_name", "strength_model"),
    "EmptyLatentImage": ("width", "height", "batch_size"),
    "EmptySD3LatentImage": ("width", "height", "batch_size"),
    "RandomNoise": ("noise_seed",),
    "KSamplerSelect": ("sampler_name",),
    "BasicScheduler": ("scheduler", "steps", "denoise"),
    "FluxGuidance": ("guidance",),
    "CFGGuider": ("cfg",),
    "PrimitiveNode": ("value",),
}  # fmt: skip
# What hands a value on under its own name, by what it is asked for.
_NUMBER_KEYS = ("value", "seed", "noise_seed", "int", "float", "number", "int_value", "float_value", "a")
_TEXT_KEYS = (
    "populated_text", "text", "string", "value", "prompt", "wildcard_text", "text_0", "input", "texts",
    "text1", "text_1",
)  # fmt: skip
_CALCULATES = ("math", "expression", "operation", "calc", "eval", "switch", "random")
_JOINS = ("concat", "join", "combine", "append")
_BETWEEN = ("delimiter", "separator", "delim")


@dataclass(frozen=True, slots=True)
class Node:
    """A step of a graph: what it is, and its inputs, each a value or a link."""

    kind: str
    inputs: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Graph(NamedTuple):
    """Nodes by id, in the order of the file."""

    nodes: dict[str, Node]

    def target(self, value: object) -> str | None:
        """The id of the node that an input takes its value from; None if the input is no link."""
        if not isinstance(value, list) or len(cast(list[object], value)) != 2:
            return None
        key = str(cast(list[object], value)[0])[:100]
        return key if key in self.nodes else None

    def links(self, key: str) -> Iterator[tuple[str, str]]:
        """Names of inputs that are links, and the nodes that they come from."""
        for name, value in self.nodes[key].inputs.items():
            if (source := self.target(value)) is not None:
                yield name, source

    def number(self, value: object, name: str = "") -> int | float | None:
        """A number, through nodes that only hand it on; None where it is worked out or is none."""
        seen: set[str] = set()
        while (key := self.target(value)) is not None and key not in seen and len(seen) < LONGEST_CHAIN:
            seen.add(key)
            node = self.nodes[key]
            if any(word in node.kind.lower() for word in _CALCULATES):
                return None
            value = _find_handed_on(node, (name, *_NUMBER_KEYS), self)
        return as_number(value)

    def text(self, value: object, keys: Iterable[str] = ()) -> str | None:
        """A text, through nodes that hand it on or join it from others; None where it is not known."""
        return self._text(value, (*keys, *_TEXT_KEYS), LONGEST_CHAIN, set())

    def _text(self, value: object, keys: tuple[str, ...], depth: int, seen: set[str]) -> str | None:
        if isinstance(value, str):
            return value[:LONGEST_TEXT]
        key = self.target(value)
        # A node is read once, so that joins of joins cannot grow without end.
        if key is None or key in seen or depth == 0:
            return None
        seen.add(key)
        node = self.nodes[key]
        if any(word in node.kind.lower() for word in _JOINS):
            return self._joined(node, keys, depth, seen)
        for name in keys:
            if name in node.inputs:
                found = self._text(node.inputs[name], keys, depth - 1, seen)
                if found is not None:
                    return found
        links = [each for each in node.inputs.values() if self.target(each)]
        return self._text(links[0], keys, depth - 1, seen) if len(links) == 1 else None

    def _joined(self, node: Node, keys: tuple[str, ...], depth: int, seen: set[str]) -> str | None:
        between = next((str(node.inputs[name]) for name in _BETWEEN if name in node.inputs), ", ")
        parts = [
            self._text(value, keys, depth - 1, seen)
            for name, value in node.inputs.items()
            if name not in _BETWEEN and (isinstance(value, str) or self.target(value))
        ]
        texts = [part for part in parts if part]
        return between.join(texts)[:LONGEST_TEXT] if texts else None


def as_number(value: object) -> int | float | None:
    """A value that is a number or a text that is one."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value if math.isfinite(value) else None
    if isinstance(value, str) and len(value) <= 40:
        try:
            number = float(value)
        except ValueError:
            return None
        return int(value) if value.strip().isdecimal() else number if math.isfinite(number) else None
    return None


def _find_handed_on(node: Node, names: Iterable[str], graph: Graph) -> object:
    """The input that a node gives as its result: one of these names, or its only number or link."""
    for name in names:
        if name in node.inputs:
            return node.inputs[name]
    values = [
        value
        for value in node.inputs.values()
        if as_number(value) is not None or graph.target(value) is not None
    ]
    return values[0] if len(values) == 1 else None


def read_api_graph(data: Mapping[str, Any]) -> Graph | None:
    """A graph as it was queued: `prompt` in a picture. None if it is none."""
    nodes: dict[str, Node] = {}
    for key, value in list(data.items())[:MOST_NODES]:
        node = cast(dict[str, Any], value) if isinstance(value, dict) else {}
        inputs = node.get("inputs")
        if isinstance(node.get("class_type"), str) and isinstance(inputs, dict):
            nodes[str(key)] = Node(str(node["class_type"])[:200], cast(dict[str, Any], inputs))
    return Graph(nodes) if nodes else None


def read_workflow(data: Mapping[str, Any]) -> Graph | None:
    """A graph as the page holds it: `workflow` in a picture. None if it is none."""
    listed, links = data.get("nodes"), data.get("links")
    if not isinstance(listed, list):
        return None
    sources = _sources(cast(list[object], links) if isinstance(links, list) else [])
    nodes: dict[str, Node] = {}
    for entry in cast(list[object], listed)[:MOST_NODES]:
        node = cast(dict[str, Any], entry) if isinstance(entry, dict) else {}
        # 2 is muted, 4 bypassed.
        if isinstance(node.get("type"), str) and node.get("mode") not in (2, 4):
            kind = str(node["type"])[:200]
            nodes[str(node.get("id"))] = Node(kind, _widget_values(kind, node) | _linked(node, sources))
    return Graph(nodes) if nodes else None


def _sources(links: list[object]) -> dict[str, list[object]]:
    """By the id of a link, the node and the output that it comes from."""
    found: dict[str, list[object]] = {}
    for link in links[: 10 * MOST_NODES]:
        if isinstance(link, list) and len(cast(list[object], link)) >= 3:
            parts = cast(list[object], link)
            found[str(parts[0])] = [parts[1], parts[2]]
        elif isinstance(link, dict):
            named = cast(dict[str, object], link)
            found[str(named.get("id"))] = [named.get("origin_id"), named.get("origin_slot")]
    return found


def _inputs_of(node: Mapping[str, Any]) -> list[dict[str, Any]]:
    listed = node.get("inputs")
    entries = cast(list[object], listed) if isinstance(listed, list) else []
    return [cast(dict[str, Any], entry) for entry in entries[:1000] if isinstance(entry, dict)]


def _linked(node: Mapping[str, Any], sources: Mapping[str, list[object]]) -> dict[str, Any]:
    """Inputs that come from other nodes."""
    return {
        str(entry.get("name")): sources[str(entry.get("link"))]
        for entry in _inputs_of(node)
        if str(entry.get("link")) in sources
    }


def _widget_values(kind: str, node: Mapping[str, Any]) -> dict[str, Any]:
    """Values by name: as the file names them, as its inputs name them, or as the page orders them."""
    values = node.get("widgets_values")
    if isinstance(values, dict):
        return cast(dict[str, Any], values)
    if not isinstance(values, list):
        return {}
    listed = cast(list[Any], values)
    if kind in WIDGETS:
        return {name: value for name, value in zip(WIDGETS[kind], listed, strict=False) if name}
    plain = [value for value in listed if not (isinstance(value, str) and value in _AFTER_SEED)]
    names = [str(entry.get("name")) for entry in _inputs_of(node) if entry.get("widget")]
    if len(names) == len(plain):
        return dict(zip(names, plain, strict=True))
    texts = [value for value in listed if isinstance(value, str)]
    return {"text": texts[0]} if len(texts) == 1 else {}
