"""LoRAs in the names of the networks' authors, as kohya, ai-toolkit, PEFT and LyCORIS join them."""

import pytest

from tests.library.test_identify import header
from webui.core.model_file import Family, ModelKind
from webui.library.files.headers import Header, TensorInfo
from webui.library.recognise.identify import identify

Layers = dict[str, tuple[int, int]]
# A few layers of each: rows and columns.
NETWORKS: dict[Family, Layers] = {
    Family.FLUX: {
        "double_blocks.0.img_attn.qkv": (9216, 3072), "double_blocks.0.img_mlp.0": (12288, 3072),
        "single_blocks.0.linear1": (21504, 3072), "single_blocks.0.modulation.lin": (9216, 3072),
    },
    Family.FLUX2: {
        "double_blocks.0.img_attn.qkv": (18432, 6144), "double_blocks.0.img_mlp.0": (36864, 6144),
        "single_blocks.0.linear1": (55296, 6144),
    },
    Family.SD3: {
        "joint_blocks.0.x_block.attn.qkv": (4608, 1536),
        "joint_blocks.0.context_block.attn.proj": (1536, 1536),
    },
    Family.Z_IMAGE: {
        "layers.0.attention.qkv": (11520, 3840), "layers.0.feed_forward.w1": (10240, 3840),
    },
    Family.LUMINA2: {
        "layers.0.attention.qkv": (3840, 2304), "noise_refiner.0.attention.qkv": (3840, 2304),
    },
    Family.OMNIGEN2: {"layers.0.attn.to_q": (2520, 2520), "layers.0.attn.to_k": (840, 2520)},
    Family.WAN: {
        "blocks.0.self_attn.q": (5120, 5120), "blocks.0.cross_attn.k_img": (5120, 5120),
        "blocks.0.ffn.0": (13824, 5120),
    },
    Family.HUNYUAN_VIDEO: {
        "double_blocks.0.img_attn_qkv": (9216, 3072), "double_blocks.0.img_mod.linear": (18432, 3072),
        "single_blocks.0.modulation.linear": (9216, 3072),
    },
    Family.HUNYUAN_IMAGE: {
        "double_blocks.0.img_attn_qkv": (10752, 3584), "double_blocks.0.img_mlp.fc1": (14336, 3584),
    },
    Family.QWEN_IMAGE: {
        "transformer_blocks.0.attn.add_q_proj": (3072, 3072), "transformer_blocks.0.img_mod.1": (18432, 3072),
    },
    Family.AURAFLOW: {"double_layers.0.attn.w1q": (3072, 3072), "single_layers.0.attn.w1q": (3072, 3072)},
    Family.CHROMA: {
        "double_blocks.0.img_attn.qkv": (9216, 3072),
        "distilled_guidance_layer.layers.0.in_layer": (5120, 5120),
    },
    Family.HIDREAM: {"double_stream_blocks.0.block.attn1.to_q": (2560, 2560)},
    Family.ANIMA: {"blocks.0.self_attn.q_proj": (2048, 2048), "blocks.0.cross_attn.k_proj": (2048, 1024)},
    Family.COSMOS: {"blocks.0.self_attn.q_proj": (5120, 5120), "blocks.0.mlp.layer1": (20480, 5120)},
    Family.LTX_VIDEO: {"transformer_blocks.0.attn1.to_q": (2048, 2048)},
    Family.PIXART: {"blocks.0.attn.qkv": (3456, 1152), "blocks.0.cross_attn.q_linear": (1152, 1152)},
    Family.SANA: {"blocks.0.attn.qkv": (6720, 2240), "blocks.0.cross_attn.q_linear": (2240, 2240)},
    Family.HUNYUAN_DIT: {"blocks.0.attn1.Wqkv": (4224, 1408), "blocks.0.attn2.kv_proj": (2816, 1024)},
    Family.KREA2: {"blocks.0.attn.wq": (6144, 6144), "blocks.0.attn.gate": (6144, 6144)},
}  # fmt: skip
# What stands before a layer, how its parts are joined, and the ends of both matrices.
SPELLINGS: dict[str, tuple[str, str, str, str]] = {
    "kohya": ("lora_unet_", "_", "lora_down.weight", "lora_up.weight"),
    "OneTrainer": ("lora_transformer_", "_", "lora_down.weight", "lora_up.weight"),
    "LyCORIS": ("lycoris_", "_", "lora_down.weight", "lora_up.weight"),
    "ai-toolkit": ("diffusion_model.", ".", "lora_A.weight", "lora_B.weight"),
    "Comfy": ("diffusion_model.", ".", "lora_down.weight", "lora_up.weight"),
    "PEFT": ("base_model.model.", ".", "lora_A.weight", "lora_B.weight"),
    "PEFT, named": (
        "base_model.model.diffusion_model.",
        ".",
        "lora_A.default.weight",
        "lora_B.default.weight",
    ),
    "diffusers": ("transformer.", ".", "lora_A.weight", "lora_B.weight"),
    "no prefix": ("", ".", "lora_A.weight", "lora_B.weight"),
}


@pytest.mark.parametrize("family", NETWORKS)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_lora_in_the_names_of_the_networks_authors_is_of_its_family(family: Family, spelling: str) -> None:
    prefix, dot, down, up = SPELLINGS[spelling]
    shapes: dict[str, tuple[int, ...]] = {}
    for name, (rows, columns) in NETWORKS[family].items():
        layer = prefix + name.replace(".", dot)
        shapes |= {f"{layer}.{down}": (16, columns), f"{layer}.{up}": (rows, 16)}
    found = identify(header(shapes))
    assert (found.kind, found.family, found.can_run) == (ModelKind.LORA, family, False)


@pytest.mark.parametrize("family", NETWORKS)
def test_a_lokr_in_those_names_is_of_the_same_family(family: Family) -> None:
    shapes: dict[str, tuple[int, ...]] = {}
    for name, (rows, columns) in NETWORKS[family].items():
        layer = f"diffusion_model.{name}"
        shapes |= {f"{layer}.lokr_w1": (8, 8), f"{layer}.lokr_w2": (rows // 8, columns // 8)}
    assert identify(header(shapes)).family is family


@pytest.mark.parametrize(
    ("names", "metadata", "kind"),
    [
        (("blk.0.attn_q.weight", "token_embd.weight"), {}, ModelKind.TEXT_ENCODER),
        (("enc.blk.0.attn_q.weight",), {}, ModelKind.TEXT_ENCODER),
        (("anything",), {"general.architecture": "t5encoder"}, ModelKind.TEXT_ENCODER),
        (("anything",), {"general.architecture": "flux"}, ModelKind.DIFFUSION_MODEL),
        (("anything",), {"general.architecture": "pig"}, ModelKind.GGUF),
    ],
)
def test_a_gguf_file_is_told_by_what_it_says_or_by_its_layers(
    names: tuple[str, ...], metadata: dict[str, str], kind: ModelKind
) -> None:
    tensors = {name: TensorInfo("U8", (64, 64)) for name in names}
    found = identify(Header(tensors, metadata, layout="gguf"))
    assert (found.kind, found.can_run) == (kind, False)
