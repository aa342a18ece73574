"""A1111's moments of a run in A1111's order; a script that has them all and does nothing changes no byte."""

from typing import Any

import pytest

from tests.pipelines.runs import request_of

BATCH = ["before_process_batch", "after_extra_networks_activate", "process_batch"]
SAMPLING = ["process_before_every_sampling"]
DECODED = ["post_sample", "postprocess_batch", "postprocess_batch_list"]
PICTURE = ["postprocess_image", "postprocess_image_after_composite"]
MASKED = ["postprocess_image", "postprocess_maskoverlay", "postprocess_image_after_composite"]
METHODS = [
    *BATCH,
    *SAMPLING,
    *DECODED,
    *MASKED,
    "setup",
    "before_process",
    "process",
    "before_hr",
    "postprocess",
]


def run_of(*batches: list[str]) -> list[str]:
    return ["setup", "before_process", "process", *(name for each in batches for name in each), "postprocess"]


def batch(pictures: int = 1, passes: list[str] = SAMPLING, picture: list[str] = PICTURE) -> list[str]:
    return [*BATCH, *passes, *DECODED, *picture * pictures]


def recording(world) -> list[str]:
    """A script with every method that changes nothing; the names of those that were called."""
    called: list[str] = []
    base = world.module("scripts").Script

    def noting(name: str) -> Any:
        def method(self, p, *given, **named):
            called.append(name)
            assert given[-2:] == ("a", 2)

        return method

    kind = type("Recording", (base,), {name: noting(name) for name in METHODS} | {"title": lambda self: "R"})
    for tab in ("txt2img", "img2img"):
        world.add(kind(), "a", 2, tab=tab)
    return called


def check(world, expected: list[str], **changes: object) -> None:
    request = request_of(steps=2, seed=7, **changes)
    called = recording(world)
    made, plain = world.run(request), world.plain(request)
    assert called == expected
    assert [each.image.tobytes() for each in made] == [each.image.tobytes() for each in plain]
    assert [each.infotext for each in made] == [each.infotext for each in plain]
    assert [each.request for each in made] == [each.request for each in plain]
    assert not [each for each in world.told if getattr(each, "level", "") == "warning"]
    assert not [each for record in world.host.health.all for each in record.failures]


def test_txt2img(world):
    check(world, run_of(batch()))


def test_two_batches_of_two(world):
    check(world, run_of(batch(2), batch(2)), batch_size=2, batch_count=2)


@pytest.mark.parametrize("upscaler", ["Latent", "Lanczos"])
def test_hires(upscaler, world):
    hires = {"scale": 2, "upscaler": upscaler, "steps": 2}
    passes = [*SAMPLING, "before_hr", *SAMPLING]
    check(world, run_of(batch(1, passes)), hires=hires, denoising_strength=0.6)


def test_img2img(world, noise):
    init = world.context.inputs.add_image(noise)
    check(world, run_of(batch(2)), init_images=(init,), batch_size=2, denoising_strength=0.5)


@pytest.mark.parametrize("only_masked", [False, True])
def test_inpainting(only_masked, world, noise, mask):
    init, drawn = world.context.inputs.add_image(noise), world.context.inputs.add_image(mask)
    inpainting = {"mask": drawn, "only_masked": only_masked, "masked_content": "fill"}
    changes = {"init_images": (init,), "inpainting": inpainting, "denoising_strength": 0.5}
    check(world, run_of(batch(picture=MASKED)), **changes)


def test_ancestral_noise_variation_and_seed_resize_stay(world):
    changes = {
        "variation_strength": 0.3,
        "variation_seed": 5,
        "seed_resize_width": 32,
        "seed_resize_height": 64,
    }
    check(world, run_of(batch(2)), sampler="Euler a", batch_size=2, **changes)
