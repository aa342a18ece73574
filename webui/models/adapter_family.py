"""Which architecture a LoRA (or LoHa, LoKr, IA3, OFT, DoRA …) was trained for, from names and shapes."""

import re

from webui.core.model_file import Family
from webui.models.headers import Header

# Ends of tensor names that only adapters have (kohya, LyCORIS, diffusers, XLabs).
ADAPTER_ENDS = (
    ".lora_up.weight", ".lora_down.weight", ".lora_A.weight", ".lora_B.weight", ".lora_A.default.weight",
    ".lora.up.weight", ".lora.down.weight", "_lora.up.weight", "_lora.down.weight",
    ".hada_w1_a", ".hada_w2_a",
    ".lokr_w1", ".lokr_w1_a", ".lokr_w2", ".lokr_w2_a", ".on_input", ".oft_blocks",
    ".oft_diag", ".dora_scale",
    ".diff", ".diff_b", ".w_norm", ".b_norm", ".a1.weight", ".boft_blocks",
)  # fmt: skip
XLABS = re.compile(r"\.processor\.(proj|qkv)_lora\d\.(up|down)\.weight$")
CONTEXT_WIDTHS = {768: Family.SD1, 1024: Family.SD2, 2048: Family.SDXL, 1280: Family.SDXL_REFINER}
FLUX_NAMES = ("double_blocks", "single_blocks", "single_transformer_blocks")
SDXL_NAMES = ("lora_te2_", "lora_te1_", "text_encoder_2.")
UNET_NAMES = ("lora_unet_", "unet.", "down_blocks", "input_blocks", "lora_te", "text_encoder")


def is_adapter(header: Header) -> bool:
    """Whether some tensor has a name that only adapters have."""
    return any(key.endswith(ADAPTER_ENDS) or XLABS.search(key) for key in header.tensors)


def adapter_family(header: Header) -> Family:
    """Architecture of an adapter: by the names of blocks, then by the width of the text that cross attention
    reads.
    """
    keys = list(header.tensors)
    if any(name in key for key in keys for name in FLUX_NAMES):
        return Family.FLUX
    if any("joint_blocks" in key for key in keys):
        return Family.SD3
    if any(name in key for key in keys for name in SDXL_NAMES):
        return Family.SDXL
    family = _by_context_width(header)
    if family is not None:
        return family
    if any(name in key for key in keys for name in UNET_NAMES) and not any(
        "lora_unet_blocks_" in key for key in keys
    ):
        return _by_metadata(header)
    return Family.OTHER


def _by_context_width(header: Header) -> Family | None:
    """From the input width of a cross attention's key or value projection, None if no tensor tells it."""
    for key, info in header.tensors.items():
        if "attn2" not in key or ("to_k" not in key and "to_v" not in key) or not info.shape:
            continue
        if key.endswith(
            (
                ".lora_down.weight",
                ".lora_A.weight",
                ".lora.down.weight",
                "_lora.down.weight",
                ".diff",
                ".hada_w1_b",
            )
        ):
            family = CONTEXT_WIDTHS.get(info.shape[1] if len(info.shape) > 1 else 0)
            if family is not None:
                return family
    return None


def _by_metadata(header: Header) -> Family:
    """From what the trainer wrote (A1111's rule), UNKNOWN without metadata."""
    base = header.metadata.get("ss_base_model_version", "") or header.metadata.get(
        "modelspec.architecture", ""
    )
    if base.startswith(("sdxl", "stable-diffusion-xl")):
        return Family.SDXL
    if header.metadata.get("ss_v2") == "True" or base.startswith(("sd_v2", "stable-diffusion-v2")):
        return Family.SD2
    return Family.SD1 if header.metadata else Family.UNKNOWN
