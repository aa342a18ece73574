"""Outpainting as it is run: sizes, masks, batches, and the same picture again."""

import numpy as np
import pytest
from PIL import Image

from tests.golden_cases import GOLDENS
from tests.pipelines.runs import pictures, request_of
from webui.core.errors import InvalidRequest
from webui.core.infotext import parse_fields
from webui.core.infotext_fields import read_outpainting
from webui.core.request_infotext import read_infotext
from webui.core.request_parts import RESIZE_MODES
from webui.pipelines.generate.generate import generate
from webui.pipelines.img2img.img2img import complete, prepare_sources


@pytest.fixture
def source() -> Image.Image:
    """The golden init picture, 128x128."""
    return Image.open(GOLDENS / "assets" / "init.png").convert("RGB")


@pytest.fixture
def init(context, source):
    """It, as a request names it."""
    return context.inputs.add_image(source)


def made(context, init, **fields):
    """All that comes of a request whose size says nothing of the sides."""
    given = {"init_images": (init,), "width": 128, "height": 128, "steps": 2, "denoising_strength": 0.9}
    return pictures(generate(request_of(**given | fields), context))


@pytest.mark.parametrize("mode", RESIZE_MODES)
def test_the_picture_stands_in_its_sides_and_is_not_squeezed(mode, context, init, source):
    (result,) = made(context, init, outpainting={"left": 64, "up": 24, "blend": 0}, resize_mode=mode)
    assert result.image.size == (192, 152)
    # Beyond the blur of the mask no pixel differs.
    assert result.image.crop((84, 44, 192, 152)).tobytes() == source.crop((20, 20, 128, 128)).tobytes()
    assert "Size: 192x152" in result.infotext


def test_sides_are_rounded_as_the_infotext_says(context, init):
    (result,) = made(context, init, outpainting={"left": 3, "right": 10, "down": 9, "fill": "blur"})
    fields = parse_fields(result.infotext)
    assert result.image.size == (144, 144)
    assert (fields["Outpaint left"], fields["Outpaint right"], fields["Outpaint down"]) == ("3", "13", "16")


def test_a_multiplied_picture_has_its_sides_in_pixels_of_the_result(context, init):
    (result,) = made(context, init, outpainting={"right": 64, "scale": 0.5})
    assert result.image.size == (128, 64)


def test_pictures_of_other_sizes_come_to_the_first_ones(context, init):
    other = context.inputs.add_image(Image.new("RGB", (96, 200), "red"))
    results = made(context, init, init_images=(init, other), batch_size=2, outpainting={"left": 64})
    assert [each.image.size for each in results] == [(192, 128)] * 2


@pytest.mark.parametrize("only_masked", [False, True])
def test_an_inverted_mask_and_the_sides_are_painted_and_the_rest_is_not(only_masked, context, init, source):
    mask = Image.new("L", source.size, 255)
    mask.paste(0, (0, 0, 40, 128))
    (result,) = made(
        context,
        init,
        outpainting={"right": 64, "blend": 0},
        inpainting={
            "mask": context.inputs.add_image(mask),
            "invert": True,
            "only_masked": only_masked,
            "mask_blur_x": 0,
            "mask_blur_y": 0,
        },
    )
    assert result.image.size == (192, 128)
    old, new = np.asarray(source), np.asarray(result.image)[:, :128]
    assert (old[:, 48:] == new[:, 48:]).all()
    assert (old[:, :32] != new[:, :32]).any()


def test_without_sides_the_picture_is_that_of_plain_img2img(context, init):
    (plain,) = made(context, init)
    (ticked,) = made(context, init, outpainting={"fill": "blur"})
    assert ticked.image.tobytes() == plain.image.tobytes()
    assert ticked.infotext == plain.infotext


@pytest.mark.parametrize("fill", ["noise", "mirror"])
def test_the_infotext_and_the_same_source_make_the_same_picture_again(fill, context, init):
    room = {"left": 20, "down": 40, "fill": fill, "fall_off": 1.5, "blend": 8}
    first = made(context, init, outpainting=room, seed=5)[0]
    found = read_infotext(first.infotext) | {"outpainting": read_outpainting(parse_fields(first.infotext))}
    again = made(context, init, **found)[0]
    assert again.image.tobytes() == first.image.tobytes()
    assert again.infotext == first.infotext


def test_every_picture_of_a_batch_begins_with_the_same_noise(context, init, source):
    """So the infotext of the second, which names the next seed, is enough to repeat it."""
    requests = [
        complete(request_of(init_images=(init,), outpainting={"left": 64}, seed=seed), context)
        for seed in (5, 6)
    ]
    first, second = (prepare_sources([source], each, context, None).worked_on[0] for each in requests)
    assert first.tobytes() == second.tobytes()


def test_loops_keep_the_extended_size(context, init):
    loops = made(context, init, outpainting={"left": 64}, loopback={"loops": 2})
    assert [each.image.size for each in loops] == [(192, 128)] * 2


def test_a_result_that_is_too_large_is_refused_before_anything_is_loaded(context):
    long = context.inputs.add_image(Image.new("RGB", (8000, 8)))
    with pytest.raises(InvalidRequest, match="The largest is 8192 a side"):
        list(generate(request_of(init_images=(long,), outpainting={"left": 2048}), context))
