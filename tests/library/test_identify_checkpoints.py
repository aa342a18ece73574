"""Checkpoints of Stable Diffusion in all the ways in which they are published, and what is like them."""

from typing import Any

import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

from tests.library.test_identify import FIRST, SD15, SDXL, header
from tests.models.real_size import DIFFUSERS, NETWORK, UNETS, as_sd2
from webui.core.model_file import Family, ModelKind
from webui.library.files.headers import Header, TensorInfo
from webui.library.recognise.identify import identify
from webui.library.recognise.kinds import describe

Shapes = dict[str, tuple[int, ...]]
OPEN_CLIP = "cond_stage_model.model."
VAE: Shapes = {"decoder.conv_in.weight": (512, 4, 3, 3), "encoder.conv_in.weight": (128, 3, 3, 3)}


def under(prefix: str, shapes: Shapes) -> Shapes:
    return {prefix + key: shape for key, shape in shapes.items()}


def without(shapes: Shapes, *beginnings: str) -> Shapes:
    return {key: shape for key, shape in shapes.items() if not key.startswith(beginnings)}


def network(shapes: Shapes) -> Shapes:
    return {key.removeprefix(NETWORK): shape for key, shape in shapes.items() if key.startswith(NETWORK)}


def sd2(**extra: tuple[int, ...]) -> Shapes:
    """SD2 with the first layers of its text encoder; `extra` replaces the first convolution's shape."""
    text = {
        "token_embedding.weight": (49408, 1024),
        "transformer.resblocks.0.attn.in_proj_weight": (3072, 1024),
        "positional_embedding": (77, 1024),
        "text_projection": (1024, 1024),
    }
    made = as_sd2(without(SD15, "cond_stage_model.")) | under(OPEN_CLIP, text)
    return made | {FIRST: extra.get("first", (320, 4, 3, 3))}


