"""Networks that steer a diffusion network by pictures or motion, identified by the names of their tensors."""

from webui.core.model_file import Family
from webui.library.files.headers import Header
from webui.library.recognise.adapter_family import adapter_family
from webui.library.recognise.adapter_keys import read_adapter
from webui.library.recognise.diffusion_transformers import diffusion_family

CONTEXT_WIDTHS = {
    768: Family.SD1, 1024: Family.SD2, 2048: Family.SDXL, 2432: Family.SD3, 4096: Family.FLUX
}  # fmt: skip
# Widths of the vector that SDXL and networks built after it take.
VECTORS = {2816: Family.SDXL, 2560: Family.SDXL_REFINER, 5632: Family.KOLORS}
VECTOR_READERS = ("label_emb.0.0.weight", "add_embedding.linear_1.weight")
# Beginnings of names that only ControlNets have: of the first authors, diffusers, XLabs, InstantX, Z-Image,
# Hunyuan-DiT, PixArt, BrushNet.
CONTROLNET_PREFIXES = (
    "control_model.", "controlnet_cond_embedding.", "controlnet_blocks.", "controlnet_down_blocks.",
    "controlnet_mid_block.", "controlnet_single_blocks.", "controlnet_x_embedder.", "input_hint_block.",
    "zero_convs.", "control_layers.", "control_noise_refiner.", "control_all_x_embedder.", "control_blocks.",
    "nnet.", "after_proj_list.", "controlnet.controlnet_blocks.", "brushnet_down_blocks.",
    "brushnet_mid_block.",
)  # fmt: skip
IP_ADAPTER_PREFIXES = (
    "ip_adapter.", "ip_adapter_proj_model.", "image_proj_model.", "image_proj.", "pulid_ca.",
    "pulid_encoder.", "id_encoder.", "id_adapter.", "id_adapter_attn_layers.",
    "encoder_hid_proj.image_projection_layers.",
)  # fmt: skip
PULID_PREFIXES = ("pulid_ca.", "pulid_encoder.", "id_adapter.", "id_adapter_attn_layers.")
# Colours of a picture folded 8 times (SD1) or 16 times (SDXL) into channels, one or three of them.
T2I_FOLDED = {64: Family.SD1, 192: Family.SD1, 256: Family.SDXL, 768: Family.SDXL}
# The first level of published U-Nets. Adapters for narrower ones say what they are for.
NARROWEST_LEVEL = 320
# As the ModelSpec standard begins the names of architectures, longest first.
ARCHITECTURES = {
    "stable-diffusion-xl-v1": Family.SDXL, "stable-diffusion-v2": Family.SD2,
    "stable-diffusion-v1": Family.SD1,
}  # fmt: skip
# What is narrower than any published text does not tell: the network's other shapes do.
NARROWEST_CONTEXT = 512
MATRIX = 2
# Flux takes 64 numbers a patch; with a picture to follow, twice as many.
FLUX_PATCH = 64


def is_controlnet(header: Header) -> bool:
    """A ControlNet (Zhang et al. 2023) for whatever network."""
    return any(header.has(prefix) for prefix in CONTROLNET_PREFIXES)


def is_control_lora(header: Header) -> bool:
    """Stability's Control-LoRAs carry a mark; Black Forest Labs' take more channels than the network has."""
    if "lora_controlnet" in header or header.has("lora_controlnet."):
        return True
    # Some lost the mark; a picture's path beside pairs of matrices is as good.
    if header.has("input_hint_block.") and any(key.endswith(".down") for key in header.tensors):
        return True
    ends = ("lora_A.weight", "lora_down.weight", "lora_A.default.weight")
    inputs = (
        header.shape(f"{prefix}{name}.{end}")
        for prefix in ("", "transformer.", "diffusion_model.")
        for name in ("img_in", "x_embedder")
        for end in ends
    )
    is_flux = any("double_blocks" in key or "transformer_blocks" in key for key in header.tensors)
    if not is_flux or not any(shape and len(shape) > 1 and shape[1] > FLUX_PATCH for shape in inputs):
        return False
    # Flux.2 takes twice as many by itself.
    return adapter_family(read_adapter(header), header.metadata) is not Family.FLUX2


def is_lllite(header: Header) -> bool:
    """ControlNet-LLLite (kohya)."""
    return any(key.startswith("lllite_") for key in header.tensors)


def is_ip_adapter(header: Header) -> bool:
    """IP-Adapter (Ye et al. 2023) and networks of its sort: FaceID, InstantID, PuLID, PhotoMaker."""
    return any(header.has(prefix) for prefix in IP_ADAPTER_PREFIXES)


def ip_adapter_name(header: Header) -> str:
    """The published name of an IP-Adapter or a network of its sort."""
    if any(header.has(prefix) for prefix in PULID_PREFIXES):
        return "PuLID"
    return "PhotoMaker" if header.has("id_encoder.") else "IP-Adapter"


def is_t2i_adapter(header: Header) -> bool:
    """T2I-Adapter (Mou et al. 2023), whole or light, in its authors' or diffusers' names; or what joins
    several of them.
    """
    return header.has("spatial_ch_projs.") or any(
        header.has(f"{prefix}body.0.{part}")
        for prefix in ("", "adapter.")
        for part in ("block1.", "in_conv.", "resnets.0.block1.")
    )


