"""What preprocessors do to the result: colours, brightness and what is not masked come back."""

from functools import partial
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from spandrel.architectures.LaMa import LaMa
from spandrel.architectures.LaMa.__arch.LaMa import FFCResNetGenerator
from torch import Tensor
from torch.nn import functional

from extensions.controlnet.hints import to_rgb, to_tensor
from extensions.controlnet.preprocessors import preprocess
from extensions.controlnet.preprocessors.pixels import resize
from extensions.controlnet.waiting import FINISHES
from tests.extensions.controlnet.control_runs import (
    hint_of,
    keep,
    largest_difference,
    make,
    picture,
    with_units,
)
from tests.pipelines.runs import request_of
from webui.core.errors import InvalidRequest
from webui.jobs.services import Services
from webui.plugins import Batch, Context, Denoising, ModelKind

EDGES = {"model": "edges"}
SMOOTH = picture(size=(4, 4)).resize((64, 64), Image.Resampling.BICUBIC)


def means(latent: Tensor, radius: int) -> Tensor:
    """Mean of each square, its border going on, by a plain loop."""
    height, width = latent.shape[-2:]
    rows = [[min(max(row + d, 0), height - 1) for d in range(-radius, radius + 1)] for row in range(height)]
    columns = [
        [min(max(column + d, 0), width - 1) for d in range(-radius, radius + 1)] for column in range(width)
    ]
    found = torch.zeros_like(latent)
    for row, near_rows in enumerate(rows):
        for column, near_columns in enumerate(columns):
            found[..., row, column] = latent[..., near_rows, :][..., near_columns].mean((-1, -2))
    return found


def latents_of_unit(found: list[Tensor]) -> Any:
    """Keeps the latents of a unit's picture."""
    return lambda denoising, batch: found.append(denoising.after_network[-1].latents)


@pytest.mark.parametrize("sampler", ["Euler", "DDIM"])
@pytest.mark.parametrize("module", ["tile_colorfix", "tile_colorfix+sharp"])
def test_the_results_coarse_parts_are_the_pictures(
    control_context: Context, sampler: str, module: str
) -> None:
    unit = EDGES | {"module": module, "image": keep(SMOOTH, control_context), "threshold_a": 3}
    own: list[Tensor] = []
    plain = {"steps": 2, "cfg_scale": 1, "sampler": sampler}
    made = make(with_units(unit, **plain), control_context, latents_of_unit(own))
    without = make(with_units(unit | {"module": "none"}, **plain), control_context)
    # What the last evaluation takes the clean latent for is the result, at a CFG scale of 1.
    assert largest_difference(means(made.latent, 3), means(own[0], 3)) > 0
    wanted, found, other = (means(each, 3) for each in (own[0], made.latent, without.latent))
    fixed = made.latent - found + wanted
    # A second blur of fine parts is small, but not nothing: x - b(x) + b(w) blurred is b(b(w)) + b(x - b(x)).
    assert (found - wanted).abs().mean() < 0.5 * (other - wanted).abs().mean()
    assert fixed.isfinite().all()


def test_the_formula_of_colours(control_context: Context) -> None:
    from extensions.controlnet.finishing import keep_colours

    torch.manual_seed(0)
    clean, wanted = torch.randn(2, 4, 8, 6), torch.randn(1, 4, 8, 6).repeat(2, 1, 1, 1)
    prompts = torch.tensor([True, False]).view(-1, 1, 1, 1)
    fixed = clean - means(clean, 2) + means(wanted, 2)
    assert torch.allclose(keep_colours(clean, wanted, prompts, 2, 0.0), fixed, atol=1e-5)
    sharp = keep_colours(clean, wanted, prompts, 2, 2.0)
    assert torch.allclose(sharp[0], fixed[0], atol=1e-5)
    assert torch.allclose(sharp[1], (0.02 * means(fixed, 2) + 0.98 * fixed)[1], atol=1e-5)


def test_a_weight_of_nothing_changes_nothing(control_context: Context) -> None:
    unit = EDGES | {"module": "tile_colorfix", "image": keep(SMOOTH, control_context), "weight": 0}
    made = make(with_units(unit, steps=1), control_context)
    assert torch.equal(made.latent, make(request_of(steps=1), control_context).latent)


