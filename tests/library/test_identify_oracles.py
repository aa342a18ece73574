"""What files are told to be, against the networks themselves.

Classes of diffusers and transformers, made without weights, give names and shapes; LoRAs of every sort and in
everybody's names are made from those of their modules.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import diffusers
import pytest
import torch
import transformers
from torch import nn

from tests.library.test_identify import SD15, SDXL, header
from webui.core.model_file import AdapterSort, Family, KeyStyle, ModelKind
from webui.library.recognise.identify import identify

Shapes = dict[str, tuple[int, ...]]
LAYERS = ("num_layers", "num_single_layers", "n_layers", "num_mmdit_layers", "num_single_dit_layers")


def made(name: str, **settings: Any) -> nn.Module:  # Any: whatever a class of diffusers takes
    """A network of diffusers on no device, with few layers."""
    kind = getattr(diffusers, name)
    known = inspect.signature(kind.__init__).parameters
    few = {key: 2 for key in LAYERS if key in known and isinstance(known[key].default, int)}
    with torch.device("meta"):
        return kind(**(few | settings))


def shapes_of(network: nn.Module) -> Shapes:
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


# Class, settings that make it the published one where its defaults do not, family.
TRANSFORMERS: list[tuple[str, dict[str, object], Family]] = [
    ("AuraFlowTransformer2DModel", {}, Family.AURAFLOW),
    ("ChromaTransformer2DModel", {}, Family.CHROMA),
    ("CogVideoXTransformer3DModel", {}, Family.COGVIDEO),
    ("CogView4Transformer2DModel", {}, Family.COGVIEW),
    ("CosmosTransformer3DModel", {}, Family.COSMOS),
    ("Flux2Transformer2DModel", {}, Family.FLUX2),
    ("FluxTransformer2DModel", {}, Family.FLUX),
    ("HunyuanImageTransformer2DModel", {}, Family.HUNYUAN_IMAGE),
    ("HunyuanVideoTransformer3DModel", {}, Family.HUNYUAN_VIDEO),
    ("Kandinsky5Transformer3DModel", {}, Family.KANDINSKY),
    ("Krea2Transformer2DModel", {}, Family.KREA2),
    ("LTXVideoTransformer3DModel", {}, Family.LTX_VIDEO),
    ("Lumina2Transformer2DModel", {}, Family.LUMINA2),
    ("MochiTransformer3DModel", {}, Family.MOCHI),
    ("PixArtTransformer2DModel", {}, Family.PIXART),
    ("QwenImageTransformer2DModel", {}, Family.QWEN_IMAGE),
    ("SD3Transformer2DModel", {"num_attention_heads": 24}, Family.SD3),
    ("SanaTransformer2DModel", {}, Family.SANA),
    ("WanTransformer3DModel", {}, Family.WAN),
    ("ZImageTransformer2DModel", {}, Family.Z_IMAGE),
]
# Without their own modules these have the names and widths of Flux.
LIKE_FLUX = {Family.CHROMA}


@pytest.mark.parametrize(("name", "settings", "family"), TRANSFORMERS, ids=[each[0] for each in TRANSFORMERS])
def test_a_network_and_loras_for_it_are_of_one_family(
    name: str, settings: dict[str, object], family: Family
) -> None:
    network = made(name, **settings)
    found = identify(header(shapes_of(network)))
    assert (found.kind, found.family) == (ModelKind.DIFFUSION_MODEL, family)
    assert f"{family.value} model" in (found.reason or "")
    beside_vae = {f"model.diffusion_model.{key}": shape for key, shape in shapes_of(network).items()}
    beside_vae["first_stage_model.decoder.conv_in.weight"] = (512, 16, 3, 3)
    assert identify(header(beside_vae)).kind is ModelKind.CHECKPOINT
    layers = {
        key: (module.out_features, module.in_features)
        for key, module in network.named_modules()
        if isinstance(module, nn.Linear)
    }
    attention = {key: shape for key, shape in layers.items() if "attn" in key or "attention" in key}
    for chosen in (layers, attention) if family not in LIKE_FLUX else (layers,):
        for spell in (diffusers_names, plain_names, kohya_names, peft_names, comfy_names, onetrainer_names):
            lora = identify(header(dict(spell(chosen))))
            assert (lora.kind, lora.family) == (ModelKind.LORA, family), spell


Layers = dict[str, tuple[int, int]]


def pairs(
    layers: Layers, prefix: str, down: str, up: str, dot: str = "."
) -> Iterator[tuple[str, tuple[int, ...]]]:
    for name, (rows, columns) in layers.items():
        yield f"{prefix}{name.replace('.', dot)}.{down}.weight", (8, columns)
        yield f"{prefix}{name.replace('.', dot)}.{up}.weight", (rows, 8)


def diffusers_names(layers: Layers) -> Iterator[tuple[str, tuple[int, ...]]]:
    return pairs(layers, "transformer.", "lora_A", "lora_B")


def plain_names(layers: Layers) -> Iterator[tuple[str, tuple[int, ...]]]:
    return pairs(layers, "", "lora_A", "lora_B")


def kohya_names(layers: Layers) -> Iterator[tuple[str, tuple[int, ...]]]:
    return pairs(layers, "lora_unet_", "lora_down", "lora_up", "_")


def peft_names(layers: Layers) -> Iterator[tuple[str, tuple[int, ...]]]:
    return pairs(layers, "base_model.model.", "lora_A.default", "lora_B.default")


def comfy_names(layers: Layers) -> Iterator[tuple[str, tuple[int, ...]]]:
    return pairs(layers, "diffusion_model.", "lora_A", "lora_B")


def onetrainer_names(layers: Layers) -> Iterator[tuple[str, tuple[int, ...]]]:
    return pairs(layers, "lora_transformer_", "lora_down", "lora_up", "_")


VAES: list[tuple[str, dict[str, object], Family, bool]] = [
    ("AutoencoderKL", {}, Family.UNKNOWN, True),
    ("AutoencoderKL", {"latent_channels": 16, "use_quant_conv": False}, Family.FLUX, False),
    ("AutoencoderKLFlux2", {}, Family.FLUX2, False),
    ("AutoencoderKLWan", {}, Family.WAN, False),
    ("AutoencoderKLCogVideoX", {}, Family.COGVIDEO, False),
    ("AutoencoderKLCosmos", {}, Family.COSMOS, False),
    ("AutoencoderKLHunyuanVideo", {}, Family.HUNYUAN_VIDEO, False),
    ("AutoencoderKLLTXVideo", {}, Family.LTX_VIDEO, False),
    ("AutoencoderKLMochi", {}, Family.MOCHI, False),
    ("AutoencoderDC", {}, Family.SANA, False),
    ("AutoencoderKLTemporalDecoder", {}, Family.SVD, False),
]


@pytest.mark.parametrize(("name", "settings", "family", "is_used"), VAES)
def test_a_vae_is_told_by_its_layers(
    name: str, settings: dict[str, object], family: Family, is_used: bool
) -> None:
    found = identify(header(shapes_of(made(name, **settings))))
    assert (found.kind, found.family, found.can_run) == (ModelKind.VAE, family, is_used)


@pytest.mark.parametrize(("channels", "is_used"), [(4, True), (16, False)])
def test_a_tiny_vae_is_told_by_its_channels(channels: int, is_used: bool) -> None:
    found = identify(header(shapes_of(made("AutoencoderTiny", latent_channels=channels))))
    assert (found.kind, found.can_run) == (ModelKind.TAESD, is_used)


STEERING: list[tuple[str, dict[str, object], ModelKind, Family]] = [
    ("ControlNetModel", {"cross_attention_dim": 768}, ModelKind.CONTROLNET, Family.SD1),
    ("ControlNetModel", {"cross_attention_dim": 1024}, ModelKind.CONTROLNET, Family.SD2),
    ("ControlNetModel", {"cross_attention_dim": 2048}, ModelKind.CONTROLNET, Family.SDXL),
    ("FluxControlNetModel", {}, ModelKind.CONTROLNET, Family.FLUX),
    ("SD3ControlNetModel", {}, ModelKind.CONTROLNET, Family.SD3),
    ("QwenImageControlNetModel", {}, ModelKind.CONTROLNET, Family.QWEN_IMAGE),
    ("SanaControlNetModel", {}, ModelKind.CONTROLNET, Family.SANA),
    ("T2IAdapter", {"adapter_type": "full_adapter"}, ModelKind.T2I_ADAPTER, Family.SD1),
    (
        "T2IAdapter",
        {"adapter_type": "full_adapter_xl", "downscale_factor": 16},
        ModelKind.T2I_ADAPTER,
        Family.SDXL,
    ),
    ("T2IAdapter", {"adapter_type": "light_adapter"}, ModelKind.T2I_ADAPTER, Family.SD1),
    ("MotionAdapter", {}, ModelKind.MOTION_MODULE, Family.SD1),
    ("UNetSpatioTemporalConditionModel", {}, ModelKind.DIFFUSION_MODEL, Family.SVD),
    ("UNet2DConditionModel", {"cross_attention_dim": 768}, ModelKind.DIFFUSION_MODEL, Family.SD1),
]


# What ControlNet's units use.
USED = (ModelKind.CONTROLNET, ModelKind.T2I_ADAPTER)


@pytest.mark.parametrize(("name", "settings", "kind", "family"), STEERING)
def test_a_network_that_steers_is_told_by_what_it_steers(
    name: str, settings: dict[str, object], kind: ModelKind, family: Family
) -> None:
    found = identify(header(shapes_of(made(name, **settings))))
    assert (found.kind, found.family) == (kind, family)
    can_run = kind in USED and family in (Family.SD1, Family.SD2, Family.SDXL)
    assert (found.reason is None) == can_run


ENCODERS: list[tuple[str, str, dict[str, object], ModelKind, str]] = [
    ("CLIPTextModel", "CLIPTextConfig", {"hidden_size": 768}, ModelKind.TEXT_ENCODER, "CLIP-L"),
    (
        "CLIPTextModelWithProjection",
        "CLIPTextConfig",
        {"hidden_size": 1280, "num_attention_heads": 20},
        ModelKind.TEXT_ENCODER,
        "OpenCLIP-bigG",
    ),
    ("CLIPVisionModel", "CLIPVisionConfig", {}, ModelKind.IMAGE_ENCODER, "CLIP vision"),
    ("SiglipVisionModel", "SiglipVisionConfig", {}, ModelKind.IMAGE_ENCODER, "SigLIP"),
    ("T5EncoderModel", "T5Config", {"d_model": 4096}, ModelKind.TEXT_ENCODER, "T5-XXL"),
    ("UMT5EncoderModel", "UMT5Config", {"d_model": 4096}, ModelKind.TEXT_ENCODER, "UMT5-XXL"),
    ("Qwen3ForCausalLM", "Qwen3Config", {"hidden_size": 2560}, ModelKind.TEXT_ENCODER, "Qwen3 4B"),
    ("Qwen2ForCausalLM", "Qwen2Config", {"hidden_size": 3584}, ModelKind.TEXT_ENCODER, "Qwen2.5"),
    ("LlamaForCausalLM", "LlamaConfig", {}, ModelKind.TEXT_ENCODER, "Llama"),
    ("Gemma2Model", "Gemma2Config", {}, ModelKind.TEXT_ENCODER, "Gemma 2"),
    ("Dinov2Model", "Dinov2Config", {}, ModelKind.IMAGE_ENCODER, "DINOv2"),
]


@pytest.mark.parametrize(("name", "config", "settings", "kind", "architecture"), ENCODERS)
def test_an_encoder_is_told_by_its_layers_and_width(
    name: str, config: str, settings: dict[str, Any], kind: ModelKind, architecture: str
) -> None:
    few = {"num_hidden_layers": 2, "num_layers": 2}
    with torch.device("meta"):
        network = getattr(transformers, name)(getattr(transformers, config)(**(few | settings)))
    found = identify(header(shapes_of(network)))
    assert (found.kind, found.architecture) == (kind, architecture)
    # IP-Adapters read through it.
    assert (found.reason is None) == (architecture == "CLIP vision")


def matrices(shapes: Shapes, prefix: str, ends: tuple[str, ...]) -> Layers:
    """Matrices below a prefix whose names end so."""
    return {
        key.removeprefix(prefix).removesuffix(".weight"): (shape[0], shape[1])
        for key, shape in shapes.items()
        if key.startswith(prefix) and key.removesuffix(".weight").endswith(ends) and len(shape) == 2
    }


ATTENTION = ("attn1.to_q", "attn1.to_k", "attn2.to_q", "attn2.to_k", "attn2.to_v")
NETWORK = "model.diffusion_model."
SD2 = {
    key: (*shape[:1], 1024) if key.endswith(("attn2.to_k.weight", "attn2.to_v.weight")) else shape
    for key, shape in SD15.items()
}
UNETS = {Family.SD1: SD15, Family.SD2: SD2, Family.SDXL: SDXL}
Sort = Callable[[int, int], dict[str, tuple[int, ...]]]
SORTS: dict[AdapterSort, Sort] = {
    AdapterSort.LORA: lambda rows, columns: {
        "lora_down.weight": (8, columns), "lora_up.weight": (rows, 8), "alpha": ()
    },
    AdapterSort.DORA: lambda rows, columns: {
        "lora_down.weight": (8, columns), "lora_up.weight": (rows, 8), "dora_scale": (rows, 1), "alpha": ()
    },
    AdapterSort.LOHA: lambda rows, columns: {
        "hada_w1_a": (rows, 4), "hada_w1_b": (4, columns), "hada_w2_a": (rows, 4), "hada_w2_b": (4, columns)
    },
    AdapterSort.LOKR: lambda rows, columns: {
        "lokr_w1": (8, 8), "lokr_w2_a": (rows // 8, 4), "lokr_w2_b": (4, columns // 8), "alpha": ()
    },
    AdapterSort.GLORA: lambda rows, columns: {
        "a1.weight": (4, columns), "a2.weight": (columns, 4), "b1.weight": (4, columns),
        "b2.weight": (rows, 4),
    },
    AdapterSort.FULL: lambda rows, columns: {"diff": (rows, columns)},
}  # fmt: skip


@pytest.mark.parametrize("family", UNETS)
@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize(
    ("prefix", "dot", "style"),
    [
        ("lora_unet_", "_", KeyStyle.KOHYA),
        ("lycoris_", "_", KeyStyle.LYCORIS),
        ("unet.", ".", KeyStyle.DIFFUSERS),
        ("diffusion_model.", ".", KeyStyle.AI_TOOLKIT),
        ("base_model.model.", ".", KeyStyle.PEFT),
    ],
)
def test_a_lora_of_any_sort_and_names_is_known_by_the_text_it_reads(
    family: Family, sort: AdapterSort, prefix: str, dot: str, style: KeyStyle
) -> None:
    layers = matrices(UNETS[family], NETWORK, ATTENTION)
    shapes = {
        f"{prefix}{name.replace('.', dot)}.{end}": shape
        for name, (rows, columns) in layers.items()
        for end, shape in SORTS[sort](rows, columns).items()
    }
    found = identify(header(shapes))
    assert (found.kind, found.family, found.sort) == (ModelKind.LORA, family, sort)
    assert found.key_style is style
    assert found.can_run


def test_a_lora_on_convolutions_is_a_locon() -> None:
    block = "lora_unet_down_blocks_0_resnets_0_conv1"
    shapes = {f"{block}.lora_down.weight": (8, 320, 3, 3), f"{block}.lora_up.weight": (320, 8, 1, 1)}
    assert identify(header(shapes)).sort is AdapterSort.LOCON


@pytest.mark.parametrize(
    ("ends", "sort"),
    [
        ({"oft_blocks": (8, 40, 40)}, AdapterSort.OFT),
        ({"oft_blocks": (3, 8, 40, 40)}, AdapterSort.BOFT),
        ({"on_input": (), "weight": (320,)}, AdapterSort.IA3),
        ({"w_norm": (320,), "b_norm": (320,)}, AdapterSort.NORMS),
    ],
)
def test_sorts_that_read_no_text_are_known_by_where_they_stand(
    ends: dict[str, tuple[int, ...]], sort: AdapterSort
) -> None:
    for block, family in (
        ("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_k", Family.SD1),
        ("lora_unet_down_blocks_2_attentions_0_transformer_blocks_7_attn1_to_k", Family.SDXL),
    ):
        found = identify(header({f"{block}.{end}": shape for end, shape in ends.items()}))
        assert (found.sort, found.family) == (sort, family)
