"""Which Stable Diffusion a U-Net is, alone or in a whole checkpoint, and what keeps it from running here."""

from webui.core.model_file import Family, Identity, ModelKind
from webui.library.files.headers import Header
from webui.library.recognise.checkpoint_layouts import FIRST_CONV, LAST_CONV, Layout, find_layout
from webui.library.recognise.kinds import FACTS

LATENT_CHANNELS_OF_SD = 4
INPAINTING_CHANNELS = 9
# The refiner's label embedding is fed by one text encoder: 1280 + 5 * 256 numbers; SDXL's by 2816.
REFINER_VECTOR = 2560
# Kolors reads the text of ChatGLM, and its pooled text is as wide as that.
KOLORS_VECTOR = 5632
MATRIX = 2
# Widths of the text that cross attention reads. What is narrower than any published one does not tell.
CONTEXTS = {768: Family.SD1, 1024: Family.SD2, 2048: Family.SDXL, 1280: Family.SDXL_REFINER}
NARROWEST_CONTEXT = 512
TEXT_ENCODERS = {Family.SD1: 1, Family.SD2: 1, Family.SDXL: 2, Family.SDXL_REFINER: 1}
PICTURE_CHANNELS = 3
# LDSR (Rombach et al. 2022): a U-Net between the codes of a quantising autoencoder.
LDSR_CODES = "first_stage_model.quantize."


def stable_diffusion(header: Header) -> Identity:
    """Identity of a file that has a layout of Stable Diffusion."""
    layout = find_layout(header)
    assert layout is not None, "asked of a header without one"
    channels = _side(header, layout.network + FIRST_CONV[layout.names], 1)
    if header.has(LDSR_CODES) and _outputs(header, layout) == PICTURE_CHANNELS:
        reason = "This is LDSR, which cannot be run here yet. Choose another upscaler."
        return Identity(ModelKind.UPSCALER, reason=reason, architecture="LDSR")
    return Identity(
        ModelKind.CHECKPOINT if layout.is_checkpoint else ModelKind.DIFFUSION_MODEL,
        sd_family(header, layout),
        is_inpainting=channels == INPAINTING_CHANNELS,
        prediction=_prediction(header),
        has_zero_snr="ztsnr" in header,
        reason=_why_not_runnable(header, layout, channels),
    )


def _side(header: Header, name: str, side: int) -> int:
    """One side of a tensor, 0 if it is not there."""
    shape = header.shape(name) or ()
    return shape[side] if len(shape) > side else 0


def _outputs(header: Header, layout: Layout) -> int:
    return _side(header, layout.network + LAST_CONV[layout.names], 0)


def sd_family(header: Header, layout: Layout) -> Family:
    """SD1, SD2, SDXL or its refiner: by the network's own shapes, by the text encoders where those are
    smaller than any published ones.
    """
    for names, family in OTHER_UNETS:
        if any(header.has(layout.network + name) for name in names):
            return family
    # A list that was cut may end before the last convolution.
    if _outputs(header, layout) not in {0, LATENT_CHANNELS_OF_SD}:
        return Family.OTHER
    label = "label_emb.0.0.weight" if layout.names == "original" else "add_embedding.linear_1.weight"
    by_vector = VECTORS.get(_side(header, layout.network + label, 1))
    if by_vector is not None:
        return by_vector
    contexts = (
        info.shape[1]
        for key, info in header.tensors.items()
        if key.endswith("attn2.to_k.weight") and len(info.shape) > 1 and key.startswith(layout.network)
    )
    context = next(contexts, 0)
    if context >= NARROWEST_CONTEXT:
        return CONTEXTS.get(context, Family.OTHER)
    by_encoders = {
        ("clip",): Family.SD1,
        ("open_clip",): Family.SD2,
        ("clip", "open_clip_big"): Family.SDXL,
        ("open_clip_big",): Family.SDXL_REFINER,
    }
    if layout.text_encoders and layout.kinds in by_encoders:
        return by_encoders[layout.kinds]
    return _family_by_network(header, layout)