def test_a_second_pass_looks_twice_as_far(control_context: Context) -> None:
    radii: list[int] = []
    unit = EDGES | {"module": "tile_colorfix", "image": keep(SMOOTH, control_context), "threshold_a": 4}
    hires = {"scale": 2, "upscaler": "Latent", "steps": 1}
    make(
        with_units(unit, steps=1, hires=hires),
        control_context,
        lambda denoising, batch: radii.append(denoising.after_network[-1].change.keywords["radius"]),
    )
    assert radii == [4, 8]


@pytest.mark.parametrize(
    ("module", "there", "channel"),
    [("recolor_luminance", cv2.COLOR_RGB2LAB, 0), ("recolor_intensity", cv2.COLOR_RGB2HSV, 2)],
)
def test_brightness_is_the_pictures(control_context: Context, module: str, there: int, channel: int) -> None:
    unit = EDGES | {"image": keep(SMOOTH, control_context), "threshold_a": 0.8}
    made = make(with_units(unit | {"module": module}, steps=1), control_context)
    grey = np.array(preprocess(module, SMOOTH, threshold_a=0.8))
    # Without the step, from the same hints.
    given = {"module": "none", "model": "edges", "image": keep(Image.fromarray(grey), control_context)}
    before = np.array(make(with_units(given, steps=1), control_context).pictures[0].image)
    expected = cv2.cvtColor(before, there)
    expected[..., channel] = grey[..., 0]
    back = {cv2.COLOR_RGB2LAB: cv2.COLOR_LAB2RGB, cv2.COLOR_RGB2HSV: cv2.COLOR_HSV2RGB}[there]
    assert np.array_equal(np.array(made.pictures[0].image), cv2.cvtColor(expected, back))


def test_what_is_not_masked_is_the_pictures(control_context: Context) -> None:
    mask = Image.new("L", (64, 64))
    mask.paste(255, (32, 0, 64, 64))
    unit = EDGES | {"module": "inpaint_only", "mask": keep(mask, control_context)}
    unit |= {"image": keep(SMOOTH, control_context)}
    own: list[Tensor] = []
    made = make(with_units(unit, steps=2, cfg_scale=1), control_context, latents_of_unit(own))
    pixels, original = np.array(made.pictures[0].image), np.array(SMOOTH)
    # The mask grows by 3 pixels, and its border is soft over 3 more.
    assert np.array_equal(pixels[:, :26], original[:, :26])
    assert not np.array_equal(pixels[:, 32:], original[:, 32:])
    assert not np.array_equal(pixels[:, 27:32], original[:, 27:32])
    # Cells of the latent that look at nothing masked.
    new = functional.max_pool2d(hint_of(mask.convert("RGB"))[:, :1], 10, 8, 1)[0, 0] > 0
    assert torch.allclose(made.latent[..., ~new], own[0][..., ~new], atol=1e-4)


def test_each_picture_of_a_batch_gets_its_own(control_context: Context) -> None:
    images = [SMOOTH, SMOOTH.transpose(Image.Transpose.ROTATE_90)]
    unit = EDGES | {"module": "recolor_intensity"}
    references = [keep(image, control_context) for image in images]
    made = make(with_units(unit | {"batch_images": references}, batch_size=2, steps=1), control_context)
    for image, result in zip(images, made.pictures, strict=True):
        assert np.abs(np.array(result.image).max(axis=2).astype(int) - np.array(image).max(axis=2)).max() <= 1


def test_a_run_without_units_gets_nothing_of_a_stopped_one(control_context: Context) -> None:
    plain = make(request_of(steps=1), control_context)
    FINISHES.add(control_context, [0], 0, lambda image: Image.new("RGB", image.size))
    again = make(request_of(steps=1), control_context)
    assert again.pictures[0].image.tobytes() == plain.pictures[0].image.tobytes()


