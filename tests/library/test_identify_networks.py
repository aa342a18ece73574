"""Other networks as programs pack, wrap and cut them: each told by its names and shapes."""

import importlib
import inspect
from pathlib import Path

import pytest
import spandrel.architectures
import torch
from torch import nn

from tests.library.test_identify import SD15, SDXL, header
from tests.library.test_identify_checkpoints import NETWORK, network, under
from tests.library.test_identify_oracles import made, shapes_of
from webui.core.model_file import AdapterSort, Family, ModelKind
from webui.library.recognise.identify import identify
from webui.library.recognise.kinds import describe

Shapes = dict[str, tuple[int, ...]]
FLUX: Shapes = {
    "double_blocks.0.img_attn.qkv.weight": (9216, 3072),
    "double_blocks.0.img_attn.norm.key_norm.scale": (128,),
    "single_blocks.0.linear1.weight": (21504, 3072),
    "img_in.weight": (3072, 64),
    "txt_in.weight": (3072, 4096),
    "vector_in.in_layer.weight": (3072, 768),
    "final_layer.linear.weight": (64, 3072),
}
FLUX_VAE: Shapes = {
    "vae.decoder.conv_in.weight": (512, 16, 3, 3),
    "vae.encoder.conv_in.weight": (128, 3, 3, 3),
}
VIDEO: Shapes = {
    "double_blocks.0.img_attn.qkv.weight": (9216, 3072),
    "img_in.proj.weight": (3072, 16, 1, 2, 2),
    "txt_in.individual_token_refiner.blocks.0.self_attn.qkv.weight": (9216, 3072),
    "txt_in.input_embedder.weight": (3072, 4096),
}
CASCADE: Shapes = {"clf.1.weight": (64, 2048, 1, 1), "clip_txt_mapper.weight": (2048, 1280)}


def in_8_bits(shapes: Shapes) -> Shapes:
    """Scales beside the weights, as Comfy keeps them."""
    scales = {f"{key.removesuffix('weight')}scale_weight": () for key in shapes if key.endswith(".weight")}
    return shapes | scales | {"scaled_fp8": (2,)}


