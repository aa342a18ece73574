"""The Starter checkpoint's three small networks and where their parts go in the SD1 single-file layout."""

from collections.abc import Mapping

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel

# CLIP ViT-L/14's vocabulary and length (Radford 2021); its width and depth are cut to what 45 MB allow.
VOCABULARY = 49408
TOKENS = 77
WIDTH = 128
TEXT_LAYERS = 2
# Every count is a multiple of 32: SD1 normalises in 32 groups.
VAE_CHANNELS = (64, 64, 64, 128)
UNET_CHANNELS = (64, 64, 192, 192)
# SD1's own factor; the autoencoder is rescaled so that it holds here too.
SCALE_FACTOR = 0.18215


def make_vae() -> AutoencoderKL:
    """An f8 autoencoder with 4 latent channels and one residual block a level."""
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=VAE_CHANNELS,
        layers_per_block=1,
        latent_channels=4,
        scaling_factor=SCALE_FACTOR,
        sample_size=256,
    )


def make_unet() -> UNet2DConditionModel:
    """SD1's UNet with one residual block a level and attention at the two middle levels."""
    return UNet2DConditionModel(
        sample_size=32,
        layers_per_block=1,
        block_out_channels=UNET_CHANNELS,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=WIDTH,
        # diffusers' name for the NUMBER of heads; SD1 has 8 everywhere.
        attention_head_dim=8,
    )


def make_text_encoder() -> CLIPTextModel:
    """CLIP's causal text transformer, two heads of 64."""
    config = CLIPTextConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        intermediate_size=WIDTH * 4,
        num_hidden_layers=TEXT_LAYERS,
        num_attention_heads=2,
        max_position_embeddings=TOKENS,
        hidden_act="quick_gelu",
        projection_dim=WIDTH,
        bos_token_id=49406,
        eos_token_id=49407,
        pad_token_id=49407,
    )
    text_encoder = CLIPTextModel(config)
    # CLIP's 0.02 is for a network many times as wide: here the layers would outgrow the words at once.
    with torch.no_grad():
        text_encoder.get_input_embeddings().weight.normal_(0, 0.3)
    # Spelt-out attention: at this size a third faster on a CPU than the fused kind.
    text_encoder.set_attn_implementation("eager")
    return text_encoder


def unet_modules() -> dict[str, str]:
    """diffusers' module prefixes of the UNet to the original ones (`model.diffusion_model.` left out)."""
    pairs = {
        "time_embedding.linear_1.": "time_embed.0.",
        "time_embedding.linear_2.": "time_embed.2.",
        "conv_in.": "input_blocks.0.0.",
        "conv_norm_out.": "out.0.",
        "conv_out.": "out.2.",
        "mid_block.resnets.0.": "middle_block.0.",
        "mid_block.attentions.0.": "middle_block.1.",
        "mid_block.resnets.1.": "middle_block.2.",
    }
    levels = len(UNET_CHANNELS)
    # One residual block a level, then a downsampler everywhere but at the last: two entries a level.
    for level in range(levels):
        block = 1 + 2 * level
        pairs[f"down_blocks.{level}.resnets.0."] = f"input_blocks.{block}.0."
        pairs[f"down_blocks.{level}.attentions.0."] = f"input_blocks.{block}.1."
        pairs[f"down_blocks.{level}.downsamplers.0.conv."] = f"input_blocks.{block + 1}.0.op."
        attends = 0 < levels - 1 - level < levels - 1
        for inner in range(2):
            up = 2 * level + inner
            pairs[f"up_blocks.{level}.resnets.{inner}."] = f"output_blocks.{up}.0."
            pairs[f"up_blocks.{level}.attentions.{inner}."] = f"output_blocks.{up}.1."
        place = 2 if attends else 1
        pairs[f"up_blocks.{level}.upsamplers.0."] = f"output_blocks.{2 * level + 1}.{place}."
    return pairs


UNET_RESNET = {
    "norm1.": "in_layers.0.",
    "conv1.": "in_layers.2.",
    "time_emb_proj.": "emb_layers.1.",
    "norm2.": "out_layers.0.",
    "conv2.": "out_layers.3.",
    "conv_shortcut.": "skip_connection.",
}
VAE_ATTENTION = {
    "group_norm.": "norm.",
    "to_q.": "q.",
    "to_k.": "k.",
    "to_v.": "v.",
    "to_out.0.": "proj_out.",
}


