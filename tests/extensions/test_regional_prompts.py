"""Regional prompts against attention written out region by region, and against plain prompts."""

import copy
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.attention_processor import AttnProcessor2_0
from PIL import Image
from torch import Tensor
from torch.nn import functional

from extensions.regional_prompts.install import draw_masks, shares_of
from extensions.regional_prompts.part import RegionalPrompts, boxes_of
from tests.extensions.running import request_with, run, sample, with_extensions, without_hooks_left
from webui.core.errors import InvalidRequest
from webui.core.events import Progress
from webui.core.infotext import parse_fields
from webui.pipelines.generate.generate import generate
from webui.plugins import hookimpl

SIZE = {"width": 128, "height": 192}
TWO = "a red cat BREAK a blue dog"


def regions(**changes: Any) -> RegionalPrompts:
    return RegionalPrompts(**{"enabled": True} | changes)


def near(found: Tensor, expected: Tensor, share: float = 1e-4) -> bool:
    return bool((found - expected).abs().max() <= share * expected.abs().max())


class First:
    """Keeps the first evaluation."""

    def __init__(self) -> None:
        self.batch: Any = None
        self.mixed: Any = None
        self.network: Any = None

    @hookimpl(trylast=True)
    def prepare_denoising(self, denoising: Any) -> None:
        self.network = denoising.network
        denoising.before_guidance.append(self._before)
        denoising.after_guidance.append(self._after)

    def _before(self, batch: Any) -> None:
        self.batch = self.batch or replace(batch)

    def _after(self, result: Tensor, guided: Any) -> Tensor:
        self.mixed = result.clone() if self.mixed is None else self.mixed
        return result


def first(context: Any, *parts: Any, **changes: Any) -> First:
    own, _ = with_extensions(context, "regional_prompts")
    seen = First()
    own.plugins.register(seen, "first")
    with closing(generate(request_with(*parts, **SIZE | changes), own)) as events:
        next(event for event in events if isinstance(event, Progress))
    return seen


def test_ratios_part_the_picture_as_regional_prompter_does() -> None:
    assert boxes_of("1,1", "Columns") == [(0, 0, 0.5, 1), (0.5, 0, 1, 1)]
    assert boxes_of("1,3", "Rows") == [(0, 0, 1, 0.25), (0, 0.25, 1, 1)]
    grid = boxes_of("1,1,1;3,1,2,1", "Columns")
    assert grid == [
        (0, 0, 0.5, 0.25), (0.5, 0, 1, 0.25),
        (0, 0.25, 0.25, 1), (0.25, 0.25, 0.75, 1), (0.75, 0.25, 1, 1),
    ]  # fmt: skip
    assert boxes_of("1;1", "Rows") == [(0, 0, 0.5, 1), (0.5, 0, 1, 1)]
    for wrong in ("", "0,1", "a", "-1", "inf,1", ",".join(["1"] * 33)):
        with pytest.raises(InvalidRequest):
            RegionalPrompts.read({"ratios": wrong})


def test_texts_are_split_by_breaks_or_lines() -> None:
    part = regions(use_common=True, use_base=True)
    split = part.split("best BREAK a park BREAK a cat\nBREAK a dog", "bad")
    assert split.base == "best, a park"
    assert split.regions == (("best, a cat", "bad"), ("best, a dog", "bad"))
    split = regions(use_common_negative=True).split(TWO, "bad BREAK ears BREAK fins")
    assert split.regions == (("a red cat", "bad, ears"), ("a blue dog", "bad, fins"))
    split = regions(prompts="a cat\n\na dog\n", use_base=True).split("a park", "bad")
    assert split.base == "a park"
    assert [text for text, _ in split.regions] == ["a cat", "a dog"]
    with pytest.raises(InvalidRequest, match="2 regions, but 3 prompts"):
        regions().split("a BREAK b BREAK c", "")