def in_4_bits(shapes: Shapes) -> Shapes:
    """As bitsandbytes packs matrices."""
    found: Shapes = {}
    for key, shape in shapes.items():
        if len(shape) != 2:
            found[key] = shape
            continue
        found |= {
            key: (shape[0] * shape[1] // 2, 1),
            f"{key}.absmax": (shape[0] * shape[1] // 64,),
            f"{key}.quant_map": (16,),
            f"{key}.quant_state.bitsandbytes__nf4": (200,),
        }
    return found


def in_svd_quant(shapes: Shapes) -> Shapes:
    """As Nunchaku packs matrices: with a LoRA of its own beside each."""
    found: Shapes = {}
    for key, shape in shapes.items():
        name = key.removesuffix(".weight")
        if len(shape) != 2 or "blocks" not in key:
            found[key] = shape
            continue
        found |= {
            f"{name}.qweight": (shape[0], shape[1] // 2),
            f"{name}.wscales": (shape[1] // 64, shape[0]),
            f"{name}.lora_down": (shape[1], 32),
            f"{name}.lora_up": (shape[0], 32),
        }
    return found


def few(name: str, **settings: object) -> Shapes:
    return shapes_of(made(name, **settings))


@pytest.fixture(scope="module")
def diffusers_flux() -> Shapes:
    return few("FluxTransformer2DModel")


@pytest.mark.parametrize("pack", [in_8_bits, in_4_bits, in_svd_quant])
def test_a_packed_network_is_what_it_was(pack, diffusers_flux: Shapes) -> None:
    for shapes in (diffusers_flux, FLUX):
        if pack is in_svd_quant and shapes is FLUX:
            continue
        found = identify(header(pack(shapes)))
        assert (found.kind, found.family) == (ModelKind.DIFFUSION_MODEL, Family.FLUX)
        assert identify(header(pack(under("model.diffusion_model.", shapes)))).family is Family.FLUX


DIFFUSION: dict[str, tuple[Shapes, ModelKind, Family]] = {
    "Flux all in one": (
        under(NETWORK, in_4_bits(FLUX)) | FLUX_VAE, ModelKind.CHECKPOINT, Family.FLUX
    ),
    "Flux fill": (FLUX | {"img_in.weight": (3072, 384)}, ModelKind.DIFFUSION_MODEL, Family.FLUX),
    "Hunyuan Video, as repackaged": (
        under("model.model.", VIDEO), ModelKind.DIFFUSION_MODEL, Family.HUNYUAN_VIDEO
    ),
    "Stable Cascade with its text encoder": (
        under(NETWORK, CASCADE) | {"text_encoder.transformer.text_model.final_layer_norm.weight": (1280,)},
        ModelKind.CHECKPOINT,
        Family.CASCADE,
    ),
    "Stable Cascade's second stage with its VAE": (
        under(NETWORK, {"clip_mapper.weight": (5120, 1280), "effnet_mapper.0.weight": (1280, 16, 1, 1)})
        | {"vqgan.in_block.1.weight": (192, 12, 1, 1)},
        ModelKind.CHECKPOINT,
        Family.CASCADE,
    ),
    "Wan's VACE blocks alone": (
        {
            "vace_blocks.0.before_proj.weight": (5120, 5120),
            "vace_patch_embedding.weight": (5120, 96, 1, 2, 2),
        },
        ModelKind.DIFFUSION_MODEL,
        Family.WAN,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DIFFUSION)
def test_a_diffusion_network_is_known_as_programs_save_it(name: str) -> None:
    shapes, kind, family = DIFFUSION[name]
    found = identify(header(shapes))
    assert (found.kind, found.family, found.can_run) == (kind, family, False)


# Blocks of Flux around other encoders or another clock, and transformers that are like none.
UNNAMED = (
    "BriaTransformer2DModel", "BriaFiboTransformer2DModel", "LongCatImageTransformer2DModel",
    "OvisImageTransformer2DModel", "PRXTransformer2DModel", "StableAudioDiTModel", "PriorTransformer",
)  # fmt: skip


@pytest.mark.parametrize("name", UNNAMED)
def test_a_transformer_of_no_known_family_is_called_just_that(name: str) -> None:
    found = identify(header(few(name)))
    assert (found.kind, found.family) == (ModelKind.DIFFUSION_MODEL, Family.OTHER)
    assert "diffusion transformer" in (found.reason or "")


def first_half(shapes: Shapes) -> Shapes:
    """The part of a U-Net that a ControlNet copies."""
    return {key: shape for key, shape in network(shapes).items() if not key.startswith(("out.", "output_"))}


CONTROL, XL_CONTROL = first_half(SD15), first_half(SDXL)
HINT: Shapes = {"input_hint_block.0.weight": (16, 3, 3, 3), "zero_convs.0.0.weight": (320, 320, 1, 1)}
BRUSH: Shapes = {
    "brushnet_down_blocks.0.weight": (320, 320, 1, 1),
    "conv_in_condition.weight": (320, 9, 3, 3),
    "time_embedding.linear_1.weight": (1280, 320),
}
TEMPORAL = "temporal_transformer.transformer_blocks.0.attention_blocks.0.to_q.weight"
STEERING: dict[str, tuple[Shapes, ModelKind, Family]] = {
    "ControlNet of differences": (
        under("control_model.", CONTROL | HINT) | {"difference": ()}, ModelKind.CONTROLNET, Family.SD1
    ),
    "SDXL ControlNet without attention": (
        {key: shape for key, shape in (XL_CONTROL | HINT).items() if "transformer_blocks" not in key},
        ModelKind.CONTROLNET,
        Family.SDXL,
    ),
    "Kolors ControlNet": (
        few("ControlNetModel", cross_attention_dim=2048) | {"add_embedding.linear_1.weight": (1280, 5632)},
        ModelKind.CONTROLNET,
        Family.KOLORS,
    ),
    "Hunyuan-DiT ControlNet": (
        {"after_proj_list.0.weight": (1408, 1408), "mlp_t5.0.weight": (8192, 2048)},
        ModelKind.CONTROLNET,
        Family.HUNYUAN_DIT,
    ),
    "PixArt ControlNet": (
        {"controlnet.controlnet_blocks.0.copied_block.attn.qkv.weight": (3456, 1152)},
        ModelKind.CONTROLNET,
        Family.PIXART,
    ),
    "BrushNet": (
        BRUSH | {"down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight": (320, 768)},
        ModelKind.CONTROLNET,
        Family.SD1,
    ),
    "BrushNet of SDXL": (
        BRUSH | {"add_embedding.linear_1.weight": (1280, 2816)}, ModelKind.CONTROLNET, Family.SDXL
    ),
    "SparseCtrl": (
        under(
            "module.",
            {
                "controlnet_cond_embedding.conv_in.weight": (16, 4, 3, 3),
                f"down_blocks.0.motion_modules.0.{TEMPORAL}": (320, 320),
                "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight": (320, 768),
            },
        ),
        ModelKind.CONTROLNET,
        Family.SD1,
    ),
    "Control-LoRA without its mark": (
        {
            "input_hint_block.0.weight": (16, 3, 3, 3),
            "label_emb.0.0.down": (128, 2816),
            "input_blocks.4.1.transformer_blocks.0.attn2.to_k.down": (128, 2048),
            "input_blocks.4.1.transformer_blocks.0.attn2.to_k.up": (640, 128),
        },
        ModelKind.CONTROL_LORA,
        Family.SDXL,
    ),
    "motion module in a wrapper": (
        {f"module.down_blocks.{level}.motion_modules.0.{TEMPORAL}": (320, 320) for level in range(4)},
        ModelKind.MOTION_MODULE,
        Family.SD1,
    ),
    "PuLID": (
        {
            "id_adapter.mapping_0.0.weight": (1024, 512),
            "id_adapter_attn_layers.0.id_to_k.weight": (640, 2048),
        },
        ModelKind.IP_ADAPTER,
        Family.SDXL,
    ),
    "PuLID of Flux": (
        {"pulid_encoder.latents": (1, 32, 1024), "pulid_ca.0.to_q.weight": (2048, 3072)},
        ModelKind.IP_ADAPTER,
        Family.FLUX,
    ),
    "IP-Adapter of SD3": (
        {"image_proj.latents": (1, 64, 2432), "ip_adapter.0.to_k_ip.weight": (2432, 2432)},
        ModelKind.IP_ADAPTER,
        Family.SD3,
    ),
    "several T2I-Adapters joined": (
        {"task_embedding": (14, 768), "spatial_ch_projs.color.0.weight": (768, 320)},
        ModelKind.T2I_ADAPTER,
        Family.UNKNOWN,
    ),
}  # fmt: skip


USABLE = frozenset({"SDXL ControlNet without attention", "Control-LoRA without its mark"})


@pytest.mark.parametrize("name", STEERING)
def test_a_steering_network_is_known_in_every_form(name: str) -> None:
    shapes, kind, family = STEERING[name]
    found = identify(header(shapes))
    assert (found.kind, found.family, found.can_run) == (kind, family, name in USABLE)


ENCODERS: dict[str, tuple[Shapes, ModelKind, str]] = {
    "UMT5 of Wan's authors": (
        {"token_embedding.weight": (256384, 4096), "blocks.0.ffn.gate.0.weight": (10240, 4096)},
        ModelKind.TEXT_ENCODER,
        "UMT5-XXL",
    ),
    "ChatGLM3": (
        {"transformer.encoder.layers.0.self_attention.query_key_value.weight": (4608, 4096)},
        ModelKind.TEXT_ENCODER,
        "ChatGLM3",
    ),
    "BERT": (
        {
            "embeddings.word_embeddings.weight": (30522, 768),
            "encoder.layer.0.attention.self.query.weight": (768, 768),
        },
        ModelKind.TEXT_ENCODER,
        "BERT",
    ),
    "SigLIP with its text": (
        {
            "text_model.head.weight": (768, 768),
            "text_model.encoder.layers.0.self_attn.q_proj.weight": (768, 768),
            "vision_model.head.probe": (1, 1, 768),
            "vision_model.encoder.layers.0.self_attn.q_proj.weight": (768, 768),
        },
        ModelKind.IMAGE_ENCODER,
        "SigLIP",
    ),
    "DINOv2 of its authors": (
        {"cls_token": (1, 1, 1024), "blocks.0.ls1.gamma": (1024,)}, ModelKind.IMAGE_ENCODER, "DINOv2"
    ),
    "EVA CLIP": (
        {
            "visual.blocks.0.attn.q_proj.weight": (1024, 1024),
            "visual.patch_embed.proj.weight": (1024, 3, 14, 14),
        },
        ModelKind.IMAGE_ENCODER,
        "EVA CLIP",
    ),
    "T5 in Comfy's wrappers": (
        {"text_encoders.t5xxl.transformer.encoder.block.0.layer.0.SelfAttention.q.weight": (4096, 4096)},
        ModelKind.TEXT_ENCODER,
        "T5-XXL",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder_is_known_in_its_authors_names(name: str) -> None:
    shapes, kind, architecture = ENCODERS[name]
    found = identify(header(shapes))
    assert (found.kind, found.architecture) == (kind, architecture)


def test_a_vae_in_a_wrapper_is_known_and_not_used() -> None:
    vae = {
        key.removeprefix("first_stage_model."): shape for key, shape in SD15.items() if "first_stage" in key
    }
    for wrapper in ("module.", "state_dict."):
        found = identify(header(under(wrapper, vae)))
        assert (found.kind, found.can_run) == (ModelKind.VAE, False)
        assert describe(found).endswith(".")
    loss = {"loss.logvar": (), "loss.perceptual_loss.net.slice1.0.weight": (64, 3, 3, 3)}
    assert identify(header(vae | loss)).can_run


def test_a_tiny_vae_for_videos_is_not_taken_for_one_of_pictures() -> None:
    shapes = {
        "encoder.0.weight": (64, 3, 3, 3),
        "decoder.1.weight": (256, 16, 3, 3),
        "decoder.3.conv.0.weight": (256, 512, 3, 3),
    }
    found = identify(header(shapes))
    assert (found.kind, found.can_run) == (ModelKind.TAESD, False)
    assert "video" in (found.reason or "")


# Their plans have settings without defaults.
NOT_MADE = {"AuraSR", "MMRealSR", "SAFMN", "SAFMNBCIE", "SPAN", "Swin2SR", "SwinIR"}
HOME = Path(spandrel.architectures.__file__).parent
ARCHITECTURES = sorted(
    path.name for path in HOME.iterdir() if path.is_dir() and not path.name.startswith("_")
)


def classes_of(name: str) -> list[type[nn.Module]]:
    """spandrel's networks of one architecture."""
    module = importlib.import_module(f"spandrel.architectures.{name}")
    found = [getattr(module, each) for each in module.__all__]
    return [each for each in found if inspect.isclass(each) and issubclass(each, nn.Module)]


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name not in NOT_MADE])
def test_each_network_that_spandrel_runs_is_known(name: str) -> None:
    for kind in classes_of(name):
        try:
            with torch.device("meta"):
                shapes = shapes_of(kind())
        except RuntimeError:
            # Some compute numbers while they are made.
            shapes = shapes_of(kind())
        for wrapper in ("", "params_ema.", "module."):
            found = identify(header(under(wrapper, shapes)))
            assert found.kind in {ModelKind.UPSCALER, ModelKind.FACE_RESTORER}, (kind, wrapper)
            assert found.architecture is not None
            assert found.can_run is (name != "LaMa")


DETECTORS: dict[str, tuple[Shapes, str]] = {
    "SAM 2": ({"model.sam_mask_decoder.iou_token.weight": (1, 256)}, "Segment Anything"),
    "ZoeDepth": (
        {"model.core.core.pretrained.model.cls_token": (1, 1, 1024), "model.conv2.weight": (128, 128, 1, 1)},
        "depth",
    ),
    "PiDiNet": (
        under(
            "module.",
            {
                "init_block.conv.weight": (60, 3, 3, 3),
                "block1_1.conv1.weight": (60, 1, 3, 3),
                "conv_reduces.0.conv.weight": (1, 24, 1, 1),
            },
        ),
        "edge",
    ),
    "OneFormer": (
        {"model.transformer_module.queries_embedder.weight": (250, 256),
         "model.task_encoder.task_mlp.layers.0.0.weight": (256, 77)},
        "segmentation",
    ),
    "UperNet": (
        {"decode_head.psp_modules.0.1.conv.weight": (512, 768, 1, 1),
         "decode_head.classifier.weight": (150, 512, 1, 1)},
        "segmentation",
    ),
    "M-LSD": (
        {"backbone.features.0.0.weight": (32, 4, 3, 3), "block15.conv1.0.weight": (64, 64, 1, 1)}, "line"
    ),
    "a tagger": (
        {"patch_embed.proj.weight": (768, 3, 16, 16), "blocks.0.attn.qkv.weight": (2304, 768),
         "head.weight": (10861, 768)},
        "tagger",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DETECTORS)
def test_a_network_that_reads_pictures_is_a_detector(name: str) -> None:
    shapes, finds = DETECTORS[name]
    found = identify(header(shapes))
    assert (found.kind, found.architecture) == (ModelKind.DETECTOR, finds)


READS_TEXT = "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k"
CONVOLUTION = "lora_unet_up_blocks_2_resnets_0_conv1"


@pytest.mark.parametrize(
    ("shapes", "family", "sort"),
    [
        ({f"{READS_TEXT}.ia3_l": (1, 2048)}, Family.SDXL, AdapterSort.IA3),
        ({f"{READS_TEXT}.oft_R.weight": (32, 496)}, Family.SD2, AdapterSort.OFT),
        (
            {
                f"{CONVOLUTION}.lora_down.weight": (4, 960, 3, 3),
                f"{CONVOLUTION}.lora_up.weight": (320, 4, 1, 1),
            },
            Family.SDXL,
            AdapterSort.LOCON,
        ),
    ],
)
def test_a_lora_is_told_by_widths_where_names_do_not(
    shapes: Shapes, family: Family, sort: AdapterSort
) -> None:
    found = identify(header(shapes))
    assert (found.family, found.sort) == (family, sort)
