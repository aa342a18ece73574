"""Inpainting and outpainting as an artist uses them, on the Starter, looked at by their pixels.

SCREENSHOTS=docs/screenshots writes the pictures that docs/img2img.md shows.
"""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from tests.pipelines.runs import pictures
from webui.core.flags import read_flags
from webui.core.request import make_request
from webui.core.stop import Stop
from webui.main import build_services
from webui.models.images.upscalers import Upscalers
from webui.models.manager import ModelManager
from webui.pipelines.generate.generate import generate
from webui.plugins.context import Context

ROOT = Path(__file__).resolve().parents[2]
SHOWN = os.environ.get("SCREENSHOTS")
SCENE = "a big {colour} balloon in the middle of a meadow by day under a clear sky, flat illustration"
SIDE = 256


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


def shares(image: Image.Image, where: NDArray[np.bool_]) -> tuple[float, float]:
    """How many of the pixels there are red, and how many blue as no sky is."""
    red, green, blue = np.moveaxis(np.asarray(image).astype(int), -1, 0)
    reds = (red - blue > 60) & (red - green > 60)
    blues = (blue - red > 60) & (blue < 230) & (red < 110)
    return float(reds[where].mean()), float(blues[where].mean())


def test_a_masked_thing_becomes_what_another_word_says_and_the_rest_stays(context, balloon):
    pixels = np.asarray(balloon).astype(int)
    thing = (pixels[..., 0] - pixels[..., 2] > 60) & (pixels[..., 0] - pixels[..., 1] > 60)
    # Room for the basket, too.
    masked = cv2.dilate(thing.astype(np.uint8), np.ones((25, 25), np.uint8)).astype(bool)
    mask = Image.fromarray(masked.astype(np.uint8) * 255)
    blue = made(
        context,
        prompt=SCENE.format(colour="blue"),
        init_images=(context.inputs.add_image(balloon),),
        denoising_strength=0.9,
        inpainting={"mask": context.inputs.add_image(mask), "masked_content": "fill"},
    )
    keep("inpainting", balloon, mask.convert("RGB"), blue)
    assert thing.mean() > 0.05
    reds, blues = shares(blue, thing)
    assert reds < 0.1
    assert blues > 0.4 > shares(balloon, thing)[1]
    # The blur of the mask reaches three times its 4 pixels, and a little is rounded.
    far = cv2.dilate(masked.astype(np.uint8), np.ones((41, 41), np.uint8)) == 0
    assert far.mean() > 0.3
    assert (np.asarray(blue)[far] == np.asarray(balloon)[far]).all()


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
    for room, edge in ((new[:, :32], old[:, :16]), (new[:, -32:], old[:, -16:])):
        for rows in (slice(0, 64), slice(SIDE - 48, SIDE)):
            assert np.abs(room[rows].mean((0, 1)) - edge[rows].mean((0, 1))).max() < 40
    # It is a drawing, not the stretched edge.
    assert new[:, :32].std(1).mean() > 1
