"""IP-Adapters, image encoders, LLLites and Control-LoRAs with random weights, in their authors' names."""

import math
from functools import cache

import torch
from torch import Tensor, nn
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from tests.extensions.controlnet.control_files import randomize, to_cldm
from tests.extensions.controlnet.control_runs import TINY_SD15, make_tiny_controlnet

ENCODER_WIDTH, PROJECTED, SIDE, PATCH = 128, 48, 32, 8
PLACES = (SIDE // PATCH) ** 2 + 1
# Widths of each cross attention, in the order of the modules: down, up, middle.
WIDTHS = {
    "sd15": [32, 32, 64, 64, 64, 64, *[64] * 6, *[32] * 3, 64],
    # One transformer block in the second level, two in the third and in the middle.
    "sdxl": [64, 64, 128, 128, 128, 128, *[128] * 6, *[64] * 3, 128, 128],
}
CONTEXTS = {"sd15": 64, "sdxl": 160}


def numbers(seed: int, *shape: int) -> Tensor:
    """Seeded, of a size that keeps features in bounds."""
    scale = 1 / math.sqrt(shape[-1] if len(shape) > 1 else 16)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * scale


@cache
def image_encoder() -> CLIPVisionModelWithProjection:
    """A small one."""
    config = CLIPVisionConfig(
        hidden_size=ENCODER_WIDTH, intermediate_size=256, projection_dim=PROJECTED, num_hidden_layers=3,
        num_attention_heads=2, image_size=SIDE, patch_size=PATCH, hidden_act="gelu",
    )  # fmt: skip
    network = randomize(CLIPVisionModelWithProjection(config), 7)
    assert isinstance(network, CLIPVisionModelWithProjection)
    return network


def make_image_encoder(layout: str) -> dict[str, Tensor]:
    """Its tensors in transformers' names or in OpenCLIP's."""
    tensors = {k: v for k, v in image_encoder().state_dict().items() if "position_ids" not in k}
    if layout == "transformers":
        return tensors
    found: dict[str, Tensor] = {
        "visual.conv1.weight": tensors["vision_model.embeddings.patch_embedding.weight"],
        "visual.class_embedding": tensors["vision_model.embeddings.class_embedding"],
        "visual.positional_embedding": tensors["vision_model.embeddings.position_embedding.weight"],
        "visual.proj": tensors["visual_projection.weight"].T,
    }
    for end in ("weight", "bias"):
        found[f"visual.ln_pre.{end}"] = tensors[f"vision_model.pre_layrnorm.{end}"]
        found[f"visual.ln_post.{end}"] = tensors[f"vision_model.post_layernorm.{end}"]
        for layer in range(3):
            theirs, ours = f"vision_model.encoder.layers.{layer}", f"visual.transformer.resblocks.{layer}"
            found[f"{ours}.attn.in_proj_{end}"] = torch.cat(
                [tensors[f"{theirs}.self_attn.{letter}_proj.{end}"] for letter in "qkv"]
            )
            found[f"{ours}.attn.out_proj.{end}"] = tensors[f"{theirs}.self_attn.out_proj.{end}"]
            found[f"{ours}.ln_1.{end}"] = tensors[f"{theirs}.layer_norm1.{end}"]
            found[f"{ours}.ln_2.{end}"] = tensors[f"{theirs}.layer_norm2.{end}"]
            found[f"{ours}.mlp.c_fc.{end}"] = tensors[f"{theirs}.mlp.fc1.{end}"]
            found[f"{ours}.mlp.c_proj.{end}"] = tensors[f"{theirs}.mlp.fc2.{end}"]
    return found


def make_ip_adapter(kind: str, checkpoint: str) -> dict[str, Tensor]:
    """An IP-Adapter, plain, plus or full, for a golden checkpoint."""
    context = CONTEXTS[checkpoint]
    found = dict(projection(kind, context))
    for place, width in enumerate(WIDTHS[checkpoint]):
        for number, letter in enumerate("kv"):
            key = f"ip_adapter.{2 * place + 1}.to_{letter}_ip.weight"
            found[key] = numbers(100 + 2 * place + number, width, context)
    return found


def projection(kind: str, context: int) -> dict[str, Tensor]:
    """What turns an encoder's output into tokens."""
    if kind == "plain":
        shapes: dict[str, tuple[int, ...]] = {
            "proj.weight": (4 * context, PROJECTED), "proj.bias": (4 * context,),
            "norm.weight": (context,), "norm.bias": (context,),
        }  # fmt: skip
    elif kind == "full":
        width = ENCODER_WIDTH
        shapes = {
            "proj.0.weight": (width, width), "proj.0.bias": (width,), "proj.2.weight": (context, width),
            "proj.2.bias": (context,), "proj.3.weight": (context,), "proj.3.bias": (context,),
        }  # fmt: skip
    else:
        hidden, inner = 64, 128
        shapes = {
            "latents": (1, 5, hidden), "proj_in.weight": (hidden, ENCODER_WIDTH), "proj_in.bias": (hidden,),
            "proj_out.weight": (context, hidden), "proj_out.bias": (context,),
            "norm_out.weight": (context,), "norm_out.bias": (context,),
        }  # fmt: skip
        for layer in range(4):
            start = f"layers.{layer}"
            shapes |= {f"{start}.0.norm{n}.{end}": (hidden,) for n in (1, 2) for end in ("weight", "bias")}
            shapes |= {
                f"{start}.0.to_q.weight": (inner, hidden), f"{start}.0.to_kv.weight": (2 * inner, hidden),
                f"{start}.0.to_out.weight": (hidden, inner), f"{start}.1.0.weight": (hidden,),
                f"{start}.1.0.bias": (hidden,), f"{start}.1.1.weight": (4 * hidden, hidden),
                f"{start}.1.3.weight": (hidden, 4 * hidden),
            }  # fmt: skip
    return {f"image_proj.{name}": numbers(seed, *shape) for seed, (name, shape) in enumerate(shapes.items())}


# Layers that LLLites change, with their widths and how often the latent was halved there.
LLLITE_LAYERS = {
    "sd15": {
        "input_blocks_1_1_transformer_blocks_0_attn1_to_q": (32, 0),
        "input_blocks_4_1_transformer_blocks_0_attn2_to_q": (64, 1),
        "middle_block_1_transformer_blocks_0_attn1_to_v": (64, 3),
    },
    "sdxl": {
        "input_blocks_4_1_transformer_blocks_0_attn1_to_q": (64, 1),
        "input_blocks_4_1_transformer_blocks_0_attn1_to_k": (64, 1),
        "input_blocks_8_1_transformer_blocks_1_attn2_to_q": (128, 2),
        "middle_block_1_transformer_blocks_0_attn1_to_v": (128, 2),
    },
}
# Kernels of the convolutions that look at the hint, by how often the latent was halved.
LLLITE_KERNELS = {0: (4, 2), 1: (4, 4), 2: (4, 4, 2), 3: (4, 4, 4)}
LLLITE_SEEN, LLLITE_RANK = 8, 6


def make_lllite(checkpoint: str) -> dict[str, Tensor]:
    """A ControlNet-LLLite for a golden checkpoint."""
    found: dict[str, Tensor] = {}
    for place, (layer, (width, halved)) in enumerate(LLLITE_LAYERS[checkpoint].items()):
        start, seed = f"lllite_unet_{layer}", 1000 * place
        within = 3
        for number, side in enumerate(LLLITE_KERNELS[halved]):
            out = LLLITE_SEEN if number == len(LLLITE_KERNELS[halved]) - 1 else LLLITE_SEEN // 2
            shape = (out, within, side, side)
            found[f"{start}.conditioning1.{2 * number}.weight"] = numbers(seed + number, *shape)
            found[f"{start}.conditioning1.{2 * number}.bias"] = numbers(seed + 50 + number, out)
            within = out
        for number, (name, shape) in enumerate(
            {
                "down": (LLLITE_RANK, width), "mid": (LLLITE_RANK, LLLITE_RANK + LLLITE_SEEN),
                "up": (width, LLLITE_RANK),
            }.items()
        ):  # fmt: skip
            found[f"{start}.{name}.0.weight"] = numbers(seed + 100 + number, *shape)
            found[f"{start}.{name}.0.bias"] = numbers(seed + 200 + number, shape[0])
    return found


CONTROL_LORA_RANK = 4
# What a Control-LoRA has whole: it is no part of the checkpoint's encoder.
OWN_PARTS = ("input_hint_block.", "zero_convs.", "middle_block_out.")


def make_control_lora() -> dict[str, Tensor]:
    """A Control-LoRA for the golden SD1 checkpoint: pairs of matrices for its weights, its norms and biases
    as they are.
    """
    whole = to_cldm(make_tiny_controlnet(TINY_SD15, 5).state_dict(), 2, prefix="")
    found: dict[str, Tensor] = {"lora_controlnet": torch.zeros(0)}
    for seed, (name, tensor) in enumerate(whole.items()):
        if name.startswith(OWN_PARTS) or tensor.ndim < 2:
            found[name] = tensor
            continue
        module = name.removesuffix(".weight")
        out, within = tensor.shape[:2]
        found[f"{module}.up"] = numbers(seed, out, CONTROL_LORA_RANK) * 0.2
        found[f"{module}.down"] = numbers(seed + 5000, CONTROL_LORA_RANK, within, *tensor.shape[2:]) * 0.2
    return found


def parameters_of(modules: list[nn.Module]) -> int:
    """How many numbers modules have."""
    return sum(parameter.numel() for module in modules for parameter in module.parameters())
