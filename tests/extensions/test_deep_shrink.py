"""Deep shrink against a network in which the way down is written out."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from extensions.deep_shrink.part import DeepShrink
from extensions.deep_shrink.shrinking import Shrinking, way_down
from tests.extensions.running import request_with, sample, with_extensions, without_hooks_left
from webui.core.errors import InvalidRequest
from webui.core.events import Progress
from webui.core.infotext import parse_fields
from webui.pipelines.generate.generate import generate

SIZE = {"width": 128, "height": 192}


def network_of(context: Any, model: str) -> Any:
    own, watcher = with_extensions(context)
    events = generate(request_with(model=model), own)
    next(event for event in events if isinstance(event, Progress))
    events.close()
    return watcher.denoisings[0].network


class On:
    """An evaluation in which it acts."""

    share_done = 0.0


@torch.no_grad()
def write_out(  # noqa: C901 - a whole network in one place
    unet: Any, part: DeepShrink, latent: Tensor, time: Tensor, text: Tensor, vector: Any
) -> Tensor:
    """diffusers' U-Net in single steps, with the picture smaller behind one of them."""
    emb = unet.time_embedding(unet.time_proj(time).to(latent.dtype))
    if vector is not None:
        emb = emb + unet.class_embedding(vector)

    def smaller(hidden: Tensor) -> Tensor:
        size = [round(side / part.factor) for side in hidden.shape[-2:]]
        return functional.interpolate(hidden, size, mode="bicubic", align_corners=False)

    def attend(layer: Any, hidden: Tensor) -> Tensor:
        return layer(hidden, encoder_hidden_states=text, return_dict=False)[0]

    hidden, number, skips = unet.conv_in(latent), 0, []

    def keep(hidden: Tensor) -> Tensor:
        nonlocal number
        if number == part.block and not part.after_skip:
            hidden = smaller(hidden)
        skips.append(hidden)
        if number == part.block and part.after_skip:
            hidden = smaller(hidden)
        number += 1
        return hidden

    hidden = keep(hidden)
    for block in unet.down_blocks:
        for place, residual in enumerate(block.resnets):
            hidden = residual(hidden, emb)
            if getattr(block, "attentions", None):
                hidden = attend(block.attentions[place], hidden)
            hidden = keep(hidden)
        for downsampler in block.downsamplers or []:
            hidden = keep(downsampler(hidden))
    middle = unet.mid_block
    hidden = attend(middle.attentions[0], middle.resnets[0](hidden, emb))
    hidden = middle.resnets[1](hidden, emb)
    for block in unet.up_blocks:
        for place, residual in enumerate(block.resnets):
            skip = skips.pop()
            if hidden.shape[-2:] != skip.shape[-2:]:
                hidden = functional.interpolate(hidden, skip.shape[-2:], mode="bicubic", align_corners=False)
            hidden = residual(torch.cat([hidden, skip], dim=1), emb)
            if getattr(block, "attentions", None):
                hidden = attend(block.attentions[place], hidden)
        for upsampler in block.upsamplers or []:
            hidden = upsampler(hidden)
    return unet.conv_out(unet.conv_act(unet.conv_norm_out(hidden)))


@pytest.mark.parametrize(("model", "after_skip"), [("tiny-sd15", True), ("tiny-sdxl", False)])
def test_every_block_equals_the_network_written_out(context: Any, model: str, after_skip: bool) -> None:
    network = network_of(context, model)
    generator = torch.Generator().manual_seed(0)
    latent, text = torch.randn(2, 4, 16, 24, generator=generator), torch.randn(2, 77, network.context)
    vector = torch.randn(2, network.vector_width) if network.vector_width else None
    time = torch.tensor([500.0, 500.0])
    unet = copy.deepcopy(network.unet)
    for block in range(1, len(way_down(network))):
        part = DeepShrink(enabled=True, block=block, after_skip=after_skip)
        shrinking = Shrinking(part)
        with without_hooks_left(network), torch.no_grad():
            plain = network(latent, time, text, vector)
            with shrinking.attach(network):
                assert torch.equal(network(latent, time, text, vector), plain)
                shrinking.begin(On())  # type: ignore[arg-type]  # all that is read
                found = network(latent, time, text, vector)
        expected = write_out(unet, part, latent, time, text, vector)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
        assert not torch.allclose(found, plain, atol=1e-3)


