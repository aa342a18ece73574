"""LLLite, Control-LoRA and reference-only, held against their formulas as written here."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import ControlNetModel
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from extensions.controlnet.networks.control_lora import fingerprint, merge
from extensions.controlnet.networks.lllite import load_lllite
from extensions.controlnet.networks.reference import renormalize, statistics
from tests.extensions.controlnet.control_files import to_cldm
from tests.extensions.controlnet.control_runs import (
    TINY_SD15,
    hint_of,
    keep,
    largest_difference,
    make,
    picture,
    replace_network,
    with_units,
)
from tests.extensions.controlnet.picture_networks import LLLITE_LAYERS, make_control_lora, make_lllite
from tests.pipelines.runs import request_of
from webui.plugins import Context, UnusableFile

CLOSE = 1e-4
# diffusers' names of the layers that the test files change.
DIFFUSERS_NAMES = {
    "input_blocks_1_1": "down_blocks.0.attentions.0",
    "input_blocks_4_1": "down_blocks.1.attentions.0",
    "input_blocks_8_1": "down_blocks.2.attentions.1",
    "middle_block_1": "mid_block.attentions.0",
}


def lllite_formula(checkpoint: str, hint: Tensor, weight: float) -> Any:
    """kohya's: x + up(mid(cat(conditioning, down(x)))) in front of a layer."""
    tensors = make_lllite(checkpoint)

    def look(denoising: Any, batch: Any) -> None:
        for layer in LLLITE_LAYERS[checkpoint]:
            block, _, inner = layer.partition("_transformer_blocks_")
            number, attention, letter = inner[0], inner[2:7], inner[8:]
            name = f"unet.{DIFFUSERS_NAMES[block]}.transformer_blocks.{number}.{attention}.{letter}"
            module = denoising.network.get_submodule(name)
            own = {k.split(".", 1)[1]: v for k, v in tensors.items() if k.startswith(f"lllite_unet_{layer}.")}
            hook = module.register_forward_pre_hook(
                lambda _, given, own=own: (given[0] + change(given[0], own),)
            )
            denoising.resources.callback(hook.remove)

    def change(given: Tensor, own: dict[str, Tensor]) -> Tensor:
        seen = hint * 2 - 1
        numbers = sorted({int(key.split(".")[1]) for key in own if key.startswith("conditioning1")})
        for number in numbers:
            kernel = own[f"conditioning1.{number}.weight"]
            seen = functional.conv2d(
                seen, kernel, own[f"conditioning1.{number}.bias"], stride=kernel.shape[-1]
            )
            seen = seen if number == numbers[-1] else seen.relu()
        tokens = seen.flatten(2).transpose(1, 2).expand(len(given), -1, -1)
        low = functional.linear(given, own["down.0.weight"], own["down.0.bias"]).relu()
        middle = torch.cat([tokens, low], dim=2)
        middle = functional.linear(middle, own["mid.0.weight"], own["mid.0.bias"]).relu()
        return functional.linear(middle, own["up.0.weight"], own["up.0.bias"]) * weight

    return look


@pytest.mark.parametrize(("checkpoint", "model"), [("sd15", "lllite"), ("sdxl", "lllite_xl")])
def test_lllite_is_its_published_formula(control_context: Context, checkpoint: str, model: str) -> None:
    image, request = picture(), request_of(model=f"tiny-{checkpoint}", steps=2)
    unit = {"model": model, "image": keep(image, control_context), "weight": 0.9}
    made = make(with_units(unit, model=f"tiny-{checkpoint}", steps=2), control_context)
    wanted = make(request, control_context, lllite_formula(checkpoint, hint_of(image), 0.9))
    plain = make(request, control_context)
    assert largest_difference(made.latent, wanted.latent) < CLOSE
    assert largest_difference(made.latent, plain.latent) > 10 * CLOSE


def test_lllite_works_where_sides_do_not_halve_evenly(control_context: Context) -> None:
    unit = {"model": "lllite", "image": keep(picture(size=(72, 88)), control_context)}
    made = make(with_units(unit, width=72, height=88, steps=1), control_context)
    assert torch.isfinite(made.latent).all()


def test_a_file_without_lllite_layers_is_refused() -> None:
    with pytest.raises(UnusableFile, match="none of the layers"):
        load_lllite({"other.weight": torch.zeros(1)}, name="x", family="SDXL")


