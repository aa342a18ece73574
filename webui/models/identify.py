"""What a file is, told by the names and shapes of its tensors; never by its name or size.

A table of conditions, read from the top: the first that holds decides. A file that is recognised but cannot
be run carries the reason as a sentence; so does one that no condition knows.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from webui.core.model_file import Family, ModelKind
from webui.models.adapter_family import adapter_family, is_adapter
from webui.models.headers import Header
from webui.models.layouts import FIRST_CONV, Layout, find_layout
from webui.models.picture_networks import is_face_detector, is_face_restorer, is_upscaler

LATENT_CHANNELS_OF_SD = 4
INPAINTING_CHANNELS = 9


@dataclass(frozen=True, slots=True)
class Identity:
    """What a header tells. `prediction` is "eps", "v" or None where names and metadata do not say."""

    kind: ModelKind
    family: Family = Family.UNKNOWN
    is_inpainting: bool = False
    prediction: str | None = None
    has_zero_snr: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """If `holds`, the file is of this kind; `family` and `reason` may depend on the header."""

    kind: ModelKind
    holds: Callable[[Header], bool]
    family: Callable[[Header], Family] | Family = Family.UNKNOWN
    reason: Callable[[Header], str | None] | str | None = None

    def identity(self, header: Header) -> Identity:
        """Identity of a header for which the condition holds."""
        family = self.family if isinstance(self.family, Family) else self.family(header)
        reason = self.reason(header) if callable(self.reason) else self.reason
        return Identity(self.kind, family, reason=reason)


def identify(header: Header) -> Identity:
    """Kind and family of a file from its header."""
    layout = find_layout(header)
    if layout is not None and not is_adapter(header):
        return _stable_diffusion(header, layout)
    for condition in CONDITIONS:
        if condition.holds(header):
            return condition.identity(header)
    return Identity(
        ModelKind.UNKNOWN,
        reason="No known model has these tensors. Move it to the program that made it, or remove it."
        if header.tensors
        else "The file holds no tensors at all.",
    )


def _stable_diffusion(header: Header, layout: Layout) -> Identity:
    """Identity of a Stable Diffusion U-Net, alone or in a whole checkpoint."""
    family = sd_family(header, layout)
    channels = (header.shape(layout.network + FIRST_CONV[layout.names]) or (0, 0))[1]
    is_whole = layout.is_checkpoint
    found = Identity(
        ModelKind.CHECKPOINT if is_whole else ModelKind.DIFFUSION_MODEL,
        family,
        is_inpainting=channels == INPAINTING_CHANNELS,
        prediction=_prediction(header),
        has_zero_snr="ztsnr" in header,
    )
    return replace(found, reason=_why_not_runnable(header, layout, channels))


def sd_family(header: Header, layout: Layout) -> Family:
    """SD1, SD2, SDXL or its refiner: by the text encoders where they are present, else by the network's own
    shapes.
    """
    by_encoders = {
        ("clip",): Family.SD1,
        ("open_clip",): Family.SD2,
        ("clip", "open_clip_big"): Family.SDXL,
        ("open_clip_big",): Family.SDXL_REFINER,
    }
    if layout.text_encoders and layout.kinds in by_encoders:
        return by_encoders[layout.kinds]
    return _family_by_network(header, layout)


def _family_by_network(header: Header, layout: Layout) -> Family:
    if header.has(layout.network + ("label_emb." if layout.names == "original" else "add_embedding.")):
        # Only the refiner has attention of depth 4 everywhere and its first two levels side by side at 384
        # channels; its label embedding is fed by one text encoder: 1280 + 5 · 256 = 2560 numbers against
        # SDXL's 2816.
        label = "label_emb.0.0.weight" if layout.names == "original" else "add_embedding.linear_1.weight"
        shape = header.shape(layout.network + label)
        return Family.SDXL_REFINER if shape and shape[1] == REFINER_VECTOR else Family.SDXL
    # SD2 made the projections around its attention linear (2-D weights); SD1 has 1x1 convolutions (4-D).
    projections = (info.shape for key, info in header.tensors.items() if key.endswith(".proj_in.weight"))
    shape = next(projections, None)
    return Family.SD2 if shape is not None and len(shape) == MATRIX else Family.SD1


REFINER_VECTOR = 2560
MATRIX = 2


def _prediction(header: Header) -> str | None:
    """ "v" or "eps" as marker tensors or metadata say, None if neither does."""
    if "v_pred" in header:
        return "v"
    said = header.metadata.get("modelspec.prediction_type", "").lower()
    return {"v": "v", "v_prediction": "v", "epsilon": "eps", "eps": "eps"}.get(said)


def _why_not_runnable(header: Header, layout: Layout, channels: int) -> str | None:
    """A sentence for Stable Diffusion variants that need parts we do not have, None for the others."""
    if header.has("depth_model."):
        return (
            "This is a depth-guided Stable Diffusion 2, which needs a depth model. Use a ControlNet instead."
        )
    if header.has("embedder.") or header.has("noise_augmentor."):
        return (
            "This is an unCLIP model, which takes a picture instead of a prompt. Choose another checkpoint."
        )
    if header.has("cond_stage_model.roberta."):
        return "This is AltDiffusion, whose text encoder is not CLIP. Choose another checkpoint."
    if channels not in {LATENT_CHANNELS_OF_SD, INPAINTING_CHANNELS}:
        return (
            f"Its network takes {channels} channels; only 4 (all pictures) and 9 (inpainting) are known here."
        )
    if not layout.is_checkpoint:
        return "This is a U-Net alone, without text encoder and VAE. Use the whole checkpoint."
    return None


def _any_prefix(*prefixes: str) -> Callable[[Header], bool]:
    return lambda header: any(header.has(prefix) for prefix in prefixes)


def _every_key(*keys: str) -> Callable[[Header], bool]:
    return lambda header: all(key in header for key in keys)


def _is_vae(header: Header) -> bool:
    prefixes = ("", "first_stage_model.", "vae.", "vae/")
    return any(f"{prefix}decoder.conv_in.weight" in header for prefix in prefixes)


def _vae_latent_channels(header: Header) -> int:
    shapes = (
        info.shape
        for key, info in header.tensors.items()
        if key.endswith("decoder.conv_in.weight") and len(info.shape) > 1
    )
    return next((shape[1] for shape in shapes), 0)


def _vae_reason(header: Header) -> str | None:
    channels = _vae_latent_channels(header)
    if channels == LATENT_CHANNELS_OF_SD and header.has("encoder."):
        return None
    if channels == LATENT_CHANNELS_OF_SD and header.has("first_stage_model.encoder."):
        return None
    return (
        f"This VAE has {channels} latent channels, not the 4 of Stable Diffusion."
        if channels != 4
        else ("This VAE has no encoder, only a decoder. Use the whole VAE.")
    )


def _is_taesd(header: Header) -> bool:
    for prefix in (
        "",
        "decoder.",
        "decoder.layers.",
        "taesd_decoder.",
        "encoder.",
        "encoder.layers.",
        "taesd_encoder.",
    ):
        first = header.shape(f"{prefix}0.weight") or header.shape(f"{prefix}1.weight")
        if (
            first
            and len(first) == 4
            and first[0] == TAESD_WIDTH
            and first[2:] == (3, 3)
            and not header.has("body.")
        ):
            return first[1] in {3, 4, 16} and header.has(f"{prefix}3.conv.") | header.has(f"{prefix}1.conv.")
    return False


TAESD_WIDTH = 64


def _is_hypernetwork(header: Header) -> bool:
    heads = {key.split(".", 1)[0] for key in header.tensors}
    return (
        bool(heads)
        and all(head.isdigit() for head in heads)
        and all(".linear" in key for key in header.tensors)
    )


def _is_embedding(header: Header) -> bool:
    if header.has("string_to_param.") or "emb_params" in header or {"clip_l", "clip_g"} & set(header.tensors):
        return all(len(info.shape) <= MATRIX for info in header.tensors.values())
    # A single small matrix, or a single vector, is what other trainers write: tokens (at most 75) by width.
    infos = list(header.tensors.values())
    return (
        len(infos) == 1
        and 1 <= len(infos[0].shape) <= MATRIX
        and (len(infos[0].shape) == 1 or infos[0].shape[0] <= 75)
    )


def _embedding_family(header: Header) -> Family:
    if {"clip_l", "clip_g"} & set(header.tensors):
        return Family.SDXL
    width = next((info.shape[-1] for info in header.tensors.values() if info.shape), 0)
    return {768: Family.SD1, 1024: Family.SD2, 1280: Family.SDXL, 2048: Family.SDXL}.get(
        width, Family.UNKNOWN
    )


def _is_other_transformer(header: Header) -> bool:
    shared = (
        "x_embedder.",
        "net.x_embedder.",
        "t_embedder.",
        "final_layer.",
        "patch_embedding.",
        "time_in.",
        "img_in.",
    )
    prefixes = ("", "model.diffusion_model.", "diffusion_model.", "transformer/")
    return any(header.has(prefix + name) for prefix in prefixes for name in shared)


NOT_YET = "This is a {name} model, which cannot be run here. Choose an SD1, SD2 or SDXL checkpoint."
CONTROLNET_PREFIXES = (
    "control_model.", "controlnet_cond_embedding.", "controlnet_blocks.", "controlnet_down_blocks.",
    "lora_controlnet.",
    "input_hint_block.", "zero_convs.", "nnet.",
)  # fmt: skip
IP_ADAPTER_PREFIXES = ("ip_adapter.", "ip_adapter_proj_model.", "image_proj_model.", "image_proj.")
FLUX_PREFIXES = ("double_blocks.", "model.diffusion_model.double_blocks.", "diffusion_model.double_blocks.",
                 "single_transformer_blocks.", "transformer/single_transformer_blocks.")  # fmt: skip
SD3_PREFIXES = ("joint_blocks.", "model.diffusion_model.joint_blocks.", "diffusion_model.joint_blocks.")
TEXT_ENCODER_PREFIXES = (
    "text_model.encoder.", "transformer.text_model.", "encoder.block.", "model.embed_tokens.",
    "transformer.resblocks.",
    "shared.", "language_model.", "model.layers.",
)  # fmt: skip

CONDITIONS: tuple[Condition, ...] = (
    Condition(ModelKind.LORA, is_adapter, adapter_family),
    Condition(ModelKind.CONTROLNET, _any_prefix(*CONTROLNET_PREFIXES)),
    Condition(ModelKind.IP_ADAPTER, _any_prefix(*IP_ADAPTER_PREFIXES)),
    Condition(
        ModelKind.DIFFUSION_MODEL, _any_prefix(*FLUX_PREFIXES), Family.FLUX, NOT_YET.format(name="Flux")
    ),
    Condition(
        ModelKind.DIFFUSION_MODEL,
        _any_prefix(*SD3_PREFIXES),
        Family.SD3,
        NOT_YET.format(name="Stable Diffusion 3"),
    ),
    # Before VAEs: some of these networks are built around one.
    Condition(ModelKind.FACE_DETECTOR, is_face_detector),
    Condition(ModelKind.FACE_RESTORER, is_face_restorer),
    Condition(ModelKind.TAESD, _is_taesd),
    Condition(ModelKind.VAE, _is_vae, reason=_vae_reason),
    Condition(ModelKind.EMBEDDING, _is_embedding, _embedding_family),
    Condition(ModelKind.HYPERNETWORK, _is_hypernetwork),
    Condition(ModelKind.UPSCALER, is_upscaler),
    Condition(ModelKind.TEXT_ENCODER, _any_prefix(*TEXT_ENCODER_PREFIXES)),
    Condition(
        ModelKind.DIFFUSION_MODEL,
        _is_other_transformer,
        Family.OTHER,
        NOT_YET.format(name="diffusion transformer"),
    ),
)
