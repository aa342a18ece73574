"""Units in runs: residuals as diffusers', sums, windows, modes, masks, passes, and nothing left behind."""

from typing import Any

import pytest
import torch
from diffusers import ControlNetModel
from PIL import Image
from torch import Tensor, nn

from tests.extensions.controlnet.control_files import make_adapter
from tests.extensions.controlnet.control_runs import (
    TINY_SD15,
    TINY_SDXL,
    hint_of,
    keep,
    largest_difference,
    make,
    make_tiny_controlnet,
    picture,
    replace_network,
    with_units,
)
from tests.pipelines.runs import digest, digest_of, request_of
from webui.core.errors import InvalidRequest, NotFound
from webui.plugins import Context

CLOSE = 1e-4
EDGES = {"module": "none", "model": "edges"}


def diffusers_call(
    controlnets: list[tuple[ControlNetModel, Tensor, float]], steps: range = range(1000), evaluations: int = 0
) -> Any:
    """The U-Net with the sum of ControlNets' residuals, as diffusers' pipelines call it."""
    made = [evaluations]

    def call(
        network: nn.Module, latent: Tensor, timestep: Tensor, text: Tensor, vector: Tensor | None
    ) -> Tensor:
        step, made[0] = made[0], made[0] + 1
        down: list[Tensor] = []
        mid: Tensor | None = None
        for controlnet, hint, weight in controlnets if step in steps else ():
            own, own_mid = controlnet(
                latent, timestep, text, hint, weight, class_labels=vector, return_dict=False
            )
            down = [a + b for a, b in zip(down, own, strict=True)] if down else own
            mid = own_mid if mid is None else mid + own_mid
        if not down:
            return network(latent, timestep, text, vector)
        return network(
            latent, timestep, text, vector,
            down_block_additional_residuals=tuple(down), mid_block_additional_residual=mid,
        )  # fmt: skip

    return replace_network(call)


@pytest.mark.parametrize(
    ("checkpoint", "model", "configuration"),
    [("tiny-sd15", "edges", TINY_SD15), ("tiny-sdxl", "edges_xl", TINY_SDXL)],
)
def test_latents_are_those_of_diffusers_formula(
    control_context: Context, checkpoint: str, model: str, configuration: dict[str, Any]
) -> None:
    image = picture()
    unit = {"model": model, "image": keep(image, control_context), "weight": 0.7}
    made = make(with_units(unit, model=checkpoint), control_context)
    wanted = make(
        request_of(model=checkpoint), control_context,
        diffusers_call([(make_tiny_controlnet(configuration), hint_of(image), 0.7)]),
    )  # fmt: skip
    plain = make(request_of(model=checkpoint), control_context)
    assert largest_difference(made.latent, wanted.latent) < CLOSE
    assert largest_difference(made.latent, plain.latent) > 10 * CLOSE


def test_three_units_sum(control_context: Context) -> None:
    images = [picture(seed) for seed in range(3)]
    names, weights = ("edges", "depths", "poses"), (1.0, 0.5, 0.3)
    units = [
        {"model": name, "image": keep(image, control_context), "weight": weight}
        for name, image, weight in zip(names, images, weights, strict=True)
    ]
    oracle = [
        (make_tiny_controlnet(TINY_SD15, seed), hint_of(image), weight)
        for seed, (image, weight) in enumerate(zip(images, weights, strict=True))
    ]
    made = make(with_units(*units), control_context)
    wanted = make(request_of(), control_context, diffusers_call(oracle))
    assert largest_difference(made.latent, wanted.latent) < CLOSE


def test_a_window_is_a_share_of_the_evaluations(control_context: Context) -> None:
    image = picture()
    unit = EDGES | {"image": keep(image, control_context), "guidance_start": 0.25, "guidance_end": 0.75}
    made = make(with_units(unit, steps=4), control_context)
    oracle = [(make_tiny_controlnet(TINY_SD15), hint_of(image), 1.0)]
    wanted = make(request_of(steps=4), control_context, diffusers_call(oracle, range(1, 3)))
    assert largest_difference(made.latent, wanted.latent) < CLOSE