@pytest.mark.parametrize("after_skip", [True, False])
def test_what_controls_the_network_gets_the_sizes_of_its_layers(context: Any, after_skip: bool) -> None:
    network = network_of(context, "tiny-sd15")
    latent, text = torch.randn(1, 4, 16, 24), torch.randn(1, 77, network.context)
    sizes: list[Tensor] = []

    def keep(module: Any, args: Any, kwargs: Any, output: Any) -> None:
        sizes.extend(torch.zeros_like(each) for each in output[1])

    time = torch.tensor([500.0])
    hooks = [block.register_forward_hook(keep, with_kwargs=True) for block in network.unet.down_blocks]
    first = torch.zeros(1, network.unet.conv_in.weight.shape[0], 16, 24)
    network(latent, time, text)
    for hook in hooks:
        hook.remove()
    middle = torch.zeros_like(sizes[-1])
    shrinking = Shrinking(DeepShrink(enabled=True, block=4, factor=1.5, after_skip=after_skip))
    with shrinking.attach(network), torch.no_grad():
        shrinking.begin(On())  # type: ignore[arg-type]  # all that is read
        run = shrinking.wrap(network)
        expected = run(latent, time, text, None)
        found = run(
            latent, time, text, None,
            down_block_additional_residuals=(first, *sizes), mid_block_additional_residual=middle,
        )  # fmt: skip
    assert torch.equal(found, expected)


def test_it_acts_in_its_part_of_the_steps_and_neutral_values_are_bit_equal_to_none(context: Any) -> None:
    plain = sample(context, request_with(**SIZE), "deep_shrink")
    for part in (
        DeepShrink(enabled=True, factor=1),
        DeepShrink(enabled=True, start=0.4, end=0.4),
        DeepShrink(enabled=True, start=0.99, end=1),
        DeepShrink(),
    ):
        assert torch.equal(plain, sample(context, request_with(part, **SIZE), "deep_shrink"))
    changed = sample(context, request_with(DeepShrink(enabled=True), **SIZE), "deep_shrink")
    assert changed.isfinite().all()
    assert not torch.equal(plain, changed)


def test_it_runs_with_hires_guidance_and_tiles_and_leaves_the_network_as_it_was(context: Any) -> None:
    from tests.extensions.test_guidance import KINDS

    parts = (DeepShrink(enabled=True, end=1), *KINDS.values())
    hires = {"scale": 1.5, "upscaler": "Latent", "steps": 2}
    network = network_of(context, "tiny-sd15")
    with without_hooks_left(network):
        request = request_with(*parts, **SIZE, hires=hires, batch_size=2, prompt="a AND b")
        latent = sample(context, request, "deep_shrink", "guidance")
    assert latent.isfinite().all()


def test_a_block_that_is_not_there_is_refused(context: Any) -> None:
    with pytest.raises(InvalidRequest, match="no block 32"):
        sample(context, request_with(DeepShrink(enabled=True, block=32)), "deep_shrink")


def test_infotext_and_arguments_round_trip() -> None:
    part = DeepShrink(enabled=True, block=4, factor=1.5, after_skip=False, upscale_method="area")
    text = "a\nSteps: 1, " + ", ".join(f"{key}: {value}" for key, value in part.to_infotext().items())
    assert DeepShrink.from_infotext(parse_fields(text)) == part
    assert DeepShrink.from_infotext({}) is None
    assert DeepShrink.from_args([True, 4, 1.5, 0, 0.35, False, "bicubic", "area"]) == part