def test_control_lora_is_the_checkpoint_with_differences(control_context: Context) -> None:
    image, request = picture(), request_of(steps=2)
    file = make_control_lora()
    made_networks: list[ControlNetModel] = []

    def build(unet: nn.Module) -> ControlNetModel:
        network = ControlNetModel(**TINY_SD15)
        base, whole = unet.state_dict(), network.state_dict()
        for name, empty in whole.items():
            (theirs,) = to_cldm(
                {name: empty, "controlnet_cond_embedding.blocks.5.weight": empty}, 2, ""
            ).keys() - {"input_hint_block.12.weight"} or {"input_hint_block.12.weight"}
            if theirs in file:
                whole[name] = file[theirs]
                continue
            module = theirs.removesuffix(".weight")
            product = file[f"{module}.up"].flatten(1) @ file[f"{module}.down"].flatten(1)
            whole[name] = base[name] + product.reshape(base[name].shape)
        network.load_state_dict(whole)
        return network.eval()

    def call(network: Any, latent: Tensor, timestep: Tensor, text: Tensor, vector: None) -> Tensor:
        if not made_networks:
            made_networks.append(build(network.unet))
        down, mid = made_networks[0](latent, timestep, text, hint_of(image), return_dict=False)
        return network(
            latent, timestep, text, vector,
            down_block_additional_residuals=tuple(down), mid_block_additional_residual=mid,
        )  # fmt: skip

    unit = {"model": "control_lora", "image": keep(image, control_context)}
    made = make(with_units(unit, steps=2), control_context)
    wanted = make(request, control_context, replace_network(call))
    plain = make(request, control_context)
    assert largest_difference(made.latent, wanted.latent) < CLOSE
    assert largest_difference(made.latent, plain.latent) > 10 * CLOSE


def test_a_control_lora_of_another_checkpoint_is_refused() -> None:
    file = make_control_lora()
    base = {"conv_in.weight": torch.zeros(32, 4, 3, 3)}
    with pytest.raises(UnusableFile, match="made for another checkpoint"):
        merge(file, base, "control")


def test_a_fingerprint_tells_whether_an_encoder_changed() -> None:
    unet = nn.ModuleDict({"conv_in": nn.Conv2d(4, 32, 3), "down_blocks": nn.ModuleList([nn.Linear(8, 8)])})
    before = fingerprint(unet)
    with torch.no_grad():
        unet.get_parameter("down_blocks.0.weight").add_(0.01)
    assert fingerprint(unet) != before
    with torch.no_grad():
        unet.get_parameter("down_blocks.0.weight").sub_(0.0)
    assert fingerprint(unet) == fingerprint(unet)


class LookAtBoth:
    """Attention of a copy of the U-Net: keeps the reference's tokens, then attends to them too."""

    def __init__(self, kept: dict[str, Tensor], name: str, fidelity: float) -> None:
        self.kept, self.name, self.fidelity = kept, name, fidelity
        self.is_writing = False

    def __call__(
        self, attn: Any, hidden_states: Tensor, encoder_hidden_states: Any = None, **_: Any
    ) -> Tensor:
        def attend(tokens: Tensor, context: Tensor) -> Tensor:
            query, key, value = (
                layer(each).unflatten(-1, (attn.heads, -1)).transpose(1, 2)
                for layer, each in ((attn.to_q, tokens), (attn.to_k, context), (attn.to_v, context))
            )
            weights = (query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5).softmax(-1)
            return attn.to_out[0]((weights @ value).transpose(1, 2).flatten(2))

        if encoder_hidden_states is not None:
            return attend(hidden_states, encoder_hidden_states)
        alone = attend(hidden_states, hidden_states)
        if self.is_writing:
            self.kept[self.name] = hidden_states
            return alone
        both = attend(hidden_states, torch.cat([hidden_states, self.kept[self.name]], dim=1))
        # The prompt's row stands first.
        return torch.cat([both[:1], self.fidelity * alone[1:] + (1 - self.fidelity) * both[1:]])


@pytest.mark.parametrize("fidelity", [0.0, 0.4, 1.0])
def test_reference_only_attends_to_both_pictures(control_context: Context, fidelity: float) -> None:
    request = request_of(steps=2, seed=3)
    unit = {"module": "reference_only", "image": keep(picture(), control_context), "threshold_a": fidelity}
    latents: list[Tensor] = []

    def note(denoising: Any, batch: Any) -> None:
        latents.append(denoising.before_network[-1].parts[0].latents)

    made = make(with_units(unit, steps=2, seed=3), control_context, note)
    noise = torch.randn(latents[0].shape[1:], generator=torch.Generator().manual_seed(3))[None]
    copies: list[Any] = []

    def call(network: Any, latent: Tensor, timestep: Tensor, text: Tensor, vector: None) -> Tensor:
        if not copies:
            copies.append(copy.deepcopy(network.unet))
            kept: dict[str, Tensor] = {}
            processors = {name: LookAtBoth(kept, name, fidelity) for name in copies[0].attn_processors}
            copies[0].set_attn_processor(dict(processors))
            copies.extend(processors.values())
        betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
        alphas = np.cumprod(1 - betas)
        alpha = float(np.interp(float(timestep[0]), np.arange(1000), alphas))
        noisy = (latents[0] * alpha**0.5 + noise * (1 - alpha) ** 0.5).repeat(2, 1, 1, 1)
        for given in (noisy, latent):
            for processor in copies[1:]:
                processor.is_writing = given is noisy
            output = copies[0](given, timestep, text, return_dict=False)[0]
        return output

    wanted = make(request, control_context, replace_network(call))
    assert largest_difference(made.latent, wanted.latent) < CLOSE
    assert largest_difference(made.latent, make(request, control_context).latent) > 5 * CLOSE