def t2i_family(header: Header) -> Family:
    """By how the picture is folded; an adapter for a U-Net narrower than published ones is what it says."""
    keys = (
        prefix + name for prefix in ("", "adapter.") for name in ("conv_in.weight", "body.0.in_conv.weight")
    )
    for key in keys:
        shape = header.shape(key)
        if shape and len(shape) > 1:
            stated = _stated_family(header) if shape[0] < NARROWEST_LEVEL and "conv_in" in key else None
            return stated or T2I_FOLDED.get(shape[1], Family.UNKNOWN)
    return Family.UNKNOWN


def _stated_family(header: Header) -> Family | None:
    stated = header.metadata.get("modelspec.architecture", "").lower()
    return next((family for name, family in ARCHITECTURES.items() if stated.startswith(name)), None)


def is_style_model(header: Header) -> bool:
    """Flux Redux, or the style adapter of T2I-Adapter."""
    return header.has("redux_up.", "redux_down.") or "style_embedding" in header


def style_family(header: Header) -> Family:
    """Flux for Redux, SD1 for the style adapter."""
    return Family.FLUX if header.has("redux_up.") else Family.SD1


def is_motion_module(header: Header) -> bool:
    """AnimateDiff (Guo et al. 2023) or HotshotXL, without a U-Net."""
    return any(
        (".motion_modules." in key or ".temporal_attentions." in key) and not key.startswith("conv_")
        for key in header.tensors
    )


def motion_family(header: Header) -> Family:
    """SD1's U-Net has four levels, SDXL's three."""
    return Family.SD1 if any("down_blocks.3." in key for key in header.tensors) else Family.SDXL


def control_family(header: Header) -> Family:
    """The family whose network is steered: by the names of its blocks, else by the text it reads."""
    family = diffusion_family(header)
    if family not in {None, Family.OTHER}:
        return family or Family.UNKNOWN
    if header.has("pulid_ca."):
        return Family.FLUX
    by_vector = _by_vector(header)
    if by_vector is not None:
        return by_vector
    for key, info in header.tensors.items():
        if key.endswith(TEXT_READERS) and len(info.shape) > 1:
            found = CONTEXT_WIDTHS.get(info.shape[1])
            if found is not None:
                return found
            if info.shape[1] < NARROWEST_CONTEXT and is_controlnet(header):
                return Family.SDXL if _has_vector(header) else _family_by_projections(header)
    return _lllite_family(header)


def _has_vector(header: Header) -> bool:
    """Whether it reads a vector beside the text, of whatever width."""
    readers = (*VECTOR_READERS, "class_embedding.linear_1.weight")
    return any(prefix + name in header for prefix in ("", "control_model.") for name in readers)


def _family_by_projections(header: Header) -> Family:
    """SD2 made the projections around its attention linear (2-D weights); SD1 has 1x1 convolutions (4-D)."""
    shapes = (info.shape for key, info in header.tensors.items() if key.endswith(".proj_in.weight"))
    shape = next(shapes, None)
    return Family.SD2 if shape is not None and len(shape) == MATRIX else Family.SD1


def control_reason(header: Header) -> str | None:
    """Why a network that steers another cannot be used here; None if it can."""
    family = control_family(header)
    if family is Family.OTHER:
        return "It is for a network that is not known here."
    if family is not Family.UNKNOWN and not family.runs:
        return f"It is for {family.value}, which cannot be run here yet."
    if any(header.has(prefix) for prefix in PULID_PREFIXES) or header.has("id_encoder."):
        return f"{ip_adapter_name(header)} reads faces by a network that is not used here."
    if header.has("brushnet_down_blocks.") or header.has("brushnet_mid_block."):
        return "BrushNet cannot be used here yet. Use a ControlNet for inpainting."
    if "difference" in header:
        return "It holds only the difference to Stable Diffusion 1.5. Download the whole ControlNet."
    return None


def t2i_reason(header: Header) -> str | None:
    """Why a T2I-Adapter cannot be used here; None if it can."""
    if header.has("spatial_ch_projs."):
        return "It joins several T2I-Adapters, which add up here without it."
    return None


def _by_vector(header: Header) -> Family | None:
    """By the vector that the network takes beside the text."""
    shapes = (
        header.shape(prefix + name) for prefix in ("", "control_model.", "unet.") for name in VECTOR_READERS
    )
    return next((VECTORS.get(shape[1]) for shape in shapes if shape and len(shape) > 1), None)


TEXT_READERS = (
    "attn2.to_k.weight", "attn2.to_v.weight", "to_k_ip.weight", "to_v_ip.weight", "attn2.to_k.down",
    "attn2.to_v.down", "attn2_to_k.down.0.weight", "id_to_k.weight",
)  # fmt: skip


def _lllite_family(header: Header) -> Family:
    """kohya's LLLite names its modules after SDXL's blocks; SD1's attention stands in the first level too."""
    names = [key for key in header.tensors if key.startswith("lllite_")]
    if not names:
        return Family.UNKNOWN
    is_sd1 = any(
        key.startswith(("lllite_unet_input_blocks_1_1", "lllite_unet_down_blocks_0")) for key in names
    )
    return Family.SD1 if is_sd1 else Family.SDXL
