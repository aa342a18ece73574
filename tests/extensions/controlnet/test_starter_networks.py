"""The shipped networks do to the Starter's pictures what they are for: a few pictures, generous bounds.

`extensions/controlnet/starter/check.py` measures it on fifty; its README has the figures.
"""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file

from extensions.controlnet.networks.base import ControlCall
from extensions.controlnet.starter.check import (
    CELL,
    NETWORKS,
    draw_all,
    enlarge,
    find_outlines,
    mean_colours,
    measure_colours,
    say_what,
    score_all,
    score_edges,
)
from extensions.controlnet.starter.painting import load_canny, weigh
from extensions.controlnet.starter.strengthen import strengthen
from extensions.controlnet.starter.training import export
from extensions.controlnet.units import CONTROL_MODES, ControlNetPart
from models.starter.check import held_out_scenes
from tests.conftest import ROOT
from tests.extensions.controlnet.control_runs import keep, make
from webui.core.flags import read_flags
from webui.core.model_file import Family, ModelKind
from webui.core.request import make_request
from webui.core.settings import Settings
from webui.core.stop import Stop
from webui.library.recognise.identify import identify_file
from webui.main import build_services
from webui.models.images.upscalers import Upscalers
from webui.models.manager import ModelManager
from webui.plugins import Context

SCENES = held_out_scenes(3)
STEPS = 10
LIMIT_BYTES = 14_000_000
FILES = {"starter_canny": ModelKind.CONTROLNET, "starter_color": ModelKind.T2I_ADAPTER}
Paint = Callable[[str, NDArray[np.uint8] | None], NDArray[np.uint8]]


@pytest.fixture(scope="module")
def paint(tmp_path_factory: pytest.TempPathFactory) -> Paint:
    """The application's own pictures of the scenes, each with a unit that has its hint."""
    home = tmp_path_factory.mktemp("starter")
    services = build_services(read_flags(["--data-dir", str(home), "--use-cpu", "all"])[0], ROOT)
    models = ModelManager(services.catalog, torch.device("cpu"), 2**31)
    upscalers = Upscalers(models.catalog, models.device, exact=False)
    inputs, latents = services.inputs, services.latents
    context = Context(models, upscalers, inputs, latents, Settings(), Stop(), "Atelier test")

    def paint(network: str, hints: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
        found = []
        for number, scene in enumerate(SCENES):
            request = make_request(
                model="starter", prompt=say_what(scene), seed=number, steps=STEPS, cfg_scale=4.0,
                width=256, height=256,
            )  # fmt: skip
            if hints is not None:
                image = keep(Image.fromarray(hints[number]).convert("RGB"), context)
                unit = {"model": network, "module": "none", "image": image}
                request = ControlNetPart.read({"units": [unit]}).put_into(request)
            (ready,) = make(request, context).pictures
            found.append(np.asarray(ready.image))
        return np.stack(found)

    return paint


@pytest.fixture(scope="module")
def plain(paint: Paint) -> NDArray[np.uint8]:
    """The scenes without any unit."""
    return paint("", None)


def test_the_shipped_files_are_small_and_recognised_for_the_starters_family() -> None:
    paths = {name: NETWORKS / f"{name}.safetensors" for name in FILES}
    assert sum(path.stat().st_size for path in paths.values()) < LIMIT_BYTES
    for name, kind in FILES.items():
        found = identify_file(paths[name])
        assert (found.kind, found.family, found.reason) == (kind, Family.SD1, None)


def test_edges_are_scored_by_what_is_found_and_what_is_missed() -> None:
    drawn = np.zeros((32, 32), np.uint8)
    drawn[8, 4:28] = 255
    beside, far, half = np.roll(drawn, 1, 0), np.roll(drawn, 3, 0), drawn.copy()
    half[:, 16:] = 0
    assert score_edges(drawn, drawn) == 1
    assert score_edges(beside, drawn) == 1
    assert score_edges(far, drawn) == 0
    assert 0.6 < score_edges(half, drawn) < 0.75
    assert score_edges(np.zeros_like(drawn), drawn) == 0


def test_a_strengthened_network_adds_so_many_times_as_much(tmp_path) -> None:
    path = NETWORKS / "starter_canny.safetensors"
    export(strengthen(load_file(path), 0.5), tmp_path / "half.safetensors", {})
    call = ControlCall(
        torch.randn(2, 4, 16, 16), torch.tensor([500, 500]), torch.randn(2, 77, 128), None,
        torch.rand(2, 3, 128, 128),
    )  # fmt: skip
    with torch.no_grad():
        whole = load_canny(path).evaluate(call)
        half = load_canny(tmp_path / "half.safetensors").evaluate(call)
    for one, other in zip(half.layers, whole.scaled(0.5).layers, strict=True):
        torch.testing.assert_close(one, other, rtol=2e-3, atol=2e-3)
    # The check's modes are the units': only where ControlNet is more important are negative rows left alone.
    followed = [bool(weigh(whole, mode).layers[0][1].any()) for mode in CONTROL_MODES]
    assert followed == [True, True, False]


@pytest.mark.slow
def test_pictures_follow_the_edges_that_they_are_given(paint: Paint, plain: NDArray[np.uint8]) -> None:
    drawings = draw_all(SCENES)
    edges = np.stack([find_outlines(drawing) for drawing in drawings])
    assert score_all(paint("starter_canny", edges), edges) > 1.5 * score_all(plain, edges)


@pytest.mark.slow
def test_cells_come_near_to_the_colours_that_they_are_given(paint: Paint, plain: NDArray[np.uint8]) -> None:
    # Those of another drawing, which the prompt says nothing of.
    grids = np.roll(np.stack([mean_colours(drawing, CELL) for drawing in draw_all(SCENES)]), 1, 0)
    guided = paint("starter_color", enlarge(grids))
    assert measure_colours(guided, grids) < 0.7 * measure_colours(plain, grids)