def test_units_that_do_nothing_are_bit_equal_to_none(control_context: Context) -> None:
    image = keep(picture(), control_context)
    units = [
        {"model": model, "image": image}
        for model in ("edges", "colours", "ip_plus", "lllite", "control_lora")
    ]
    units.append({"module": "reference_only", "image": image})
    plain = make(request_of(steps=1), control_context)
    for changes in (
        {"weight": 0},
        {"guidance_start": 0.5, "guidance_end": 0.5},
        {"guidance_start": 1, "guidance_end": 1},
        {"guidance_start": 0, "guidance_end": 0},
        {"guidance_start": 0.8, "guidance_end": 0.2},
        {"enabled": False},
        {"hr_option": "High res only"},
    ):
        made = make(with_units(*(unit | changes for unit in units), steps=1), control_context)
        assert torch.equal(made.latent, plain.latent), changes


def test_the_prompt_or_the_picture_may_be_more_important(control_context: Context) -> None:
    image = picture()
    reference = keep(image, control_context)
    controlnet = make_tiny_controlnet(TINY_SD15)

    def call(only_prompts: bool) -> Any:
        def run(network: nn.Module, latent: Tensor, timestep: Tensor, text: Tensor, vector: None) -> Tensor:
            down, mid = controlnet(latent, timestep, text, hint_of(image), return_dict=False)
            keeps = torch.tensor([1.0, 0.0] if only_prompts else [1.0, 1.0]).view(-1, 1, 1, 1)
            down = tuple(each * 0.825 ** (12 - place) * keeps for place, each in enumerate(down))
            return network(
                latent, timestep, text, vector,
                down_block_additional_residuals=down, mid_block_additional_residual=mid * keeps,
            )  # fmt: skip

        return replace_network(run)

    for mode, only_prompts in (
        ("My prompt is more important", False),
        ("ControlNet is more important", True),
    ):
        made = make(with_units(EDGES | {"image": reference, "control_mode": mode}), control_context)
        wanted = make(request_of(), control_context, call(only_prompts))
        assert largest_difference(made.latent, wanted.latent) < CLOSE, mode


@pytest.mark.parametrize(
    ("checkpoint", "model", "adapter"),
    [
        ("tiny-sd15", "colours", ("full_adapter", [32, 64, 64, 64], 8)),
        # Nothing for the last level.
        ("tiny-sd15", "colours_few", ("full_adapter", [32, 64, 64], 8)),
        # Three levels, and one more feature for the middle.
        ("tiny-sdxl", "colours_xl", ("full_adapter_xl", [32, 64, 128, 128], 16)),
    ],
)
def test_a_t2i_adapter_gives_diffusers_features(
    control_context: Context, checkpoint: str, model: str, adapter: tuple[str, list[int], int]
) -> None:
    image, network = picture(), make_adapter(*adapter)
    unit = {"model": model, "image": keep(image, control_context), "weight": 0.8}

    def call(
        unet: nn.Module, latent: Tensor, timestep: Tensor, text: Tensor, vector: Tensor | None
    ) -> Tensor:
        features = [each.repeat(len(latent), 1, 1, 1) * 0.8 for each in network(hint_of(image))]
        return unet(latent, timestep, text, vector, down_intrablock_additional_residuals=features)

    made = make(with_units(unit, model=checkpoint), control_context)
    wanted = make(request_of(model=checkpoint), control_context, replace_network(call))
    assert largest_difference(made.latent, wanted.latent) < CLOSE
    plain = make(request_of(model=checkpoint), control_context)
    assert largest_difference(made.latent, plain.latent) > 10 * CLOSE


def test_a_t2i_adapter_for_other_levels_is_refused(control_context: Context) -> None:
    unit = {"model": "colours_other", "image": keep(picture(), control_context)}
    with pytest.raises(InvalidRequest, match="levels are 32, 96, 64, 64 wide"):
        make(with_units(unit), control_context)


