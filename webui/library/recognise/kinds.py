"""What is known of each kind of model: its name, what it is for, where A1111 keeps it, whether it is used."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from webui.core.model_file import AdapterSort, Family, Identity, ModelFile, ModelKind


@dataclass(frozen=True, slots=True)
class KindFacts:
    """Of one kind. `folders` are below models/, the first is the home of new files; "embeddings" lies beside.

    `not_yet` says why such files cannot be used, None for those that can.
    """

    noun: str
    purpose: str
    folders: tuple[str, ...] = ()
    not_yet: str | None = None


def _not_used(noun: str) -> str:
    return f"{noun} cannot be used here yet."


CONTROL_FOLDERS = ("ControlNet",)
FACTS: Mapping[ModelKind, KindFacts] = MappingProxyType(
    {
        ModelKind.CHECKPOINT: KindFacts("checkpoint", "makes pictures", ("Stable-diffusion",)),
        ModelKind.DIFFUSION_MODEL: KindFacts(
            "diffusion model",
            "is the network of a checkpoint without its text encoders and VAE",
            ("Stable-diffusion",),
            "This is a diffusion model alone, without text encoder and VAE. Use the whole checkpoint.",
        ),
        ModelKind.VAE: KindFacts("VAE", "turns latents into pictures and back", ("VAE", "Stable-diffusion")),
        ModelKind.TAESD: KindFacts(
            "tiny VAE", "turns latents into previews quickly", ("VAE-taesd", "VAE-approx", "VAE")
        ),
        ModelKind.LORA: KindFacts(
            "LoRA", "changes a checkpoint where the prompt says <lora:name:1>", ("Lora", "LyCORIS")
        ),
        ModelKind.EMBEDDING: KindFacts(
            "embedding", "is a word for prompts, spelled as its file is named", ("embeddings",)
        ),
        ModelKind.HYPERNETWORK: KindFacts(
            "hypernetwork", "changes a checkpoint where the prompt says <hypernet:name:1>", ("hypernetworks",)
        ),
        ModelKind.CONTROLNET: KindFacts("ControlNet", "lets a picture guide another", CONTROL_FOLDERS),
        ModelKind.CONTROL_LORA: KindFacts("Control-LoRA", "is a small ControlNet", CONTROL_FOLDERS),
        ModelKind.LLLITE: KindFacts("ControlNet-LLLite", "is a small ControlNet", CONTROL_FOLDERS),
        ModelKind.T2I_ADAPTER: KindFacts("T2I-Adapter", "lets a picture guide another", CONTROL_FOLDERS),
        ModelKind.IP_ADAPTER: KindFacts("IP-Adapter", "lets a picture stand in a prompt", CONTROL_FOLDERS),
        ModelKind.STYLE_MODEL: KindFacts(
            "style model", "lets a picture stand in a prompt", CONTROL_FOLDERS, _not_used("A style model")
        ),
        ModelKind.MOTION_MODULE: KindFacts(
            "motion module",
            "moves the pictures of a checkpoint",
            ("animatediff",),
            _not_used("A motion module"),
        ),
        ModelKind.UPSCALER: KindFacts(
            "upscaler",
            "enlarges pictures",
            ("ESRGAN", "RealESRGAN", "SwinIR", "Swin2SR", "ScuNET", "DAT", "HAT", "BSRGAN", "LDSR"),
        ),
        ModelKind.FACE_RESTORER: KindFacts("face restorer", "mends faces", ("GFPGAN", "Codeformer")),
        ModelKind.FACE_DETECTOR: KindFacts(
            "face detector", "finds faces to mend", ("GFPGAN", "Codeformer", "opencv")
        ),
        ModelKind.DETECTOR: KindFacts(
            "detector",
            "finds things, depth or poses in pictures",
            ("adetailer", "ControlNetPreprocessor", "GFPGAN", "Codeformer"),
            _not_used("A detector of this sort"),
        ),
        ModelKind.TEXT_ENCODER: KindFacts(
            "text encoder",
            "reads prompts",
            ("text_encoder",),
            "A text encoder alone is not used here; checkpoints bring their own.",
        ),
        ModelKind.IMAGE_ENCODER: KindFacts(
            "image encoder",
            "reads pictures for IP-Adapters",
            ("ControlNetPreprocessor", "clip_vision", "ControlNet", "text_encoder"),
        ),
        ModelKind.GGUF: KindFacts(
            "GGUF file",
            "holds a model for other programs",
            ("Stable-diffusion",),
            "GGUF files cannot be used here. Use the .safetensors file of the same model.",
        ),
        ModelKind.UNKNOWN: KindFacts("unrecognised file", "is not known"),
    }
)
# The layout of headers of GGUF files.
GGUF_CONTAINER = "gguf"
# By the sound of its first letter.
VOWELS = "aeiou"


def kind_reason(kind: ModelKind, container: str) -> str | None:
    """Why files of a kind cannot be used here, None for those that can; of GGUF files none can."""
    return FACTS[ModelKind.GGUF if container == GGUF_CONTAINER else kind].not_yet


def noun(kind: ModelKind) -> str:
    """The name of a kind in a sentence, such as "LoRA"."""
    return FACTS[kind].noun


def purpose(kind: ModelKind) -> str:
    """What a kind is for, as the rest of a sentence that begins with "It"."""
    return FACTS[kind].purpose


def with_article(kind: ModelKind) -> str:
    """ "a LoRA", "an embedding"."""
    return article(noun(kind))


def article(words: str) -> str:
    """The words with "a" or "an" before them."""
    return f"an {words}" if words[:1].lower() in VOWELS and not words.startswith("un") else f"a {words}"


def describe(file: Identity | ModelFile) -> str:
    """What a file is, what it is for, and if it cannot be used, why: a sentence or two for its card."""
    if file.kind is ModelKind.UNKNOWN:
        return file.reason or "It is not known what this is."
    words = article(_name(file))
    sentence = f"{words[0].upper()}{words[1:]}{_for_family(file)}; it {purpose(file.kind)}."
    return f"{sentence} {file.reason}" if file.reason else sentence


def _name(file: Identity | ModelFile) -> str:
    """The noun, more precise where more is known."""
    if file.sort is not None:
        is_named = file.sort not in {AdapterSort.FULL, AdapterSort.NORMS}
        return file.sort.value if is_named else f"LoRA ({file.sort.value})"
    named = {ModelKind.UPSCALER, ModelKind.FACE_RESTORER, ModelKind.TEXT_ENCODER, ModelKind.IMAGE_ENCODER}
    if file.architecture and file.kind in named | {ModelKind.DETECTOR, ModelKind.STYLE_MODEL}:
        return f"{file.architecture} {noun(file.kind)}"
    return f"{noun(file.kind)} for inpainting" if file.is_inpainting else noun(file.kind)


def _for_family(file: Identity | ModelFile) -> str:
    style = f" in the names of {file.key_style.value}" if file.sort and file.key_style else ""
    if file.family in {Family.UNKNOWN, Family.OTHER}:
        return style
    joined = " of " if file.kind in {ModelKind.CHECKPOINT, ModelKind.DIFFUSION_MODEL} else " for "
    return f"{joined}{file.family.value}{style}"
