"""Tabs of extensions that a browser draws after the rest of the page.

Gradio's scripts look through all components once for each of them, and draw all before any is shown. What
stands in an extension's tab is therefore left out of what a browser builds the page from. A browser asks for
it later by an event whose answer carries a part of the page, as those of `gr.render` do.
"""

# Gradio's own values are not typed.
# ruff: noqa: ANN401

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, cast
from weakref import WeakKeyDictionary

import gradio as gr
from gradio.blocks import Block, BlockContext, Blocks, BlocksConfig
from gradio.context import Context, get_blocks_context
from gradio.events import EventListenerMethod

Config = dict[str, Any]
# Fewer components are drawn with the page: a part costs a call of the server's.
FEWEST = 60
# Numbers of parts; Gradio counts what it renders again from 0.
NUMBERS = count(2_000_000_000)
BUTTON_CLASS = "late-part"
# What the description of the page tells its scripts of these parts.
KEY = "late_parts"


@dataclass(eq=False, slots=True, kw_only=True, weakref_slot=True)
class LatePart:
    """What stands in one tab. Gradio takes it for a part of the page that is rendered again."""

    container: BlockContext
    owner: str
    at_once: frozenset[int]
    button: gr.Button
    fn: Callable[[], None]
    events: frozenset[int] = frozenset()
    _id: int = field(default_factory=lambda: next(NUMBERS))


_parts: WeakKeyDictionary[Blocks, list[LatePart]] = WeakKeyDictionary()


def add_late_part(owner: str, elem_id: str, render: Callable[[], object]) -> None:
    """Render an extension's tab where the page is being built, so that it may be drawn later.

    `owner` is the name of the extension's folder, `elem_id` that of the tab.
    """
    container, page = Context.block, Context.root_block
    config = get_blocks_context()
    if not isinstance(container, BlockContext) or page is None or config is None:
        render()
        return
    button = gr.Button(elem_id=f"{elem_id}_late", elem_classes=[BUTTON_CLASS], visible="hidden")
    at_once = frozenset(child._id for child in container.children)
    render()
    part = LatePart(container=container, owner=owner, at_once=at_once, button=button, fn=draw)
    config.set_event_trigger(
        [EventListenerMethod(button, "click")],
        draw,
        None,
        None,
        queue=False,
        show_progress="hidden",
        api_visibility="private",
        renderable=cast(Any, part),
    )
    _parts.setdefault(page, []).append(part)


def draw() -> None:
    """What the event of a part does: nothing but have an answer, which carries the part."""


def parts_of(page: Blocks) -> list[LatePart]:
    """The parts of a page."""
    return _parts.get(page, [])


# ---- What is left out of the page. ----


def hold_back(config: Config, blocks_config: BlocksConfig) -> None:
    """Leave the parts of a page out of its description, and list them in it.

    A part stays in the page if it is small, if events reach into it from the page or from another part, or
    if it would tell of changes that nobody made.
    """
    nodes = dict(index_nodes(config["layout"]))
    inside = {
        part: ids
        for part in parts_of(blocks_config.root_block)
        if part.container._id in nodes
        and len(ids := set(late_ids(part, nodes[part.container._id]))) >= FEWEST
    }
    for part in [part for part, ids in inside.items() if tells_wrongly(ids, blocks_config)]:
        del inside[part]
    homes = settle(blocks_config.fns, inside)
    config[KEY] = []
    if not inside:
        return
    described = {component["id"]: component for component in config["components"]}
    settle_interactive(described.values(), blocks_config.fns.values())
    config[KEY] = [describe(part, nodes[part.container._id], described) for part in inside]
    for part in inside:
        part.events = frozenset(number for number, home in homes.items() if home is part)
        node = nodes[part.container._id]
        node["children"] = [child for child in node["children"] if child["id"] in part.at_once]
    late = set[int]().union(*inside.values())
    events = set[int]().union(*(part.events for part in inside))
    for described_page in (config, *config["page"].values()):
        described_page["components"] = [
            each for each in described_page["components"] if number_of(each) not in late
        ]
        described_page["dependencies"] = [
            each for each in described_page["dependencies"] if number_of(each) not in events
        ]


def tells_wrongly(ids: set[int], blocks_config: BlocksConfig) -> bool:
    """Whether a component of these says that it changed when it is drawn later, and an event hears of it."""
    return any(
        event == "change" and number in ids and is_told_when_drawn(blocks_config.blocks[number])
        for function in blocks_config.fns.values()
        for number, event in function.targets
        if number is not None
    )


def is_told_when_drawn(block: Block) -> bool:
    """Whether Gradio tells of a change when a component of this kind is drawn in a part of the page."""
    is_list = isinstance(block, gr.Dropdown) and bool(block.multiselect)
    return is_list or isinstance(block, gr.CheckboxGroup | gr.JSON | gr.Label | gr.HighlightedText)