def test_adain_takes_over_mean_and_spread() -> None:
    generator = torch.Generator().manual_seed(0)
    own, other = (torch.randn(2, 8, 6, 6, generator=generator) * scale + scale for scale in (1, 3))
    changed = renormalize(own, statistics(other))
    assert torch.allclose(statistics(changed), statistics(other), atol=CLOSE)


@pytest.mark.parametrize("module", ["reference_adain", "reference_adain+attn"])
def test_adain_changes_the_picture_and_leaves_no_trace(control_context: Context, module: str) -> None:
    unit = {"module": module, "image": keep(picture(), control_context)}
    plain = make(request_of(steps=1), control_context)
    made = make(with_units(unit, steps=1), control_context)
    assert torch.isfinite(made.latent).all()
    assert largest_difference(made.latent, plain.latent) > CLOSE
    assert torch.equal(make(request_of(steps=1), control_context).latent, plain.latent)


@pytest.mark.parametrize("module", ["reference_only", "reference_adain", "reference_adain+attn"])
def test_a_reference_acts_where_its_region_is_white(control_context: Context, module: str) -> None:
    unit = {"module": module, "image": keep(picture(), control_context)}
    plain, whole = (
        make(request, control_context) for request in (request_of(steps=1), with_units(unit, steps=1))
    )
    found = {
        colour: make(
            with_units(
                unit | {"effective_region_mask": keep(Image.new("L", (64, 64), colour), control_context)},
                steps=1,
            ),
            control_context,
        ).latent
        for colour in (0, 255)
    }
    assert largest_difference(found[0], plain.latent) < CLOSE
    assert largest_difference(found[255], whole.latent) < CLOSE
    assert largest_difference(whole.latent, plain.latent) > 5 * CLOSE


def test_a_references_region_is_that_of_the_attention(control_context: Context) -> None:
    """Of one attention: what comes out where the mask is black is what comes out without a reference."""
    half = Image.new("L", (64, 64))
    half.paste(255, (0, 0, 32, 64))
    seen: dict[str, Tensor] = {}

    def watch(name: str) -> Any:
        def look(denoising: Any, batch: Any) -> None:
            attention = denoising.network.get_submodule(
                "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1"
            )

            def note(module: nn.Module, args: object, output: Tensor) -> None:
                seen[name] = output.detach().clone()

            # Registered within the pass, after the unit's own hooks.
            denoising.before_network.append(
                lambda given: denoising.resources.callback(attention.register_forward_hook(note).remove)
            )

        return look

    unit = {"module": "reference_only", "image": keep(picture(), control_context), "threshold_a": 0}
    make(request_of(steps=1), control_context, watch("plain"))
    make(with_units(unit, steps=1), control_context, watch("whole"))
    region = {"effective_region_mask": keep(half, control_context)}
    make(with_units(unit | region, steps=1), control_context, watch("half"))
    grids = {name: value.unflatten(1, (8, 8)) for name, value in seen.items()}
    assert torch.allclose(grids["half"][:, :, 4:], grids["plain"][:, :, 4:], atol=CLOSE)
    assert torch.allclose(grids["half"][:, :, :4], grids["whole"][:, :, :4], atol=CLOSE)
    assert not torch.allclose(grids["whole"], grids["plain"], atol=CLOSE)


@pytest.mark.parametrize("module", ["reference_only", "reference_adain"])
@pytest.mark.parametrize("init", [False, True])
def test_a_run_of_one_picture_makes_one_for_each_of_a_batch_of_references(
    control_context: Context, module: str, init: bool
) -> None:
    references = [keep(picture(seed), control_context) for seed in (1, 2)]
    unit = {"module": module}
    changes: dict[str, Any] = {"steps": 1, "seed": 4}
    if init:
        changes |= {
            "steps": 2,
            "init_images": (keep(picture(5), control_context),),
            "denoising_strength": 0.6,
        }
    made = make(with_units(unit | {"batch_images": references}, **changes), control_context)
    assert len(made.pictures) == 2
    for place, reference in enumerate(references):
        alone = make(with_units(unit | {"image": reference}, **changes), control_context)
        assert made.pictures[place].image.tobytes() == alone.pictures[0].image.tobytes()


def test_each_picture_of_a_batch_has_its_own_reference(control_context: Context) -> None:
    references = [keep(picture(seed), control_context) for seed in (1, 2)]
    unit = {"module": "reference_only"}
    together = make(with_units(unit | {"batch_images": references}, batch_size=2, steps=1), control_context)
    for place, reference in enumerate(references):
        alone = make(with_units(unit | {"image": reference}, seed=place, steps=1), control_context)
        assert largest_difference(together.latent[place : place + 1], alone.latent) < CLOSE
