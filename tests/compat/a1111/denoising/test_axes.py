"""Axes that extensions put into A1111's X/Y/Z plot, in this program's own."""

from types import SimpleNamespace
from typing import Any

import pytest

from extensions.scripts import plugin as scripts_plugin
from extensions.scripts.axes import list_axes
from extensions.scripts.xyz_plot import XyzPart, prepare
from tests.pipelines.runs import request_of
from webui.compat.a1111.denoising.axes import apply_axes
from webui.compat.a1111.denoising.host_scripts import add_host_scripts
from webui.compat.a1111.hooks.page import CommunityPart
from webui.core.errors import InvalidRequest
from webui.plugins import specs
from webui.plugins.host import Plugins


@pytest.fixture
def grid(modules: Any) -> Any:
    """The module as extensions find it."""
    found: list[Any] = []
    add_host_scripts(found, modules.scripts.ScriptClassData)
    add_host_scripts(found, modules.scripts.ScriptClassData)
    (entry,) = [each for each in found if each.script_class.__module__ == "xyz_grid.py"]
    return entry.module


@pytest.fixture
def plots(grid: Any) -> Any:
    """A context of the plot and of the hooks."""
    from webui.compat.a1111.hooks import denoising as hooks

    plugins = Plugins(specs)
    plugins.register(scripts_plugin, "scripts")
    plugins.register(hooks, "a1111 denoising")
    return SimpleNamespace(
        plugins=plugins, styles=lambda: SimpleNamespace(names=[]), tell=lambda text: None, models=None
    )


def test_extensions_find_the_plot_by_any_of_its_names(grid: Any) -> None:
    import importlib

    assert importlib.import_module("scripts.xyz_grid") is grid
    assert grid.__file__.endswith("xyz_grid.py")
    labels = {option.label for option in grid.axis_options}
    assert {"Nothing", "Seed", "Sampler", "Size"} <= labels
    assert grid.csv_string_to_list_strip(grid.list_to_csv_string(["a, b", "c"])) == ["a, b", "c"]


def test_an_axis_that_an_extension_adds_is_listed_checked_carried_and_applied(grid: Any, plots: Any) -> None:
    applied: list[Any] = []

    def apply(p: Any, x: Any, xs: Any) -> None:
        applied.append((x, xs))
        p.mine = x

    def confirm(p: Any, xs: Any) -> None:
        if max(xs) > 5:
            raise RuntimeError("No more than 5.")

    grid.axis_options.extend(
        [
            grid.AxisOption("[Mine] Strength", float, apply, confirm=confirm),
            grid.AxisOption("[Mine] Kind", str, grid.apply_field("kind"), choices=lambda: ["a", "b"]),
            grid.AxisOptionImg2Img("[Mine] Mask", int, apply),
        ]
    )
    axes = {axis.label: axis for axis in list_axes("txt2img", plots)}
    assert axes["[Mine] Kind"].choices(None) == ["a", "b"]
    assert "[Mine] Mask" not in axes
    assert "[Mine] Mask" in {axis.label for axis in list_axes("img2img", plots)}
    part = XyzPart(x_type="[Mine] Strength", x_values="1-2 (+0.5)", y_type="[Mine] Kind", y_choices=("b",))
    plot = prepare(part, request_of(), plots)
    p = SimpleNamespace()
    requests = [plot.request_of(cell) for cell in plot.cells()]
    # A cell is a job like every other: what it carries is checked.
    plots.plugins.parts[CommunityPart.key] = CommunityPart
    for request in requests:
        checked = plots.plugins.check_extras(request.extras)
        assert checked["a1111"]["axes"] == request.extras["a1111"]["axes"]
    for request in requests:
        apply_axes(p, type(request).model_validate_json(request.model_dump_json()))
    assert [x for x, _ in applied] == [1.0, 1.5, 2.0]
    assert applied[0][1] == [1.0, 1.5, 2.0]
    assert (p.mine, p.kind) == (2.0, "b")
    assert plot.x.axis.describe(1.5) == "[Mine] Strength: 1.5"
    with pytest.raises(InvalidRequest, match="No more than 5"):
        prepare(XyzPart(x_type="[Mine] Strength", x_values="4, 9"), request_of(), plots)


def test_an_axis_whose_extension_is_gone_is_refused_with_its_name(grid: Any) -> None:
    request = request_of(extras={"a1111": {"axes": [{"label": "[Gone] x", "value": "1", "values": ["1"]}]}})
    with pytest.raises(InvalidRequest, match="Gone"):
        apply_axes(SimpleNamespace(), request)
    apply_axes(SimpleNamespace(), request_of())


def test_orders_of_words_are_values_of_an_axis(grid: Any, plots: Any) -> None:
    seen: list[Any] = []
    grid.axis_options.append(
        grid.AxisOption("[Mine] Order", grid.str_permutations, lambda p, x, xs: seen.append((x, len(xs))))
    )
    plot = prepare(XyzPart(x_type="[Mine] Order", x_values="a, b"), request_of(), plots)
    for cell in plot.cells():
        apply_axes(SimpleNamespace(), plot.request_of(cell))
    assert seen == [(("a", "b"), 2), (("b", "a"), 2)]


def test_an_axis_may_read_what_is_typed_in_its_own_way(grid: Any, plots: Any) -> None:
    def put(p: Any, x: Any, xs: Any) -> None:
        p.mine = x

    grid.axis_options.append(
        grid.AxisOption("[Lines] one a line", str, put, prepare=lambda text: text.split(";"))
    )
    try:
        part = XyzPart(x_type="[Lines] one a line", x_values="red, big;blue")
        plot = prepare(part, request_of(), plots)
        assert plot.x.values == ("red, big", "blue")
    finally:
        grid.axis_options.pop()


def test_values_that_are_no_texts_are_applied_and_shown_as_the_axis_made_them(grid: Any, plots: Any) -> None:
    def pair(text: str) -> list[Any]:
        name, sep, weights = text.partition(":")
        assert sep, "Write a name before the weights."
        return [(name, weight.strip()) for weight in weights.split(",")]

    def put(p: Any, x: Any, xs: Any) -> None:
        p.name, p.weight = x
        p.count = len(xs)

    option = grid.AxisOption("[Pairs] weight", lambda value: value, put, prepare=pair)
    option.format_value = lambda p, opt, x: ": ".join(x)
    grid.axis_options.append(option)
    try:
        plot = prepare(XyzPart(x_type="[Pairs] weight", x_values="wild: 0.1, 0.9"), request_of(), plots)
        assert [plot.x.axis.describe(value) for value in plot.x.values] == ["wild: 0.1", "wild: 0.9"]
        p = SimpleNamespace()
        last = plot.request_of(list(plot.cells())[-1])
        apply_axes(p, type(last).model_validate_json(last.model_dump_json()))
        assert (p.name, p.weight, p.count) == ("wild", "0.9", 2)
        with pytest.raises(InvalidRequest, match="name before the weights"):
            prepare(XyzPart(x_type="[Pairs] weight", x_values="0.1"), request_of(), plots)
    finally:
        grid.axis_options.pop()