VECTORS = {REFINER_VECTOR: Family.SDXL_REFINER, KOLORS_VECTOR: Family.KOLORS}
# Modules of U-Nets that are built like Stable Diffusion's around others.
OTHER_UNETS: tuple[tuple[tuple[str, ...], Family], ...] = (
    (("input_blocks.1.0.time_stack.", "down_blocks.0.resnets.0.temporal_res_block."), Family.SVD),
    (("transformer_in.",), Family.OTHER),
    (("add_embedding.image_norm.", "add_embedding.image_proj.", "encoder_hid_proj.projection_linear."),
     Family.KANDINSKY),
)  # fmt: skip


def _family_by_network(header: Header, layout: Layout) -> Family:
    if header.has(layout.network + ("label_emb." if layout.names == "original" else "add_embedding.")):
        return Family.SDXL
    # SD2 made the projections around its attention linear (2-D weights); SD1 has 1x1 convolutions (4-D).
    projections = (info.shape for key, info in header.tensors.items() if key.endswith(".proj_in.weight"))
    shape = next(projections, None)
    return Family.SD2 if shape is not None and len(shape) == MATRIX else Family.SD1


def _prediction(header: Header) -> str | None:
    """ "v" or "eps" as marker tensors or metadata say, None if neither does."""
    if "v_pred" in header:
        return "v"
    said = header.metadata.get("modelspec.prediction_type", "").lower()
    return {"v": "v", "v_prediction": "v", "epsilon": "eps", "eps": "eps"}.get(said)


# Modules and marks of variants that need what is not here, each with the sentence that says so.
VARIANTS: tuple[tuple[str, str], ...] = (
    (
        "depth_model.",
        "This is a depth-guided Stable Diffusion 2, which needs a depth model. Use a ControlNet instead.",
    ),
    (
        "embedder.",
        "This is an unCLIP model, which takes a picture instead of a prompt. Choose another checkpoint.",
    ),
    (
        "noise_augmentor.",
        "This is an unCLIP model, which takes a picture instead of a prompt. Choose another checkpoint.",
    ),
    (
        "cc_projection.",
        "This is Zero-1-to-3, which takes a picture instead of a prompt. Choose another checkpoint.",
    ),
    (
        "cond_stage_model.roberta.",
        "This is AltDiffusion, whose text encoder is not CLIP. Choose another checkpoint.",
    ),
    (
        "edm_mean",
        "This is a Playground model, which counts its noise in another way (EDM). Choose another checkpoint.",
    ),
    (
        "edm_vpred.sigma_max",
        "This is a CosXL model, which counts its noise in another way (EDM). Choose another checkpoint.",
    ),
)


def _why_not_runnable(header: Header, layout: Layout, channels: int) -> str | None:
    """A sentence for Stable Diffusion variants that need parts we do not have, None for the others."""
    for name, sentence in VARIANTS:
        if header.has(name) if name.endswith(".") else name in header:
            return sentence
    family = sd_family(header, layout)
    if not family.runs:
        name = "network of another sort" if family is Family.OTHER else f"{family.value} model"
        return f"This is a {name}, which cannot be run here yet. Choose an SD1, SD2 or SDXL checkpoint."
    if channels not in {LATENT_CHANNELS_OF_SD, INPAINTING_CHANNELS}:
        return (
            f"Its network takes {channels} channels; only 4 (all pictures) and 9 (inpainting) are known here."
        )
    return _what_is_missing(layout, family)


def _what_is_missing(layout: Layout, family: Family) -> str | None:
    """A sentence on text encoders that are not there, None if all are."""
    if not layout.is_checkpoint:
        return FACTS[ModelKind.DIFFUSION_MODEL].not_yet
    if not layout.text_encoders:
        return "It has no text encoder, so it cannot read prompts. Use the whole checkpoint."
    if len(layout.text_encoders) < TEXT_ENCODERS[family]:
        return f"It lacks one of its {TEXT_ENCODERS[family]} text encoders. Use the whole checkpoint."
    return None