def vae_modules() -> dict[str, str]:
    """diffusers' module prefixes of the autoencoder to the original ones (`first_stage_model.` left out)."""
    pairs: dict[str, str] = {}
    levels = len(VAE_CHANNELS)
    for half in ("encoder", "decoder"):
        pairs[f"{half}.conv_norm_out."] = f"{half}.norm_out."
        pairs[f"{half}.mid_block.resnets.0."] = f"{half}.mid.block_1."
        pairs[f"{half}.mid_block.attentions.0."] = f"{half}.mid.attn_1."
        pairs[f"{half}.mid_block.resnets.1."] = f"{half}.mid.block_2."
    for level in range(levels):
        pairs[f"encoder.down_blocks.{level}.resnets.0."] = f"encoder.down.{level}.block.0."
        pairs[f"encoder.down_blocks.{level}.downsamplers.0."] = f"encoder.down.{level}.downsample."
        # The original counts the decoder's levels from the finest, diffusers from the coarsest.
        original = levels - 1 - level
        for inner in range(2):
            pairs[f"decoder.up_blocks.{level}.resnets.{inner}."] = f"decoder.up.{original}.block.{inner}."
        pairs[f"decoder.up_blocks.{level}.upsamplers.0."] = f"decoder.up.{original}.upsample."
    return pairs


def renamed(name: str, modules: Mapping[str, str], inner: Mapping[str, str]) -> str:
    """The original name: first the module's place, then, inside a changed module, the layer's own name."""
    for prefix, place in modules.items():
        if name.startswith(prefix):
            rest = name.removeprefix(prefix)
            for ours, theirs in inner.items():
                if rest.startswith(ours):
                    return place + theirs + rest.removeprefix(ours)
            return place + rest
    return name


def unet_name(name: str) -> str:
    """A UNet parameter's name in the original layout."""
    inner = UNET_RESNET if ".resnets." in name else {}
    return "model.diffusion_model." + renamed(name, unet_modules(), inner)


def vae_name(name: str) -> str:
    """An autoencoder parameter's name in the original layout."""
    inner = VAE_ATTENTION if ".attentions." in name else {"conv_shortcut.": "nin_shortcut."}
    return "first_stage_model." + renamed(name, vae_modules(), inner)


def text_name(name: str) -> str:
    """A text encoder parameter's name in the original layout."""
    return "cond_stage_model.transformer.text_model." + name.removeprefix("text_model.")


def vae_tensor(name: str, tensor: Tensor) -> Tensor:
    """The original keeps the attention's matrices as 1x1 convolutions."""
    is_matrix = ".attentions." in name and name.endswith(".weight") and tensor.ndim == 2
    return tensor[:, :, None, None] if is_matrix else tensor


def to_single_file(
    unet: Mapping[str, Tensor], vae: Mapping[str, Tensor], text_encoder: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Three diffusers/transformers state dicts as one in the SD1 layout, float16."""
    tensors = {unet_name(name): tensor for name, tensor in unet.items()}
    tensors |= {vae_name(name): vae_tensor(name, tensor) for name, tensor in vae.items()}
    tensors |= {text_name(name): t for name, t in text_encoder.items() if not name.endswith("position_ids")}
    return {name: tensor.detach().to(torch.float16).contiguous() for name, tensor in tensors.items()}


def from_single_file(
    tensors: Mapping[str, Tensor],
) -> tuple[UNet2DConditionModel, AutoencoderKL, CLIPTextModel]:
    """The three networks with the weights of a file in the SD1 layout, float32, ready to run."""
    unet, vae, text_encoder = make_unet(), make_vae(), make_text_encoder()
    unet.load_state_dict({name: tensors[unet_name(name)].float() for name in unet.state_dict()})
    shapes = {name: value.shape for name, value in vae.state_dict().items()}
    vae.load_state_dict(
        {name: tensors[vae_name(name)].float().reshape(shape) for name, shape in shapes.items()}
    )
    text_encoder.load_state_dict(
        {name: tensors[text_name(name)].float() for name in text_encoder.state_dict()}
    )
    return unet.eval(), vae.eval(), text_encoder.eval()
