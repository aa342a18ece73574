"""IP-Adapters: what is added to cross attention, held against diffusers'."""

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor
from transformers import CLIPImageProcessor

from extensions.controlnet.networks.clip_vision import load_clip_vision, prepare
from extensions.controlnet.networks.ip_adapter import grid_of, load_ip_adapter
from tests.extensions.controlnet.control_runs import (
    keep,
    largest_difference,
    make,
    picture,
    replace_network,
    with_units,
)
from tests.extensions.controlnet.picture_networks import (
    SIDE,
    image_encoder,
    make_image_encoder,
    make_ip_adapter,
)
from tests.pipelines.runs import request_of
from webui.core.errors import NotFound
from webui.models.manager import ModelManager
from webui.plugins import Context, UnusableFile

CLOSE = 1e-4


def diffusers_attention(kind: str, checkpoint: str, weight: float, image: Any) -> Any:
    """A copy of the U-Net with diffusers' processors, given the picture's and no picture's features."""
    tensors = make_ip_adapter(kind, checkpoint)
    state = {
        part: {key.removeprefix(f"{part}."): value for key, value in tensors.items() if key.startswith(part)}
        for part in ("image_proj", "ip_adapter")
    }
    copies: list[Any] = []
    encoder = image_encoder()
    pixels = torch.cat([prepare(image, SIDE), torch.zeros(1, 3, SIDE, SIDE)])
    with torch.no_grad():
        output = encoder(pixels, output_hidden_states=True)
    features = (
        output.hidden_states[-2] if kind != "plain" else output.image_embeds * torch.tensor([[1.0], [0.0]])
    )

    def call(network: Any, latent: Tensor, timestep: Tensor, text: Tensor, vector: Tensor | None) -> Tensor:
        if not copies:
            unet = copy.deepcopy(network.unet)
            unet._load_ip_adapter_weights([state], low_cpu_mem_usage=False)
            for processor in unet.attn_processors.values():
                if hasattr(processor, "scale"):
                    processor.scale = [weight]
            copies.append(unet)
        return copies[0](
            latent, timestep, text, class_labels=vector,
            added_cond_kwargs={"image_embeds": [features[:, None]]}, return_dict=False,
        )[0]  # fmt: skip

    return replace_network(call)


@pytest.mark.parametrize(
    ("kind", "model", "checkpoint"),
    [
        ("plain", "ip_plain", "sd15"),
        ("plus", "ip_plus", "sd15"),
        ("full", "ip_full", "sd15"),
        ("plus", "ip_xl", "sdxl"),
    ],
)
def test_latents_are_those_of_diffusers_attention(
    control_context: Context, kind: str, model: str, checkpoint: str
) -> None:
    image, request = picture(size=(50, 40)), request_of(model=f"tiny-{checkpoint}", steps=2)
    unit = {"model": model, "image": keep(image, control_context), "weight": 0.6}
    made = make(with_units(unit, model=f"tiny-{checkpoint}", steps=2), control_context)
    wanted = make(request, control_context, diffusers_attention(kind, checkpoint, 0.6, image))
    plain = make(request, control_context)
    assert largest_difference(made.latent, wanted.latent) < CLOSE
    assert largest_difference(made.latent, plain.latent) > 10 * CLOSE


def test_two_adapters_with_masks_for_all_and_none_are_one(control_context: Context) -> None:
    image = keep(picture(), control_context)
    white, black = (keep(Image.new("L", (64, 64), level), control_context) for level in (255, 0))
    unit = {"model": "ip_plain", "image": image}
    alone = make(with_units(unit, steps=1), control_context)
    both = make(
        with_units(
            unit | {"effective_region_mask": white},
            {"model": "ip_plus", "image": image, "effective_region_mask": black},
            steps=1,
        ),
        control_context,
    )
    assert largest_difference(alone.latent, both.latent) < CLOSE


def test_rows_that_run_apart_get_their_own_picture(control_context: Context) -> None:
    """A long prompt and a short negative one go through the U-Net in two calls."""
    unit = {"model": "ip_plain", "image": keep(picture(), control_context)}
    long = "cat " * 100
    apart = make(with_units(unit, prompt=long, steps=1), control_context)

    def one_by_one(denoising: Any, batch: Any) -> None:
        denoising.guidance = replace(denoising.guidance, batch_cond_uncond=False)

    single = make(with_units(unit, prompt=long, steps=1), control_context, one_by_one)
    assert largest_difference(apart.latent, single.latent) < CLOSE


def test_both_layouts_of_the_image_encoder_are_the_same_network() -> None:
    pixels = prepare(picture(), SIDE)
    with torch.no_grad():
        wanted = image_encoder()(pixels, output_hidden_states=True)
        for layout in ("transformers", "openclip"):
            read = load_clip_vision(make_image_encoder(layout), name=layout).read_pixels(pixels)
            assert largest_difference(read.embeds, wanted.image_embeds) < CLOSE, layout
            assert largest_difference(read.hidden, wanted.hidden_states[-2]) < CLOSE, layout


def test_pictures_are_prepared_as_transformers_does() -> None:
    processor = CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    for size in ((64, 64), (50, 40), (33, 100)):
        image = picture(size=size)
        wanted = processor(image, return_tensors="pt")["pixel_values"]
        # Where the crop falls between pixels, libraries differ by one.
        assert float((prepare(image, SIDE) - wanted).abs().mean()) < 0.05, size


def test_a_missing_image_encoder_is_named(control_context: Context, tmp_path: Any) -> None:
    catalog = control_context.models.catalog
    files = [file for file in catalog.all_files() if "vision" in file.name]
    assert [file.reason for file in files] == [None]
    moved = tmp_path / "vision.safetensors"
    files[0].path.rename(moved)
    catalog.forget(files[0].path)
    control_context.models.holder.clear()
    try:
        unit = {"model": "ip_plain", "image": keep(picture(), control_context)}
        with pytest.raises(
            NotFound, match=r"embedding is 48 wide .*Put it into models/ControlNetPreprocessor"
        ):
            make(with_units(unit, steps=1), control_context)
    finally:
        moved.rename(files[0].path)
        catalog.add(files[0].path)


def test_face_ids_are_refused_with_what_to_use() -> None:
    tensors = make_ip_adapter("plain", "sd15") | {"ip_adapter.0.to_q_lora.down.weight": torch.zeros(4, 32)}
    with pytest.raises(UnusableFile, match="FaceID"):
        load_ip_adapter(tensors, name="face", family="SD1")
    with pytest.raises(UnusableFile, match="incomplete"):
        load_ip_adapter({}, name="empty", family="SD1")


def test_tokens_are_a_picture_at_any_size() -> None:
    assert grid_of(64, (8, 8)) == (8, 8)
    assert grid_of(15, (9, 5)) == (5, 3)
    assert grid_of(7, (8, 8)) == (1, 7)


def test_the_manager_counts_its_bytes(control_models: ModelManager) -> None:
    adapter = load_ip_adapter(make_ip_adapter("plus", "sd15"), name="x", family="SD1")
    wanted = sum(value.numel() * 4 for value in make_ip_adapter("plus", "sd15").values())
    assert adapter.size_bytes == wanted