SD2 = sd2()
EMA = {f"model_ema.{key.removeprefix('model.').replace('.', '')}": shape for key, shape in SD15.items()}
SCHEDULE: Shapes = {"betas": (1000,), "alphas_cumprod": (1000,), "sqrt_alphas_cumprod": (1000,)}
SHALLOW = {
    key: shape
    for key, shape in SDXL.items()
    if "transformer_blocks." not in key or any(f"transformer_blocks.{depth}." in key for depth in (0, 1))
}
USED: dict[str, tuple[Shapes, Family]] = {
    "SD1 with averaged weights": (SD15 | EMA | {"model_ema.decay": ()}, Family.SD1),
    "SD1 with its schedule": (SD15 | SCHEDULE, Family.SD1),
    "SD1 without VAE": (without(SD15, "first_stage_model."), Family.SD1),
    "SD2": (SD2, Family.SD2),
    "SD2 for inpainting": (sd2(first=(320, 9, 3, 3)), Family.SD2),
    "SD2 with its text encoder in transformers' names": (
        without(SD2, OPEN_CLIP)
        | {"cond_stage_model.transformer.text_model.embeddings.token_embedding.weight": (49408, 1024)},
        Family.SD2,
    ),
    "SDXL for inpainting": (SDXL | {FIRST: (320, 9, 3, 3)}, Family.SDXL),
    "SDXL of v": (SDXL | {"v_pred": (), "ztsnr": ()}, Family.SDXL),
    "SDXL with fewer layers": (
        without(SHALLOW, f"{NETWORK}middle_block.1.", f"{NETWORK}middle_block.2."), Family.SDXL
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", USED)
def test_a_checkpoint_is_used_in_whatever_way_it_is_published(name: str) -> None:
    shapes, family = USED[name]
    found = identify(header(shapes))
    assert (found.kind, found.family, found.reason) == (ModelKind.CHECKPOINT, family, None)


REFUSED: dict[str, tuple[Shapes, Family, str]] = {
    "SD1 without text encoder": (without(SD15, "cond_stage_model."), Family.SD1, "has no text encoder"),
    "SDXL without its second text encoder": (
        without(SDXL, "conditioner.embedders.1."), Family.SDXL, "lacks one of its 2 text encoders"
    ),
    "SDXL without its first text encoder": (
        without(SDXL, "conditioner.embedders.0."), Family.SDXL, "lacks one of its 2 text encoders"
    ),
    "InstructPix2Pix": (SD15 | {FIRST: (320, 8, 3, 3)}, Family.SD1, "takes 8 channels"),
    "SD2 for depth": (
        sd2(first=(320, 5, 3, 3)) | {"depth_model.model.pretrained.model.cls_token": (1, 1, 768)},
        Family.SD2,
        "needs a depth model",
    ),
    "SD2 unCLIP": (
        SD2 | {f"{NETWORK}label_emb.0.0.weight": (1280, 1536), "embedder.model.visual.proj": (1024, 768)},
        Family.SD2,
        "unCLIP",
    ),
    "Playground": (SDXL | {"edm_mean": (1, 4, 1, 1)}, Family.SDXL, "EDM"),
    "CosXL": (SDXL | {"edm_vpred.sigma_max": ()}, Family.SDXL, "EDM"),
    "AltDiffusion": (
        without(SD15, "cond_stage_model.")
        | {"cond_stage_model.roberta.embeddings.word_embeddings.weight": (250002, 1024)},
        Family.SD1,
        "AltDiffusion",
    ),
    "Paint by Example": (
        without(SD15, "cond_stage_model.")
        | {FIRST: (320, 9, 3, 3), "cond_stage_model.transformer.vision_model.post_layernorm.weight": (1024,)},
        Family.SD1,
        "has no text encoder",
    ),
    "Zero-1-to-3": (
        without(SD15, "cond_stage_model.")
        | {FIRST: (320, 8, 3, 3), "cc_projection.weight": (768, 772), "cc_projection.bias": (768,)},
        Family.SD1,
        "takes a picture instead",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_checkpoint_that_cannot_be_used_is_named_and_says_why(name: str) -> None:
    shapes, family, said = REFUSED[name]
    found = identify(header(shapes))
    assert (found.kind, found.family) == (ModelKind.CHECKPOINT, family)
    assert said in (found.reason or "")
    assert describe(found).endswith(".")


KOLORS_VECTOR, REFINER_VECTOR = 5632, 2560


def diffusers_unet(family: Family, **changes: Any) -> Shapes:  # Any: settings of diffusers' class
    with torch.device("meta"):
        unet = UNet2DConditionModel(**(DIFFUSERS[family] | changes))
    return {name: tuple(tensor.shape) for name, tensor in unet.state_dict().items()}


UNET_SETTINGS: dict[str, tuple[Family, dict[str, Any], Family]] = {
    "SD1": (Family.SD1, {}, Family.SD1),
    "SD1 of latent consistency": (Family.SD1, {"time_cond_proj_dim": 256}, Family.SD1),
    "SD2": (Family.SD2, {}, Family.SD2),
    "SD2 unCLIP": (
        Family.SD2,
        {"class_embed_type": "projection", "projection_class_embeddings_input_dim": 1536},
        Family.SD2,
    ),
    "SDXL": (Family.SDXL, {}, Family.SDXL),
    "Segmind Vega": (
        Family.SDXL,
        {"transformer_layers_per_block": (1, 1, 2), "mid_block_type": "UNetMidBlock2D"},
        Family.SDXL,
    ),
    "SDXL refiner": (
        Family.SDXL,
        {"cross_attention_dim": 1280, "projection_class_embeddings_input_dim": REFINER_VECTOR},
        Family.SDXL_REFINER,
    ),
    "Kolors": (
        Family.SDXL,
        {
            "projection_class_embeddings_input_dim": KOLORS_VECTOR,
            "encoder_hid_dim": 4096,
            "encoder_hid_dim_type": "text_proj",
        },
        Family.KOLORS,
    ),
    "DeepFloyd": (
        Family.SD1,
        {"cross_attention_dim": 1280, "in_channels": 3, "out_channels": 6},
        Family.OTHER,
    ),
}


@pytest.mark.parametrize("name", UNET_SETTINGS)
@pytest.mark.parametrize("prefix", ["", "unet."])
def test_a_unet_in_diffusers_names_is_of_its_family(name: str, prefix: str) -> None:
    base, changes, family = UNET_SETTINGS[name]
    found = identify(header(under(prefix, diffusers_unet(base, **changes))))
    assert (found.kind, found.family, found.can_run) == (ModelKind.DIFFUSION_MODEL, family, False)


@pytest.mark.parametrize("family", UNETS)
@pytest.mark.parametrize("prefix", ["", "diffusion_model.", NETWORK])
def test_a_unet_in_its_first_names_is_of_its_family(family: Family, prefix: str) -> None:
    found = identify(header(under(prefix, network(UNETS[family]))))
    assert (found.kind, found.family) == (ModelKind.DIFFUSION_MODEL, family)


@pytest.mark.parametrize("joint", ["/", "."])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SD1", {"text_encoder": 768}),
        ("SD2", {"text_encoder": 1024}),
        ("SDXL", {"text_encoder": 768, "text_encoder_2": 1280}),
        ("SDXL refiner", {"text_encoder_2": 1280}),
    ],
)
def test_a_pipeline_of_diffusers_is_a_checkpoint(joint: str, name: str, text: dict[str, int]) -> None:
    base, changes, family = UNET_SETTINGS[name]
    shapes = under(f"unet{joint}", diffusers_unet(base, **changes)) | under(f"vae{joint}", VAE)
    for part, width in text.items():
        shapes |= {f"{part}{joint}text_model.embeddings.token_embedding.weight": (49408, width)}
    layout = "diffusers" if joint == "/" else "safetensors"
    tensors = {key: TensorInfo("F16", shape) for key, shape in shapes.items()}
    found = identify(Header(tensors, layout=layout))
    assert (found.kind, found.family, found.reason) == (ModelKind.CHECKPOINT, family, None)


def test_kolors_folder_is_kolors_though_its_text_encoder_is_called_as_sd1s() -> None:
    base, changes, _ = UNET_SETTINGS["Kolors"]
    shapes = under("unet/", diffusers_unet(base, **changes)) | under("vae/", VAE)
    shapes |= {"text_encoder/encoder.layers.0.self_attention.query_key_value.weight": (4608, 4096)}
    tensors = {key: TensorInfo("F16", shape) for key, shape in shapes.items()}
    found = identify(Header(tensors, layout="diffusers"))
    assert (found.family, found.can_run) == (Family.KOLORS, False)


def test_a_network_of_pictures_between_codes_is_ldsr() -> None:
    shapes = {
        f"{NETWORK}input_blocks.0.0.weight": (160, 6, 3, 3),
        f"{NETWORK}out.2.weight": (3, 160, 3, 3),
        "first_stage_model.decoder.conv_in.weight": (512, 3, 3, 3),
        "first_stage_model.quantize.embedding.weight": (8192, 3),
    }
    found = identify(header(shapes))
    assert (found.kind, found.architecture, found.can_run) == (ModelKind.UPSCALER, "LDSR", False)


def test_a_checkpoint_with_a_controlnet_inside_is_the_controlnet() -> None:
    control = under("control_model.", network(SD15)) | {
        "control_model.zero_convs.0.0.weight": (320, 320, 1, 1),
        "control_model.input_hint_block.0.weight": (16, 3, 3, 3),
    }
    found = identify(header(SD15 | control))
    assert (found.kind, found.family) == (ModelKind.CONTROLNET, Family.SD1)


def test_a_folder_of_which_only_a_part_is_listed_is_told_by_that_part() -> None:
    shapes = {"unet/conv_in.weight": (320, 4, 3, 3), "text_encoder/text_model.x": (1,)}
    tensors = {key: TensorInfo("F16", shape) for key, shape in shapes.items()}
    found = identify(Header(tensors, layout="diffusers"))
    assert (found.kind, found.family, found.reason) == (ModelKind.CHECKPOINT, Family.SD1, None)


def test_a_checkpoint_of_averages_alone_is_refused_with_a_sentence() -> None:
    names = (
        "model_ema.decay",
        "model_ema.diffusion_modelinput_blocks00weight",
        "first_stage_model.decoder.conv_in.weight",
    )
    found = identify(Header({name: TensorInfo("F32", (4, 4, 3, 3)) for name in names}))
    assert found.kind is ModelKind.CHECKPOINT
    assert "EMA" in (found.reason or "")