@pytest.fixture
def lama(control_services: Services, monkeypatch: pytest.MonkeyPatch) -> LaMa:
    """The network that fills, narrow, on random weights, in a file as its authors' program writes it."""
    small = partial(FFCResNetGenerator, ngf=8, n_blocks=1)
    monkeypatch.setattr("spandrel.architectures.LaMa.__arch.LaMa.FFCResNetGenerator", small)
    torch.manual_seed(0)
    network = LaMa(in_nc=4, out_nc=3).eval()
    tensors = {f"generator.{name}": value for name, value in network.state_dict().items()}
    path = control_services.catalog.folders.home(ModelKind.CONTROLNET) / "annotators" / "ControlNetLama.pth"
    path.parent.mkdir(exist_ok=True)
    torch.save({"state_dict": tensors | {"discriminator.model0.0.weight": torch.zeros(1)}}, path)
    return network


def test_lama_fills_what_the_mask_covers(control_context: Context, lama: LaMa) -> None:
    mask = Image.new("L", (64, 64))
    mask.paste(255, (32, 0, 64, 64))
    found = np.array(preprocess("inpaint_only+lama", SMOOTH, context=control_context, mask=mask))
    assert np.array_equal(found[:, :32], np.array(SMOOTH)[:, :32])
    given = torch.from_numpy(resize(np.array(SMOOTH), 256)).permute(2, 0, 1)[None].float() / 255
    wide = torch.zeros(1, 1, 256, 256)
    wide[..., 128:] = 1
    with torch.no_grad():
        filled = lama(given, wide)[0].permute(1, 2, 0).mul(255).round().byte().numpy()
    expected = cv2.resize(filled, (64, 64), interpolation=cv2.INTER_AREA)
    assert np.abs(found[:, 32:].astype(int) - expected[:, 32:]).max() <= 1


@pytest.mark.parametrize("has_init", [False, True])
def test_a_pass_begins_with_what_lama_fills(control_context: Context, lama: LaMa, has_init: bool) -> None:
    mask = Image.new("L", (64, 64))
    mask.paste(255, (32, 0, 64, 64))
    reference, unit = keep(SMOOTH, control_context), EDGES | {"weight": 1e-3}
    unit |= {"image": reference, "mask": keep(mask, control_context)}
    changes = (
        {"steps": 2, "init_images": (reference,), "denoising_strength": 0.5} if has_init else {"steps": 2}
    )
    begun: list[Any] = []

    def look(denoising: Denoising, batch: Batch) -> None:
        noise = denoising.noise.draw() if denoising.first_noise is None else denoising.first_noise
        begun.append((noise, denoising.init, denoising.prediction.levels.sigma_max))
        denoising.first_noise = noise

    for module in ("inpaint_only", "inpaint_only+lama"):
        made = make(with_units(unit | {"module": module}, **changes), control_context, look)
        assert made.pictures
    filled = preprocess("inpaint_only+lama", SMOOTH, context=control_context, mask=mask)
    with control_context.models.use("tiny-sd15", "Automatic", "exact") as sd:
        wanted = sd.encode(to_tensor(to_rgb(filled)))
    (noise, init, sigma), (changed_noise, changed_init, _) = begun
    if has_init:
        assert torch.equal(noise, changed_noise)
        assert torch.allclose(changed_init.latent[..., 5:], wanted[..., 5:], atol=1e-5)
        assert torch.equal(changed_init.latent[..., :3], init.latent[..., :3])
    else:
        assert torch.allclose(changed_noise, noise + wanted / sigma, atol=1e-5)


def test_new_sides_are_drawn_without_a_mask(control_context: Context) -> None:
    narrow = SMOOTH.resize((32, 64))
    unit = EDGES | {"module": "inpaint_only", "image": keep(narrow, control_context)}
    hints: list[Tensor] = []

    def look(denoising: Denoising, batch: Batch) -> None:
        hints.append(denoising.before_network[-1].parts[0].hints)

    made = make(with_units(unit | {"resize_mode": "Resize and Fill"}, steps=1), control_context, look)
    assert (hints[0][..., :16] == -1).all() and (hints[0][..., 48:] == -1).all()
    assert (hints[0][..., 16:48] >= 0).all()
    pixels = np.array(made.pictures[0].image)
    assert np.abs(pixels[:, 24:40].astype(int) - np.array(narrow)[:, 8:24]).max() <= 1
    with pytest.raises(InvalidRequest, match="Resize and Fill to draw new sides"):
        make(with_units(unit, steps=1), control_context)