def test_an_effective_region_leaves_the_residuals_elsewhere_at_zero(control_context: Context) -> None:
    image = picture()
    mask = Image.new("L", (64, 64))
    mask.paste(255, (0, 0, 32, 64))
    seen: list[Tensor] = []

    def look(denoising: Any, batch: Any) -> None:
        denoising.before_network.append(
            lambda given: seen.append(given.residuals["down_block_additional_residuals"][0])
        )

    unit = EDGES | {"image": keep(image, control_context)}
    make(with_units(unit, steps=1), control_context, look)
    make(
        with_units(unit | {"effective_region_mask": keep(mask, control_context)}, steps=1),
        control_context,
        look,
    )
    whole, masked = seen
    assert torch.equal(masked[..., :4], whole[..., :4])
    assert not masked[..., 4:].any()


def test_each_picture_of_a_batch_has_its_own_hint(control_context: Context) -> None:
    images = [picture(seed) for seed in range(2)]
    references = [keep(image, control_context) for image in images]
    together = make(with_units(EDGES | {"batch_images": references}, batch_size=2), control_context)
    for place, reference in enumerate(references):
        alone = make(with_units(EDGES | {"image": reference}, seed=place), control_context)
        assert largest_difference(together.latent[place : place + 1], alone.latent) < CLOSE


def test_img2img_lends_its_picture_to_a_unit_without_one(control_context: Context) -> None:
    reference = keep(picture(), control_context)
    changes = {"init_images": (reference,), "denoising_strength": 0.8}
    lent = make(with_units(EDGES, **changes), control_context)
    own = make(with_units(EDGES | {"image": reference}, **changes), control_context)
    assert torch.equal(lent.latent, own.latent)


def test_only_masked_shows_a_unit_the_same_part_of_its_picture(control_context: Context) -> None:
    mask = Image.new("L", (128, 128))
    mask.paste(255, (10, 10, 60, 60))
    smooth = picture(size=(6, 6)).resize((128, 128), Image.Resampling.BICUBIC)
    reference = keep(smooth, control_context)
    inpainting = {
        "mask": keep(mask, control_context),
        "only_masked": True,
        "padding": 4,
        "masked_content": "original",
    }
    changes = {"init_images": (reference,), "inpainting": inpainting, "denoising_strength": 0.8}
    hints: list[Tensor] = []

    def look(denoising: Any, batch: Any) -> None:
        hints.extend(part.hints for part in denoising.before_network[-1].parts)

    make(with_units(EDGES, **changes), control_context, look)
    make(with_units(EDGES | {"image": reference}, **changes), control_context, look)
    # Both were cut and resampled, each by its own rule.
    assert hints[0].shape == hints[1].shape
    assert (hints[0] - hints[1]).abs().mean() < 0.1


def test_inpainting_marks_what_is_masked(control_context: Context) -> None:
    image, mask = picture(), Image.new("L", (64, 64))
    mask.paste(255, (16, 0, 64, 64))
    hints: list[Tensor] = []

    def look(denoising: Any, batch: Any) -> None:
        hints.extend(part.hints for part in denoising.before_network[-1].parts)

    unit = EDGES | {"module": "inpaint_only", "image": keep(image, control_context)}
    make(with_units(unit | {"mask": keep(mask, control_context)}, steps=1), control_context, look)
    assert torch.equal(hints[0][..., :16], hint_of(image)[..., :16])
    assert (hints[0][..., 16:] == -1).all()
    with pytest.raises(InvalidRequest, match="has no mask to inpaint in"):
        make(with_units(unit, steps=1), control_context)


