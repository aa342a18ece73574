"""Kept latents become the same pictures again, and what was cut off is finished."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.pipelines.runs import pictures, request_of
from webui.core.errors import NotFound, OutOfMemory
from webui.core.events import ImageReady
from webui.core.request import GenerationRequest
from webui.core.work.kinds import DecodeRequest
from webui.models.vae.vae import Vae
from webui.pipelines.decode_again import decode_again
from webui.pipelines.generate.generate import generate
from webui.store.pictures.latents import Latents


@pytest.fixture
def context(context, tmp_path):
    """With a folder of its own for latents."""
    return replace(context, latents=Latents(tmp_path / "latents"))


def again(made: ImageReady, request: GenerationRequest, **changes) -> DecodeRequest:
    return DecodeRequest(latent=made.latent, generation=request, indexes=(made.index,), **changes)


def same(one: ImageReady, other: ImageReady) -> bool:
    return np.array_equal(np.asarray(one.image), np.asarray(other.image))


@pytest.mark.parametrize("changes", [{}, {"hires": {"scale": 2}}, {"tiling": True}], ids=repr)
def test_the_same_vae_gives_the_same_picture_with_the_same_infotext(context, changes):
    request = request_of(batch_size=2, batch_count=2, **changes)
    made = pictures(generate(request, context))
    for picture in made:
        (decoded,) = pictures(decode_again(again(picture, request), context))
        assert same(decoded, picture)
        assert (decoded.infotext, decoded.seed) == (picture.infotext, picture.seed)
        assert (decoded.index, decoded.latent) == (picture.index, picture.latent)


def test_without_indexes_the_whole_batch_is_decoded(context):
    request = request_of(batch_size=2, batch_count=2)
    made = pictures(generate(request, context))
    decoded = pictures(decode_again(DecodeRequest(latent=made[2].latent, generation=request), context))
    assert [picture.index for picture in decoded] == [2, 3]


def test_img2img_gets_its_original_back_around_what_was_masked(context):
    original = Image.effect_noise((64, 64), 60).convert("RGB")
    mask = Image.new("L", (64, 64))
    ImageDraw.Draw(mask).rectangle((16, 16, 40, 40), fill=255)
    inputs = context.inputs
    request = request_of(
        init_images=[inputs.add_image(original)], inpainting={"mask": inputs.add_image(mask)}, seed=5
    )
    (made,) = pictures(generate(request, context))
    (decoded,) = pictures(decode_again(again(made, request), context))
    assert same(decoded, made)
    assert decoded.image.getpixel((2, 2)) == original.getpixel((2, 2))


def test_a_latent_that_is_gone_is_told(context):
    request = request_of()
    with pytest.raises(NotFound, match="no longer kept"):
        list(decode_again(DecodeRequest(latent="1", generation=request), context))


def test_nothing_is_unfinished_after_a_run(context):
    list(generate(request_of(batch_size=2), context))
    assert context.latents.unfinished() == ()


def test_what_could_not_be_decoded_is_kept_and_can_be_decoded_later(context, monkeypatch):
    request, decode, calls = request_of(batch_size=2, seed=3), Vae.decode, []

    def fails_once(self, latent, *others):
        calls.append(latent)
        if len(calls) == 2:
            raise OutOfMemory("Too little.")
        return decode(self, latent, *others)

    whole = pictures(generate(request, context))
    monkeypatch.setattr(Vae, "decode", fails_once)
    with pytest.raises(OutOfMemory):
        list(generate(request, context))
    (left,) = context.latents.unfinished()
    assert left.left == 1
    (decoded,) = pictures(
        decode_again(DecodeRequest(latent=left.id, generation=request, indexes=(1,)), context)
    )
    assert same(decoded, whole[1])
    assert context.latents.unfinished() == ()


def test_an_interrupted_run_keeps_what_it_shows(context):
    request = request_of(steps=5, seed=9)
    events = generate(request, context)
    for event in events:
        if type(event).__name__ == "Progress":
            context.stop.stop()
            break
    (made,) = pictures(events)
    (decoded,) = pictures(decode_again(again(made, request), context))
    assert same(decoded, made)