def test_shares_sum_to_one_and_leave_the_base_prompt_what_no_region_covers(context: Any) -> None:
    mask = np.zeros((20, 30), np.uint8)
    mask[:10, :15] = 255
    painted = context.inputs.add_image(Image.fromarray(mask))
    part = regions(mode="Mask", masks=(painted,), use_base=True, base_ratios="0.25")
    shares = shares_of(part, draw_masks(part, context, 10, 10))
    torch.testing.assert_close(shares.sum(dim=0), torch.ones(10, 10))
    torch.testing.assert_close(shares[1, :5, :5], torch.full((5, 5), 0.75))
    assert (shares[1, 5:] == 0).all()
    assert (shares[0, 5:] == 1).all()
    columns = regions(ratios="1,1,1")
    shares = shares_of(columns, draw_masks(columns, context, 8, 10))
    assert (shares[0] == 0).all()
    torch.testing.assert_close(shares.sum(dim=0), torch.ones(8, 10))


class WrittenOut:
    """Cross attention that reads each region's text in turn."""

    def __init__(self, texts: list[Tensor], shares: Tensor, ratio: float) -> None:
        self.texts, self.shares, self.ratio = texts, shares, ratio

    def __call__(self, attn: Any, hidden_states: Tensor, *others: Any, **kwargs: Any) -> Tensor:
        tokens = hidden_states.shape[1]
        height = round((tokens / self.ratio) ** 0.5)
        shares = functional.adaptive_avg_pool2d(self.shares, (height, tokens // height)).flatten(1)
        results = [AttnProcessor2_0()(attn, hidden_states, text) for text in self.texts]
        return sum(result * share[:, None] for result, share in zip(results, shares, strict=True))


@pytest.mark.parametrize("model", ["tiny-sd15", "tiny-sdxl"])
def test_attention_mode_equals_attention_written_out(context: Any, model: str) -> None:
    part = regions(use_base=True, base_ratios="0.3,0.1", ratios="1,2")
    negative = "ugly BREAK ears"
    prompt = f"a park BREAK {TWO}"
    seen = first(context, part, model=model, prompt=prompt, negative_prompt=negative)
    shares = shares_of(part, draw_masks(part, context, 24, 16))
    # What each prompt is, encoded by a run of its own.
    alone = [
        first(context, model=model, prompt=text, negative_prompt=other).batch
        for text, other in (("a park", "ugly, ears"), ("a red cat", "ugly"), ("a blue dog", "ears"))
    ]
    latent, timestep = seen.batch.network_latent()
    raw = []
    for kind, row in (("cond", 0), ("uncond", 1)):
        unet = copy.deepcopy(seen.network.unet)
        texts = [getattr(batch, kind).crossattn for batch in alone]
        for name, module in unet.named_modules():
            if name.endswith("attn2"):
                module.set_processor(WrittenOut(texts, shares, 16 / 24))
        vector = getattr(seen.batch, kind).vector
        rows = slice(row, row + 1)
        with torch.no_grad():
            raw.append(
                unet(latent[rows], timestep[rows], texts[0], class_labels=vector, return_dict=False)[0]
            )
    mixed = raw[1] + 7 * (raw[0] - raw[1])
    expected = seen.batch.preconditioning.result(seen.batch.latent[:1], mixed, seen.batch.level[:1])
    assert near(seen.mixed, expected)


@pytest.mark.parametrize("sampler", ["Euler", "DDIM"])
def test_latent_mode_blends_the_pictures_of_each_prompt(context: Any, sampler: str) -> None:
    part = regions(calculation="Latent", ratios="1,3", submode="Rows", use_base=True)
    changes = {"sampler": sampler, "batch_size": 2}
    seen = first(context, part, prompt=f"a park BREAK {TWO}", **changes)
    shares = shares_of(part, draw_masks(part, context, 24, 16))
    alone = [first(context, prompt=text, **changes).mixed for text in ("a park", "a red cat", "a blue dog")]
    assert near(seen.mixed, sum(share * each for share, each in zip(shares, alone, strict=True)))


@pytest.mark.parametrize("calculation", ["Attention", "Latent"])
@pytest.mark.parametrize(
    "changes",
    [
        {"batch_size": 2},
        {"options": {"s_min_uncond": 10.0}, "steps": 4},
        {"negative_prompt": "word " * 90, "options": {"pad_cond_uncond": True}},
        {"hires": {"scale": 1.5, "upscaler": "Latent", "steps": 2}},
    ],
)
def test_equal_prompts_for_all_regions_equal_the_plain_prompt(
    context: Any, calculation: Any, changes: dict[str, Any]
) -> None:
    plain = sample(context, request_with(prompt="a red cat", **SIZE, **changes), "regional_prompts")
    part = regions(calculation=calculation)
    split = sample(
        context, request_with(part, prompt="a red cat BREAK a red cat", **SIZE, **changes), "regional_prompts"
    )
    assert near(split, plain, 2e-3)


@pytest.mark.parametrize("calculation", ["Attention", "Latent"])
def test_it_runs_in_tiles_with_all_guidance_and_leaves_the_network_as_it_was(
    context: Any, calculation: Any
) -> None:
    from extensions.tiled_diffusion.part import TiledDiffusion
    from tests.extensions.test_guidance import KINDS

    tiles = TiledDiffusion(enabled=True, tile_width=16, tile_height=16, overlap=8)
    part = regions(calculation=calculation)
    network = first(context).network
    request = request_with(part, tiles, *KINDS.values(), prompt=TWO, **SIZE, batch_size=2)
    with without_hooks_left(network):
        latent = sample(context, request, "guidance", "regional_prompts", "tiled_diffusion")
    assert latent.isfinite().all()
    plain = sample(context, request_with(part, prompt=TWO, **SIZE), "regional_prompts")
    one = TiledDiffusion(enabled=True, tile_width=64, tile_height=64)
    tiled = sample(
        context, request_with(part, one, prompt=TWO, **SIZE), "regional_prompts", "tiled_diffusion"
    )
    assert torch.equal(plain, tiled)


def test_off_is_bit_equal_to_none_and_what_cannot_be_is_refused(context: Any) -> None:
    plain = sample(context, request_with(prompt=TWO), "regional_prompts")
    assert torch.equal(
        plain, sample(context, request_with(RegionalPrompts(), prompt=TWO), "regional_prompts")
    )
    for part, prompt, why in (
        (regions(ratios="1,1,1"), TWO, "3 regions, but 2 prompts"),
        (regions(), "a AND b BREAK c", "AND cannot stand"),
        (regions(mode="Mask", prompts=""), "", "no area"),
    ):
        with pytest.raises(InvalidRequest, match=why):
            sample(context, request_with(part, prompt=prompt), "regional_prompts")


def test_infotext_and_arguments_round_trip(context: Any) -> None:
    part = regions(ratios="1,1,2;3,1", use_base=True, base_ratios="0.1", calculation="Latent")
    prompt = "a park BREAK a BREAK b BREAK c"
    _, made = run(context, request_with(part, prompt=prompt), "regional_prompts")
    fields = parse_fields(made[0].infotext)
    assert fields["Prompt"] == prompt
    assert RegionalPrompts.from_infotext(fields) == part
    lines = regions(prompts='a, "b": c\nd', masks=("a" * 64, "b" * 64), mode="Mask")
    assert RegionalPrompts.from_infotext(lines.to_infotext()) == lines
    assert RegionalPrompts.from_infotext({}) is None
    assert RegionalPrompts.from_infotext({"RP Active": "True", "RP Divide mode": "Prompt"}) is None
    args = [True, False, "Matrix", "Vertical", "Mask", "Prompt", "1,1,1", "", False, True, False, "Attention"]
    found = RegionalPrompts.from_args([*args, False, "0", "0", "0", ""])
    assert found == regions(submode="Rows", ratios="1,1,1", use_common=True)
