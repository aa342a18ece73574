"""Inpainting and outpainting as an artist uses them, on the Starter, looked at by their pixels.

SCREENSHOTS=docs/screenshots writes the pictures that docs/img2img.md shows.
"""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from tests.pipelines.runs import pictures
from webui.core.flags import read_flags
from webui.core.request import make_request
from webui.core.stop import Stop
from webui.main import build_services
from webui.models.manager import ModelManager
from webui.models.upscalers import Upscalers
from webui.pipelines.context import Context
from webui.pipelines.generate import generate

ROOT = Path(__file__).resolve().parents[2]
SHOWN = os.environ.get("SCREENSHOTS")
SCENE = "a big {colour} balloon in the middle of a meadow by day under a clear sky, flat illustration"
SIDE = 256
# Where balloons in the middle are, with room for the whole of one.
BALLOON = (64, 8, 192, 200)


@pytest.fixture(scope="module")
def context(tmp_path_factory) -> Context:
    home = tmp_path_factory.mktemp("starter")
    words = ["--data-dir", str(home), "--models-dir", str(home / "models"), "--use-cpu", "all"]
    services = build_services(read_flags(words)[0], ROOT)
    models = ModelManager(services.catalog, torch.device("cpu"), 2**31)
    upscalers = Upscalers(models.catalog, models.device, exact=False)
    settings = services.settings.current
    return Context(models, upscalers, services.inputs, services.latents, settings, Stop(), "Atelier test")


@pytest.fixture(scope="module")
def balloon(context) -> Image.Image:
    return made(context, prompt=SCENE.format(colour="red"))


def made(context: Context, **fields: object) -> Image.Image:
    common: dict[str, object] = {
        "model": "starter",
        "sampler": "DPM++ 2M",
        "schedule": "Karras",
        "steps": 20,
        "cfg_scale": 4.0,
        "seed": 3,
        "width": SIDE,
        "height": SIDE,
    }
    return pictures(generate(make_request(**common | fields), context))[-1].image


def keep(name: str, *images: Image.Image) -> None:
    """Side by side, for the docs."""
    if SHOWN is None:
        return
    sheet = Image.new("RGB", (sum(image.width + 8 for image in images) - 8, images[0].height), "white")
    left = 0
    for image in images:
        sheet.paste(image, (left, 0))
        left += image.width + 8
    sheet.save(ROOT / SHOWN / f"{name}.png")


def redness(image: Image.Image) -> float:
    """How many pixels of where the balloon is are much more red than blue, less those of the other kind."""
    red, _, blue = np.moveaxis(np.asarray(image.crop(BALLOON)).astype(int), -1, 0)
    return float((red - blue > 60).mean() - (blue - red > 60).mean())


def test_a_masked_thing_becomes_what_another_word_says_and_the_rest_stays(context, balloon):
    mask = Image.new("L", balloon.size)
    ImageDraw.Draw(mask).ellipse(BALLOON, fill=255)
    blue = made(
        context,
        prompt=SCENE.format(colour="blue"),
        init_images=(context.inputs.add_image(balloon),),
        denoising_strength=0.9,
        inpainting={"mask": context.inputs.add_image(mask), "masked_content": "fill"},
    )
    keep("inpainting", balloon, mask.convert("RGB"), blue)
    assert redness(balloon) > 0.15
    assert redness(blue) < redness(balloon) - 0.3
    # The blur of the mask reaches three times its 4 pixels.
    before, after = np.asarray(balloon).astype(int), np.asarray(blue).astype(int)
    outside = np.ones((SIDE, SIDE), bool)
    outside[: BALLOON[3] + 16, BALLOON[0] - 16 : BALLOON[2] + 16] = False
    assert (before[outside] == after[outside]).all()


def test_outpainting_goes_on_with_the_scene(context, balloon):
    wide = made(
        context,
        prompt="a meadow by day under a clear sky, flat illustration",
        init_images=(context.inputs.add_image(balloon),),
        denoising_strength=0.9,
        outpainting={"left": 64, "right": 64, "fill": "stretch"},
        width=SIDE + 128,
    )
    keep("outpainting", balloon, wide)
    assert wide.size == (SIDE + 128, SIDE)
    old, new = np.asarray(balloon).astype(float), np.asarray(wide).astype(float)
    assert (new[:, 112 : SIDE + 16] == old[:, 48 : SIDE - 48]).all()
    # Sky goes on as sky and grass as grass: rows of the new room have about the colour of the old edge.
    for room, edge in ((new[:, :32], old[:, 48:64]), (new[:, -32:], old[:, -64:-48])):
        for rows in (slice(0, 64), slice(SIDE - 48, SIDE)):
            assert np.abs(room[rows].mean((0, 1)) - edge[rows].mean((0, 1))).max() < 40
    # It is a drawing, not the stretched edge.
    assert new[:, :32].std(1).mean() > 1