def number_of(described: Any) -> int:
    """The number of a component or event, which pages have by itself."""
    return described["id"] if isinstance(described, dict) else described


def index_nodes(node: Config) -> Iterator[tuple[int, Config]]:
    """The nodes of a layout by their numbers."""
    yield node["id"], node
    for child in node.get("children") or ():
        yield from index_nodes(child)


def late_ids(part: LatePart, node: Config) -> Iterator[int]:
    """The numbers of a part's components."""
    for child in node.get("children") or ():
        if child["id"] not in part.at_once:
            yield from (number for number, _ in index_nodes(child))


def settle(functions: Mapping[int, Any], inside: dict[LatePart, set[int]]) -> dict[int, LatePart | None]:
    """The part that each event is in, or None for the page.

    Parts that cannot be parted from the page are taken out of `inside`.
    """
    while True:
        owners = {number: part for part, numbers in inside.items() for number in numbers}
        homes = dict[int, LatePart | None]()
        tied = set[LatePart]()
        for number, function in functions.items():
            touched = {owners.get(block._id) for block in (*function.inputs, *function.outputs)} - {None}
            begins = find_beginnings(function, owners, homes, touched)
            home = next(iter(begins)) if len(begins) == 1 else None
            homes[number] = home
            tied |= {part for part in (touched | (begins if len(begins) > 1 else set())) if part} - {home}
        if not tied:
            return homes
        for part in tied:
            del inside[part]


def find_beginnings(
    function: Any,
    owners: Mapping[int, LatePart],
    homes: Mapping[int, LatePart | None],
    touched: set[Any],
) -> set[LatePart | None]:
    """Where an event begins: after another event, at components, or when the page is loaded."""
    if function.trigger_after is not None:
        return {homes.get(function.trigger_after)}
    targets = [(number, event) for number, event in function.targets if number is not None]
    if targets and all(event == "load" for _, event in targets):
        # What is drawn later is loaded then.
        return touched or {None}
    return {owners.get(number) for number, _ in targets} or {None}


def settle_interactive(components: Iterable[Config], functions: Iterable[Any]) -> None:
    """Write into each component whether it can be changed, where a browser finds out from all events."""
    listed = list(functions)
    read = {block._id for function in listed for block in function.inputs}
    written = {block._id for function in listed for block in function.outputs}
    for component in components:
        props, number = component["props"], component["id"]
        if not isinstance(props.get("interactive"), bool):
            is_free = number not in written and not props.get("value")
            props["interactive"] = number in read or is_free


def describe(part: LatePart, node: Config, described: Mapping[int, Config]) -> Config:
    """What the page's scripts are told of a part: its tab and button, whose it is, what will be there."""
    late = [child for child in node["children"] if child["id"] not in part.at_once]
    return {
        "tab": described[node["id"]]["props"].get("elem_id"),
        "button": part.button.elem_id,
        "owner": part.owner,
        "ids": [elem_id for child in late for elem_id in drawn_ids(child, described)],
    }


def drawn_ids(node: Config, described: Mapping[int, Config]) -> Iterator[str]:
    """The ids of elements that are drawn without an artist's doing."""
    component = described[node["id"]]
    props = component["props"]
    if component["type"] == "accordion" and props.get("open") is False:
        return
    if component["type"] != "state" and props.get("elem_id") and props.get("visible") is not False:
        yield props["elem_id"]
    for child in node.get("children") or ():
        yield from drawn_ids(child, described)


# ---- A part by itself. ----


def describe_alone(part: LatePart, blocks_config: BlocksConfig) -> Config:
    """A part as the page would have it: its layout, components and events, before it is translated."""
    layout = layout_of(part.container)
    numbers = {number for number, _ in index_nodes(layout)}
    components = [
        blocks_config.config_for_block(number, [], block)
        for number, block in list(blocks_config.blocks.items())
        if number in numbers
    ]
    page = {"components": sorted(numbers), "dependencies": sorted(part.events)}
    return {
        "page": {part.container.page: page},
        "layout": layout,
        "components": components,
        "dependencies": [
            function.get_config() for number, function in blocks_config.fns.items() if number in part.events
        ],
    }


def layout_of(block: Block) -> Config:
    """The layout of a block and all within it."""
    if not isinstance(block, BlockContext):
        return {"id": block._id}
    return {"id": block._id, "children": [layout_of(child) for child in block.children]}


def finish_alone(config: Config, blocks_config: BlocksConfig) -> None:
    """Tell components of a part what a browser finds out only while it builds the whole page."""
    settle_interactive(config["components"], blocks_config.fns.values())
    heard = dict[int, list[str]]()
    for function in blocks_config.fns.values():
        for number, event in dict(reversed(function.targets)).items():
            if number is not None:
                heard.setdefault(number, []).append(event)
    for component in config["components"]:
        component["props"]["attached_events"] = heard.get(component["id"], [])
