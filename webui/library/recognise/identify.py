"""What a file is, identified by the names and shapes of its tensors; never by its name or size.

A table of conditions, read from the top: the first that holds decides. A file that is recognised but cannot
be used carries the reason as a sentence; so does one that no condition knows.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from webui.core.errors import UnusableFile
from webui.core.model_file import AdapterSort, Family, Identity, ModelKind
from webui.library.files.headers import Header, read_header
from webui.library.recognise.adapter_family import adapter_family, is_adapter
from webui.library.recognise.adapter_keys import key_style, read_adapter
from webui.library.recognise.autoencoders import (
    is_taesd,
    is_vae,
    taesd_family,
    taesd_reason,
    vae_family,
    vae_reason,
)
from webui.library.recognise.checkpoint_layouts import find_layout
from webui.library.recognise.control_networks import (
    control_family,
    control_reason,
    ip_adapter_name,
    is_control_lora,
    is_controlnet,
    is_ip_adapter,
    is_lllite,
    is_motion_module,
    is_style_model,
    is_t2i_adapter,
    motion_family,
    style_family,
    t2i_family,
    t2i_reason,
)
from webui.library.recognise.diffusion_transformers import diffusion_family, is_whole
from webui.library.recognise.embeddings import (
    embedding_family,
    embedding_reason,
    hypernetwork_family,
    is_embedding,
    is_hypernetwork,
)
from webui.library.recognise.encoders import find_encoder
from webui.library.recognise.image_networks import (
    detector_name,
    is_face_detector,
    is_face_restorer,
    is_upscaler,
    picture_architecture,
    why_not_run,
)
from webui.library.recognise.kinds import FACTS, article
from webui.library.recognise.stable_diffusion import stable_diffusion

__all__ = ["CONDITIONS", "Condition", "Identity", "identify", "identify_file"]


# Where Stable Diffusion's trainer keeps a running average of the network's weights, under names without dots.
AVERAGES, NETWORK = "model_ema.", "model.diffusion_model."
ONLY_AVERAGES = (
    "It holds only the averaged weights of a training (EMA) and not the network. Use the checkpoint that was "
    "made from it."
)
MOST_WRAPPERS = 4
CLIP_VISION = "CLIP vision"
TRAINING_WRAPPER = "module."
READ_IN_WRAPPERS = frozenset({ModelKind.UPSCALER, ModelKind.FACE_RESTORER, ModelKind.FACE_DETECTOR})


@dataclass(frozen=True, slots=True)
class Condition:
    """If `holds`, the file is of this kind; the rest may depend on the header.

    `reason` says why it cannot be used; where it says nothing, the kind's own reason stands.
    """

    kind: ModelKind
    holds: Callable[[Header], bool]
    family: Callable[[Header], Family] | None = None
    reason: Callable[[Header], str | None] | None = None
    architecture: Callable[[Header], str | None] | None = None

    def identity(self, header: Header) -> Identity:
        """Identity of a header for which the condition holds."""
        return Identity(
            self.kind,
            self.family(header) if self.family else Family.UNKNOWN,
            reason=(self.reason(header) if self.reason else None) or FACTS[self.kind].not_yet,
            architecture=self.architecture(header) if self.architecture else None,
        )


@dataclass(frozen=True, slots=True)
class Recognition:
    """If `holds`, `identity` tells what the file is: for kinds of which there is more to say."""

    holds: Callable[[Header], bool]
    identity: Callable[[Header], Identity]


def has_only_averages(header: Header) -> bool:
    """Whether a checkpoint's network is there only as a training's running average."""
    return header.has(AVERAGES) and not header.has(NETWORK)


def identify(header: Header) -> Identity:
    """Kind and family of a file from its header."""
    found = _inside_wrappers(header)
    return _of_gguf(found, header) if header.layout == "gguf" else found


def identify_file(path: Path) -> Identity:
    """Kind and family of a file or diffusers folder; of no kind, with the reason, if it cannot be read."""
    try:
        return identify(read_header(path))
    except UnusableFile as error:
        return Identity(ModelKind.UNKNOWN, reason=str(error))


def _inside_wrappers(header: Header) -> Identity:
    """Identity of a header; of one that is not known, without the name that stands before all others."""
    for depth in range(MOST_WRAPPERS):
        wrapper = _wrapper(header)
        # Torch puts this before the names of what it trains on several cards; it is no part of any.
        if wrapper != TRAINING_WRAPPER:
            condition = next((each for each in CONDITIONS if each.holds(header)), None)
            if condition is not None:
                found = condition.identity(header)
                return _of_wrapped(found) if depth else found
        if not wrapper:
            break
        header = replace(
            header, tensors={name.removeprefix(wrapper): info for name, info in header.tensors.items()}
        )
    return _unknown(header)


def _wrapper(header: Header) -> str:
    """What all names begin with, "." included; empty if there is no such word."""
    word, dot, _ = next(iter(header.tensors), "").partition(".")
    wrapper = word + dot
    is_one = bool(dot) and not word.isdigit() and all(name.startswith(wrapper) for name in header.tensors)
    return wrapper if is_one else ""


def _of_wrapped(found: Identity) -> Identity:
    """The identity of what has a further word before its names, which not everything is read through."""
    if found.reason is not None or found.kind in READ_IN_WRAPPERS:
        return found
    return replace(
        found, reason="Its tensors have another program's names. Convert it there to the usual ones."
    )


def _unknown(header: Header) -> Identity:
    return Identity(
        ModelKind.UNKNOWN,
        reason="No known model has these tensors. Move it to the program that made it, or remove it."
        if header.tensors
        else "The file holds no tensors at all.",
    )


def _of_gguf(found: Identity, header: Header) -> Identity:
    """The identity of what a GGUF file holds; such files are not used here, whatever it is."""
    facts = FACTS[ModelKind.GGUF]
    # No embedding is kept in such files; a file of one tensor is cut.
    if found.kind not in {ModelKind.UNKNOWN, ModelKind.EMBEDDING}:
        return replace(found, reason=facts.not_yet)
    name = header.metadata.get("general.architecture")
    is_text = name in GGUF_TEXT_ENCODERS or (name is None and any(header.has(each) for each in GGUF_BLOCKS))
    kind = ModelKind.TEXT_ENCODER if is_text else ModelKind.GGUF
    family = GGUF_FAMILIES.get(name or "")
    if family is not None:
        return Identity(ModelKind.DIFFUSION_MODEL, family, reason=facts.not_yet)
    return Identity(kind, architecture=name, reason=facts.not_yet)


# What such files say of themselves.
GGUF_TEXT_ENCODERS = frozenset(
    {
        "t5",
        "t5encoder",
        "llama",
        "qwen2",
        "qwen2vl",
        "qwen3",
        "qwen3vl",
        "gemma2",
        "gemma3",
        "clip",
        "mistral3",
    }
)
# What llama.cpp calls the layers of language models.
GGUF_BLOCKS = ("blk.", "enc.blk.")
GGUF_FAMILIES = {
    "flux": Family.FLUX, "flux2": Family.FLUX2, "sd1": Family.SD1, "sdxl": Family.SDXL, "sd3": Family.SD3,
    "aura": Family.AURAFLOW, "wan": Family.WAN, "qwen_image": Family.QWEN_IMAGE, "ltxv": Family.LTX_VIDEO,
    "hyvid": Family.HUNYUAN_VIDEO, "hidream": Family.HIDREAM, "lumina2": Family.LUMINA2,
    "cosmos": Family.COSMOS, "chroma": Family.CHROMA,
}  # fmt: skip


def _is_stable_diffusion(header: Header) -> bool:
    # The first ControlNets were published inside the checkpoint that they steer.
    return find_layout(header) is not None and not header.has("control_model.")


def _lora(header: Header) -> Identity:
    """Identity of a LoRA of whatever sort."""
    adapter = read_adapter(header)
    family, sort = adapter_family(adapter, header.metadata), adapter.sort
    reason = None
    if sort is AdapterSort.MOTION:
        reason = "It moves pictures through a motion module, which cannot be used here yet."
    elif family is Family.OTHER:
        reason = "It is for a network that is not known here."
    elif family is not Family.UNKNOWN and not family.runs:
        reason = f"It is for {family.value}, which cannot be run here yet."
    return Identity(ModelKind.LORA, family, reason=reason, sort=sort, key_style=key_style(adapter))


def _is_known_diffusion(header: Header) -> bool:
    return diffusion_family(header) not in {None, Family.OTHER}


def _diffusion(header: Header) -> Identity:
    """Identity of a diffusion network that is no U-Net of Stable Diffusion, alone or with what it needs."""
    family = diffusion_family(header) or Family.OTHER
    name = article("diffusion transformer" if family is Family.OTHER else f"{family.value} model")
    kind = ModelKind.CHECKPOINT if is_whole(header) else ModelKind.DIFFUSION_MODEL
    return Identity(
        kind,
        family,
        reason=f"This is {name}, which cannot be run here yet. Choose an SD1, SD2 or SDXL checkpoint.",
    )


def _text_encoder_name(header: Header) -> str | None:
    encoder = find_encoder(header)
    return encoder.name if encoder else None


def _image_encoder_reason(header: Header) -> str | None:
    name = _text_encoder_name(header)
    return None if name == CLIP_VISION else f"{name} is not used here; IP-Adapters read with CLIP's encoder."


def _reads(*, pictures: bool) -> Callable[[Header], bool]:
    def holds(header: Header) -> bool:
        encoder = find_encoder(header)
        return encoder is not None and encoder.reads_pictures is pictures

    return holds


CONDITIONS: tuple[Condition | Recognition, ...] = (
    Condition(ModelKind.CHECKPOINT, has_only_averages, reason=lambda _: ONLY_AVERAGES),
    # These hold LoRAs within them or are made of some, so they come before LoRAs.
    Condition(ModelKind.LLLITE, is_lllite, control_family, control_reason),
    Condition(ModelKind.CONTROL_LORA, is_control_lora, control_family, control_reason),
    Condition(ModelKind.IP_ADAPTER, is_ip_adapter, control_family, control_reason, ip_adapter_name),
    Condition(ModelKind.STYLE_MODEL, is_style_model, style_family),
    Recognition(is_adapter, _lora),
    Recognition(_is_stable_diffusion, stable_diffusion),
    # These have blocks of the network that they steer, so they come before it.
    Condition(ModelKind.CONTROLNET, is_controlnet, control_family, control_reason),
    Condition(ModelKind.MOTION_MODULE, is_motion_module, motion_family),
    Condition(ModelKind.T2I_ADAPTER, is_t2i_adapter, t2i_family, t2i_reason),
    Recognition(_is_known_diffusion, _diffusion),
    # Some of these networks are built around a VAE.
    Condition(ModelKind.FACE_DETECTOR, is_face_detector),
    Condition(ModelKind.FACE_RESTORER, is_face_restorer, None, why_not_run, picture_architecture),
    Condition(ModelKind.TAESD, is_taesd, taesd_family, taesd_reason),
    Condition(ModelKind.VAE, is_vae, vae_family, vae_reason),
    Condition(ModelKind.EMBEDDING, is_embedding, embedding_family, embedding_reason),
    Condition(ModelKind.HYPERNETWORK, is_hypernetwork, hypernetwork_family),
    Condition(
        ModelKind.DETECTOR, lambda header: detector_name(header) is not None, architecture=detector_name
    ),
    Condition(ModelKind.UPSCALER, is_upscaler, None, why_not_run, picture_architecture),
    Condition(ModelKind.TEXT_ENCODER, _reads(pictures=False), architecture=_text_encoder_name),
    Condition(
        ModelKind.IMAGE_ENCODER,
        _reads(pictures=True),
        reason=_image_encoder_reason,
        architecture=_text_encoder_name,
    ),
    Recognition(lambda header: diffusion_family(header) is not None, _diffusion),
)
