"""Loading: the numbers A1111 made, from shapes alone; a sentence for files that cannot be used."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from tests.golden_cases import GOLDENS
from tests.models.small_checkpoints import SMALL_VAE, STARTER_LIKE, model_file, small_checkpoint, write
from webui.core.errors import UnusableFile
from webui.core.model_file import Family
from webui.diffusion.prediction import sigmas_of
from webui.diffusion.text_encoder import EncodingOptions, PictureSize
from webui.library.files.headers import read_header
from webui.library.recognise.dimensions import UNetLevel, diffusers_unet_dimensions, unet_dimensions
from webui.library.recognise.identify import identify
from webui.models.cpu.precision import EXACT, NumberFormats
from webui.models.files.tensors import part_of, shapes_of
from webui.models.loaded_model import LoadedModel
from webui.models.loader import find_stored_dtype, load

CPU = torch.device("cpu")
Loaded = Callable[[str], LoadedModel]


@pytest.fixture
def loaded(golden_models: Path) -> Loaded:
    return lambda name: load(model_file(golden_models / f"{name}.safetensors"), EXACT, CPU)


def golden_case(family: str, name: str) -> dict[str, Any]:
    return next(
        case for case in json.loads((GOLDENS / family / "cases.json").read_text()) if case["id"] == name
    )


@torch.no_grad()
def euler(model: LoadedModel, payload: dict[str, Any], sigmas: Tensor) -> Tensor:
    """A plain Euler loop (Karras et al. 2022), so that only the loaded networks are under test."""
    options = EncodingOptions(size=PictureSize(payload["width"], payload["height"]))
    cond = model.text_encoder.encode([payload["prompt"]], options)[0]
    uncond = model.text_encoder.encode([payload["negative_prompt"]], options, is_negative=True)[0]
    crossattn = torch.stack([cond.crossattn, uncond.crossattn])
    vector = (
        None if cond.vector is None or uncond.vector is None else torch.stack([cond.vector, uncond.vector])
    )
    logs = sigmas_of(model.alphas_cumprod).log()
    generator = torch.Generator().manual_seed(payload["seed"])
    latent = (
        torch.randn((1, 4, payload["height"] // 8, payload["width"] // 8), generator=generator) * sigmas[0]
    )
    for sigma, after in pairwise(sigmas):
        low = min(int((sigma.log() >= logs).sum()) - 1, len(logs) - 2)
        share = ((logs[low] - sigma.log()) / (logs[low] - logs[low + 1])).clamp(0, 1)
        scaled = (latent / (sigma**2 + 1).sqrt()).expand(2, -1, -1, -1)
        output = model.network(scaled, (low + share).expand(2), crossattn, vector)
        if model.prediction == "v":
            denoised = latent / (sigma**2 + 1) - output * sigma / (sigma**2 + 1).sqrt()
        else:
            denoised = latent - output * sigma
        guided = denoised[1:] + payload["cfg_scale"] * (denoised[:1] - denoised[1:])
        latent = latent + (latent - guided) / sigma * (after - sigma)
    return latent


@pytest.mark.parametrize(
    ("model", "family", "case"),
    [
        ("tiny-sd15", "sd15", "sampler-euler"),
        ("tiny-b", "sd15", "checkpoint-b"),
        ("tiny-sd2v", "sd2v", "base"),
        ("tiny-sdxl", "sdxl", "base"),
        ("tiny-sdxl", "sdxl", "neg-empty"),
    ],
)
def test_latents_and_picture_are_those_of_a1111(loaded: Loaded, model: str, family: str, case: str) -> None:
    from PIL import Image

    golden, sd = golden_case(family, case), loaded(model)
    latent = euler(sd, golden["payload"], torch.tensor(golden["sigmas"][0]))
    expected = np.load(GOLDENS / family / golden["latent"])
    assert np.abs(latent.numpy() - expected).max() < 2e-5 * np.abs(expected).max()
    picture = (sd.vae.decode(latent)[0] * 255).to(torch.uint8).permute(1, 2, 0).numpy().astype(int)
    difference = np.abs(picture - np.asarray(Image.open(GOLDENS / family / golden["image"])).astype(int))
    assert difference.max() <= 2
    assert difference.mean() <= 0.02


def test_a_latent_that_does_not_halve_evenly_is_resized_as_a1111_does(loaded: Loaded) -> None:
    golden = golden_case("sd15", "hr-prompt")
    latent = euler(loaded("tiny-sd15"), golden["payload"], torch.tensor(golden["sigmas"][0]))
    expected = np.load(GOLDENS / "sd15" / golden["extra"])["firstpass.0"]
    assert np.abs(latent.numpy() - expected).max() < 2e-5 * np.abs(expected).max()


def test_weights_of_the_right_format_are_not_copied(golden_models: Path) -> None:
    path = golden_models / "tiny-sd15.safetensors"
    sd = load(model_file(path), EXACT, CPU)
    weight = sd.network.unet.conv_in.weight
    stored = load_file(path)["model.diffusion_model.input_blocks.0.0.weight"]
    assert torch.equal(weight, stored)
    mapped = [line for line in Path("/proc/self/maps").read_text().splitlines() if line.endswith(path.name)]
    spans = [[int(end, 16) for end in line.split()[0].split("-")] for line in mapped]
    assert any(start <= weight.data_ptr() < end for start, end in spans)


def test_nothing_is_left_on_the_meta_device(loaded: Loaded) -> None:
    for name in ("tiny-sd15", "tiny-sd2v", "tiny-sdxl"):
        for module in loaded(name).modules():
            assert not [n for n, t in (*module.named_parameters(), *module.named_buffers()) if t.is_meta]


def test_a_checkpoint_loads_by_shapes_alone(tmp_path: Path) -> None:
    sd = load(model_file(write(tmp_path / "starter.safetensors", small_checkpoint())), EXACT, CPU)
    assert sd.family is Family.SD1
    assert sd.text_encoder.towers[0].text_model.config.num_attention_heads == 2
    crossattn = sd.text_encoder.encode(["a cat"], EncodingOptions())[0].crossattn[None]
    assert sd.network(torch.zeros(1, 4, 8, 8), torch.tensor([500.0]), crossattn).shape == (1, 4, 8, 8)
    assert sd.vae.decode(torch.zeros(2, 4, 4, 4)).shape == (2, 3, 32, 32)


ODD_PLANS = {
    "starter-like": STARTER_LIKE,
    "three blocks, two levels": replace(
        STARTER_LIKE,
        levels=(UNetLevel(32, (1, 1, 1), (1, 1, 1, 1)), UNetLevel(96, (2, 2, 2), (2, 2, 2, 2))),
        middle_depth=2,
    ),
    "middle deeper than a level without attention": replace(
        STARTER_LIKE, levels=(UNetLevel(32, (2,), (2, 2)), UNetLevel(64, (0,), (0, 0))), middle_depth=3
    ),
    "uneven depths": replace(
        STARTER_LIKE,
        levels=(UNetLevel(32, (0, 0), (0, 0, 0)), UNetLevel(64, (2, 2), (1, 2, 1))),
        middle_depth=2,
    ),
    "inpainting, linear, vector": replace(
        STARTER_LIKE, in_channels=9, has_linear_projections=True, vector=48
    ),
}


@pytest.mark.parametrize("name", ODD_PLANS)
def test_dimensions_survive_a_round_trip_through_a_file(name: str) -> None:
    from tests.models.small_checkpoints import original_unet
    from webui.models.architectures.unet import build_unet, to_diffusers_unet

    plan = ODD_PLANS[name]
    tensors = part_of(original_unet(plan), "model.diffusion_model.")
    assert unet_dimensions(shapes_of(tensors), "x") == plan
    renamed = to_diffusers_unet(tensors, plan)
    assert diffusers_unet_dimensions(shapes_of(renamed), "x") == plan
    unet = build_unet(plan, heads=8, head_size=64)
    assert {key: tuple(t.shape) for key, t in unet.state_dict().items()} == shapes_of(renamed)


def test_sd1_without_text_model_in_its_names_loads_the_same(tmp_path: Path) -> None:
    tensors = small_checkpoint()
    short = {key.replace(".text_model.", "."): tensor for key, tensor in tensors.items()}
    made = [
        load(model_file(write(tmp_path / f"{name}.safetensors", each)), EXACT, CPU)
        for name, each in (("long", tensors), ("short", short))
    ]
    one, two = (sd.text_encoder.encode(["a cat"], EncodingOptions())[0].crossattn for sd in made)
    assert torch.equal(one, two)


def test_a_pickled_checkpoint_loads_as_the_safetensors_one(tmp_path: Path) -> None:
    tensors = small_checkpoint()
    torch.save({"state_dict": tensors, "global_step": 7}, tmp_path / "a.ckpt")
    one = load(model_file(write(tmp_path / "a.safetensors", tensors)), EXACT, CPU)
    two = load(model_file(tmp_path / "a.ckpt"), EXACT, CPU)
    pairs = zip(one.modules(), two.modules(), strict=True)
    assert all(
        torch.equal(a, b) for m, n in pairs for a, b in zip(m.parameters(), n.parameters(), strict=True)
    )


def test_a_diffusers_folder_is_the_single_file(tmp_path: Path, golden_models: Path, loaded: Loaded) -> None:
    """tiny-sdxl taken apart into a folder as diffusers lays it out."""
    single = loaded("tiny-sdxl")
    folder = tmp_path / "folder"
    unet = {
        key.replace("class_embedding.", "add_embedding."): t
        for key, t in single.network.unet.state_dict().items()
    }
    towers = single.text_encoder.towers
    second = {f"text_model.{key}": tensor for key, tensor in towers[1].text_model.state_dict().items()}
    assert towers[1].text_projection is not None
    second["text_projection.weight"] = towers[1].text_projection.weight
    write(folder / "unet" / "diffusion_pytorch_model.safetensors", unet)
    write(folder / "vae" / "diffusion_pytorch_model.safetensors", single.vae.module.state_dict())
    write(folder / "text_encoder" / "model.safetensors", towers[0].text_model.state_dict())
    write(folder / "text_encoder_2" / "model.safetensors", second)
    configurations = {
        "model_index.json": {"_class_name": "StableDiffusionXLPipeline"},
        "unet/config.json": {"attention_head_dim": [2, 4, 8], "block_out_channels": [32, 64, 128]},
        "vae/config.json": {"scaling_factor": 0.13025},
        "text_encoder/config.json": {"num_attention_heads": 4, "hidden_act": "quick_gelu"},
        "text_encoder_2/config.json": {"num_attention_heads": 4, "hidden_act": "gelu"},
        "scheduler/scheduler_config.json": {"prediction_type": "epsilon"},
    }
    for name, content in configurations.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    assert identify(read_header(folder)).family is Family.SDXL
    golden = golden_case("sdxl", "base")
    latent = euler(load(model_file(folder), EXACT, CPU), golden["payload"], torch.tensor(golden["sigmas"][0]))
    expected = np.load(GOLDENS / "sdxl" / golden["latent"])
    assert np.abs(latent.numpy() - expected).max() < 2e-5 * np.abs(expected).max()


def test_markers_and_sidecar_tell_the_prediction_and_the_sidecar_wins(tmp_path: Path) -> None:
    tensors = small_checkpoint()
    path = write(tmp_path / "a.safetensors", tensors | {"v_pred": torch.zeros(0), "ztsnr": torch.zeros(0)})
    sd = load(model_file(path), EXACT, CPU)
    assert (sd.prediction, sd.is_zero_snr) == ("v", True)
    path.with_suffix(".yaml").write_text("model: {params: {parameterization: eps, scale_factor: 0.5}}")
    sd = load(model_file(path), EXACT, CPU)
    assert (sd.prediction, sd.latent_format.scale) == ("eps", 0.5)


def test_sd2_without_sidecar_is_tried_for_v(tmp_path: Path, golden_models: Path) -> None:
    """With its last layer zero, the network answers its bias everywhere."""
    tensors = load_file(golden_models / "tiny-sd2v.safetensors")
    last = "model.diffusion_model.out.2."
    tensors[f"{last}weight"] = torch.zeros_like(tensors[f"{last}weight"])
    for bias, prediction in ((0.5, "eps"), (-0.4, "eps"), (-0.6, "v")):
        tensors[f"{last}bias"] = torch.full((4,), bias, dtype=torch.float16)
        path = write(tmp_path / f"sd2{bias}.safetensors", tensors)
        assert load(model_file(path), EXACT, CPU).prediction == prediction


@pytest.mark.parametrize("broken", ["shifted", "halves", "rubbish"])
def test_position_ids_and_rounded_tables_in_a_file_change_nothing(
    loaded: Loaded, golden_models: Path, tmp_path: Path, broken: str
) -> None:
    """Mergers averaged position ids as if they were weights, and halving programs round them."""
    tensors = load_file(golden_models / "tiny-sd15.safetensors")
    name = next(key for key in tensors if key.endswith("position_ids"))
    ids = tensors[name].float()
    changed = {"shifted": (ids - 1).clamp(min=0), "halves": (ids - 0.5).half(), "rubbish": ids * torch.nan}
    tensors |= {name: changed[broken], "alphas_cumprod": tensors["alphas_cumprod"].half()}
    shutil.copy(golden_models / "tiny-sd15.yaml", tmp_path / "model.yaml")
    model = load(model_file(write(tmp_path / "model.safetensors", tensors)), EXACT, CPU)
    whole = loaded("tiny-sd15")
    options = EncodingOptions(size=PictureSize(64, 64))
    given = [each.text_encoder.encode(["a cat, a dog"], options)[0].crossattn for each in (model, whole)]
    assert torch.equal(given[0], given[1])
    assert torch.equal(model.alphas_cumprod, whole.alphas_cumprod)


def test_the_files_own_alphas_are_used(loaded: Loaded, golden_models: Path) -> None:
    stored = load_file(golden_models / "tiny-sd15.safetensors")["alphas_cumprod"]
    assert torch.equal(loaded("tiny-sd15").alphas_cumprod, stored)


def test_half_precision_is_near_the_exact_one(golden_models: Path, loaded: Loaded) -> None:
    golden = golden_case("sd15", "sampler-euler")
    numbers = NumberFormats(torch.bfloat16, torch.bfloat16, torch.bfloat16, channels_last=True)
    sd = load(model_file(golden_models / "tiny-sd15.safetensors"), numbers, CPU)
    sigmas = torch.tensor(golden["sigmas"][0][:3])
    exact, near = (euler(each, golden["payload"], sigmas) for each in (loaded("tiny-sd15"), sd))
    assert sd.network.dtype == sd.vae.dtype == torch.bfloat16
    torch.testing.assert_close(near, exact, rtol=0, atol=0.05 * exact.abs().max().item())
    assert sd.take_messages() == []


def refused(path: Path) -> str:
    with pytest.raises(UnusableFile) as error:
        load(model_file(path), EXACT, CPU)
    assert re.fullmatch(r"\S.*\.", str(error.value))
    return str(error.value)


def test_a_checkpoint_without_vae_says_where_to_choose_one(tmp_path: Path) -> None:
    path = write(tmp_path / "bare.safetensors", small_checkpoint(vae=False))
    assert refused(path) == "bare.safetensors has no VAE: choose one in the VAE list."


def test_a_lora_given_as_a_checkpoint_is_named_as_what_it_is(tmp_path: Path) -> None:
    name = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
    path = write(tmp_path / "pretty.safetensors", {f"{name}.lora_down.weight": torch.zeros(4, 768)})
    assert "pretty.safetensors is no checkpoint but of the kind 'lora'" in refused(path)


def test_missing_tensors_are_named(tmp_path: Path) -> None:
    tensors = small_checkpoint()
    del tensors["model.diffusion_model.middle_block.0.in_layers.2.weight"]
    assert "mid_block.resnets.0.conv1.weight missing" in refused(write(tmp_path / "a.safetensors", tensors))


def test_a_checkpoint_without_text_encoder_is_refused(tmp_path: Path) -> None:
    tensors = {key: tensor for key, tensor in small_checkpoint().items() if "cond_stage" not in key}
    assert "no text encoder" in refused(write(tmp_path / "a.safetensors", tensors))


def test_tensors_of_another_plan_are_refused_with_both_shapes(tmp_path: Path) -> None:
    tensors = small_checkpoint()
    tensors["model.diffusion_model.out.0.weight"] = torch.zeros(33)
    assert "conv_norm_out.weight is (33,), not (32,)" in refused(write(tmp_path / "a.safetensors", tensors))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model: [", "not valid YAML"),
        ("model: {params: {scale_factor: big}}", "wrong kind"),
        ("model: {params: {unet_config: {params: {num_heads: -3}}}}", "wrong kind"),
        ("!!python/object/apply:os.system ['true']", "not valid YAML"),
    ],
)
def test_a_bad_sidecar_is_refused_with_its_name(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path / "a.safetensors", small_checkpoint())
    path.with_suffix(".yaml").write_text(text)
    assert re.match(rf"a\.yaml .*{said}", refused(path))


def test_the_format_of_most_weights_is_the_files_format(tmp_path: Path) -> None:
    tensors = {
        "a.weight": torch.zeros(4, 4).half(),
        "b.weight": torch.zeros(2, 2).half(),
        "c": torch.zeros(3, 3),
    }
    save_file(tensors, tmp_path / "a.safetensors")
    assert find_stored_dtype(read_header(tmp_path / "a.safetensors")) == torch.float16


def test_a_small_vae_is_read_off_its_shapes(tmp_path: Path) -> None:
    sd = load(model_file(write(tmp_path / "a.safetensors", small_checkpoint())), EXACT, CPU)
    assert tuple(sd.vae.module.config["block_out_channels"]) == SMALL_VAE.channels
