"""VAEs, whole and tiny, identified by the names and shapes of their first layers."""

from webui.core.model_file import Family
from webui.library.files.headers import Header

PREFIXES = ("", "first_stage_model.", "vae.", "vae/", "autoencoder.")
LATENT_CHANNELS_OF_SD = 4
VIDEO_DIMENSIONS = 5
# Latent channels of VAEs for flat pictures that are not Stable Diffusion's. SD3's has the shapes of Flux's.
FAMILIES_BY_CHANNELS = {16: Family.FLUX, 32: Family.FLUX2}
# Modules of VAEs that are built otherwise, and whose they are; read from the top.
OTHER_VAES: tuple[tuple[tuple[str, ...], Family], ...] = (
    (("decoder.middle.", "decoder.head."), Family.WAN),
    (("decoder.middle.", "encoder.downsamples."), Family.WAN),
    (("per_channel_statistics.", "decoder."), Family.LTX_VIDEO),
    (("decoder.per_channel_statistics.",), Family.LTX_VIDEO),
    (("vquantizer.codebook.", "in_block."), Family.CASCADE),
    (("decoder.stages.", "encoder.stages."), Family.SANA),
    (("decoder.up_blocks.0.0.",), Family.SANA),
    (("decoder.norm_out.conv_y.",), Family.COGVIDEO),
    (("decoder.conv_in.conv_s.",), Family.COSMOS),
    (("decoder.block_in.", "encoder.block_in."), Family.MOCHI),
    (("decoder.time_conv_out.",), Family.SVD),
    (("decoder.mid_block.resnets.0.temporal_res_block.",), Family.SVD),
    (("decoder.temp_conv_in.",), Family.OTHER),
    (("decoder.conv_in.conv.", "decoder.mid_block.attentions."), Family.HUNYUAN_VIDEO),
    (("decoder.conv_in.conv.", "decoder.mid.attn_1."), Family.HUNYUAN_VIDEO),
    (("decoder.conv_in.conv.", "decoder.up_blocks."), Family.LTX_VIDEO),
)
# Wan's VAE, which Qwen-Image has too, scales without a mean; a newer one of Qwen-Image is flat.
SCALES = ("decoder.norm_out.gamma", "decoder.mid_block.attentions.0.norm.gamma")
TAESD_PREFIXES = (
    "",
    "decoder.",
    "decoder.layers.",
    "taesd_decoder.",
    "encoder.",
    "encoder.layers.",
    "taesd_encoder.",
)
TAESD_WIDTH, TAEHV_WIDTH = 64, 256
PICTURE_DIMENSIONS = 4
# A1111's linear approximation of its previews: eight convolutions, the first of 7 x 7.
APPROXIMATION = ("conv1.weight", "conv8.weight")


def is_vae(header: Header) -> bool:
    """A VAE of whatever network."""
    return _first_layer(header) is not None or _other_family(header) is not None


def vae_family(header: Header) -> Family:
    """Whose latents it decodes; UNKNOWN for those of Stable Diffusion, which all have the same shapes."""
    other = _other_family(header)
    if other is not None:
        return other
    shape = _first_layer(header) or ()
    is_flat = len(shape) != VIDEO_DIMENSIONS
    if any(prefix + name in header for prefix in PREFIXES for name in SCALES):
        return Family.QWEN_IMAGE if is_flat else Family.WAN
    if not is_flat:
        return Family.OTHER
    return FAMILIES_BY_CHANNELS.get(_latent_channels(shape), Family.UNKNOWN)


def vae_reason(header: Header) -> str | None:
    """Why a VAE cannot be used, None if it can."""
    family, channels = vae_family(header), _latent_channels(_first_layer(header) or ())
    if family is not Family.UNKNOWN:
        whose = {Family.OTHER: "another network", Family.FLUX: "Flux, Z-Image or SD3"}
        whose |= {Family.WAN: "Wan, Qwen-Image or Anima"}
        return f"This VAE is of {whose.get(family, family.value)} and not of Stable Diffusion."
    if channels != LATENT_CHANNELS_OF_SD:
        return f"This VAE has {channels} latent channels, not the 4 of Stable Diffusion."
    if any(header.has(f"{prefix}encoder.") for prefix in PREFIXES):
        return None
    return "This VAE has no encoder, only a decoder. Use the whole VAE."


def _first_layer(header: Header) -> tuple[int, ...] | None:
    shapes = (header.shape(f"{prefix}decoder.conv_in.weight") for prefix in PREFIXES)
    return next((shape for shape in shapes if shape is not None), None)


def _latent_channels(shape: tuple[int, ...]) -> int:
    return shape[1] if len(shape) > 1 else 0


def _other_family(header: Header) -> Family | None:
    for names, family in OTHER_VAES:
        if any(header.has(*(prefix + name for name in names)) for prefix in PREFIXES):
            return family
    return None


def is_taesd(header: Header) -> bool:
    """A tiny autoencoder (Bohan 2023), or A1111's linear approximation."""
    return _taesd_channels(header) > 0 or _is_approximation(header) or _is_tiny_video(header)


def _is_tiny_video(header: Header) -> bool:
    """Those of videos begin as those of pictures do, and are four times as wide behind the latent."""
    shape = header.shape("decoder.1.weight") or (0,)
    return shape[0] == TAEHV_WIDTH and header.has("decoder.3.conv.")


def taesd_family(header: Header) -> Family:
    """UNKNOWN for those of Stable Diffusion, which all have the same shapes; so have those of videos."""
    if _is_tiny_video(header):
        return Family.UNKNOWN
    return FAMILIES_BY_CHANNELS.get(_taesd_channels(header), Family.UNKNOWN)


def taesd_reason(header: Header) -> str | None:
    """Why a tiny autoencoder cannot be used, None if it can."""
    if _is_tiny_video(header):
        return "This tiny VAE is for videos, not for Stable Diffusion."
    channels = _taesd_channels(header)
    if channels in FAMILIES_BY_CHANNELS:
        return f"This tiny VAE has {channels} latent channels, not the 4 of Stable Diffusion."
    return None


def _taesd_channels(header: Header) -> int:
    """Channels of the first layer of a tiny decoder (or encoder, then 3); 0 if the file holds neither."""
    if header.has("body."):
        return 0
    for prefix in TAESD_PREFIXES:
        first = header.shape(f"{prefix}0.weight") or header.shape(f"{prefix}1.weight") or (0, 0)
        has_blocks = header.has(f"{prefix}3.conv.") or header.has(f"{prefix}1.conv.")
        is_first = len(first) == PICTURE_DIMENSIONS and first[0] == TAESD_WIDTH and first[2:] == (3, 3)
        if is_first and has_blocks and first[1] in {3, LATENT_CHANNELS_OF_SD, *FAMILIES_BY_CHANNELS}:
            return first[1]
    return 0


def _is_approximation(header: Header) -> bool:
    shapes = [header.shape(key) or () for key in APPROXIMATION]
    return shapes[0][1:] == (LATENT_CHANNELS_OF_SD, 7, 7) and shapes[1][:1] == (3,)