def test_sdxl_with_hires_and_refiner_leaves_every_weight_as_it_was(control_context: Context) -> None:
    image = keep(picture(), control_context)
    units = [
        {"model": "edges_xl", "image": image, "hr_option": "Low res only"},
        {"model": "ip_xl", "image": image},
        {"model": "lllite_xl", "image": image},
        {"module": "reference_adain+attn", "image": image},
    ]
    plain = {"model": "tiny-sdxl", "hires": {"scale": 1.5, "upscaler": "Latent", "steps": 2}}
    plain |= {"refiner": {"model": "tiny-sd15", "switch_at": 0.6}, "denoising_strength": 0.7}
    control_context.models.holder.clear()
    make(request_of(**plain), control_context)
    before = digest_of_checkpoints(control_context)
    made = make(with_units(*units, **plain), control_context)
    assert made.latent.shape[-2:] == (12, 12)
    assert torch.isfinite(made.latent).all()
    assert digest_of_checkpoints(control_context) == before


def digest_of_checkpoints(context: Context) -> str:
    """Every weight and hook of the checkpoints."""
    return "".join(sorted(digest_of(each.modules()) for each in context.models.loaded()))


def test_hints_are_made_for_the_size_of_each_pass(control_context: Context) -> None:
    sizes: list[tuple[int, ...]] = []

    def look(denoising: Any, batch: Any) -> None:
        sizes.extend(tuple(part.hints.shape[-2:]) for part in denoising.before_network[-1].parts)

    hires = {"scale": 2, "upscaler": "Latent", "steps": 1}
    unit = EDGES | {"image": keep(picture(size=(100, 80)), control_context)}
    make(with_units(unit, hires=hires, steps=1), control_context, look)
    assert sizes == [(64, 64), (128, 128)]


@pytest.mark.parametrize("model", ["edges", "ip_plain", "lllite", "control_lora", "colours"])
def test_every_network_is_as_it_was(control_context: Context, model: str) -> None:
    unit = {"model": model, "image": keep(picture(), control_context)}
    request = with_units(unit, steps=1)
    make(request, control_context)
    before = digest(control_context.models)
    first = make(request, control_context)
    assert digest(control_context.models) == before
    assert torch.equal(first.latent, make(request, control_context).latent)


def test_refusals_are_sentences(control_context: Context) -> None:
    image = keep(picture(), control_context)
    refusals = [
        ({"model": "edgse", "image": image}, NotFound, "Did you mean 'edges"),
        ({"model": "None", "image": image}, InvalidRequest, "unit 0 has no model"),
        ({"model": "edges"}, InvalidRequest, "unit 0 has no picture"),
        ({"model": "of_sd2", "image": image}, InvalidRequest, "for SD2, the checkpoint is SD1"),
        ({"model": "narrow", "image": image}, InvalidRequest, "levels are 32, 32, 64, 64 wide"),
        ({"model": "ip_xl", "image": image}, InvalidRequest, "Choose an IP-Adapter for this checkpoint"),
        ({"model": "lllite_xl", "image": image}, InvalidRequest, "lllite_xl is a ControlNet-LLLite for SDXL"),
    ]
    for unit, kind, sentence in refusals:
        with pytest.raises(kind, match=sentence):
            make(with_units(unit, steps=1), control_context)
    assert not any(held.leases for held in control_context.models.holder._held.values())


@pytest.mark.parametrize("name", ["edges", "edges.safetensors", "edges [0123abcd]"])
def test_models_have_their_names_with_and_without_hash_and_suffix(
    control_context: Context, name: str
) -> None:
    image = keep(picture(), control_context)
    found = make(with_units({"model": name, "image": image}, steps=1), control_context)
    known = make(with_units({"model": "edges", "image": image}, steps=1), control_context)
    assert torch.equal(found.latent, known.latent)


def test_a_run_is_re_made_from_its_infotext(control_context: Context) -> None:
    unit = EDGES | {"image": keep(picture(), control_context), "weight": 0.5, "guidance_end": 0.5}
    made = make(with_units(unit, steps=1), control_context)
    assert 'ControlNet 0: "Module: none, Model: edges, Weight: 0.5' in made.pictures[0].infotext
