"""What is known of a model file without loading torch."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from webui.core.readable import readable


class ModelKind(StrEnum):
    """What a file is for, told by its keys and shapes."""

    CHECKPOINT = "checkpoint"
    VAE = "vae"
    TAESD = "taesd"
    LORA = "lora"
    EMBEDDING = "embedding"
    HYPERNETWORK = "hypernetwork"
    CONTROLNET = "controlnet"
    CONTROL_LORA = "control-lora"
    LLLITE = "controlnet-lllite"
    T2I_ADAPTER = "t2i-adapter"
    IP_ADAPTER = "ip-adapter"
    STYLE_MODEL = "style model"
    MOTION_MODULE = "motion module"
    UPSCALER = "upscaler"
    FACE_RESTORER = "face restorer"
    FACE_DETECTOR = "face detector"
    DETECTOR = "detector"
    TEXT_ENCODER = "text encoder"
    IMAGE_ENCODER = "image encoder"
    DIFFUSION_MODEL = "diffusion model"
    # What a GGUF file holds is told by its tensors; this is one of something that is not known.
    GGUF = "gguf"
    UNKNOWN = "unrecognised"


class Family(StrEnum):
    """The architecture a file belongs to, by the name people know it by."""

    SD1 = "SD1"
    SD2 = "SD2"
    SDXL = "SDXL"
    SDXL_REFINER = "SDXL refiner"
    SD3 = "SD3"
    FLUX = "Flux"
    FLUX2 = "Flux.2"
    FLUX3 = "Flux.3"
    CHROMA = "Chroma"
    Z_IMAGE = "Z-Image"
    LUMINA2 = "Lumina 2"
    QWEN_IMAGE = "Qwen-Image"
    WAN = "Wan"
    ANIMA = "Anima"
    COSMOS = "Cosmos"
    KREA2 = "Krea 2"
    HUNYUAN_VIDEO = "Hunyuan Video"
    HUNYUAN_IMAGE = "Hunyuan Image"
    HUNYUAN_DIT = "Hunyuan-DiT"
    LTX_VIDEO = "LTX-Video"
    AURAFLOW = "AuraFlow"
    PIXART = "PixArt"
    SANA = "Sana"
    HIDREAM = "HiDream"
    OMNIGEN2 = "OmniGen 2"
    MOCHI = "Mochi"
    COGVIDEO = "CogVideoX"
    COGVIEW = "CogView"
    KANDINSKY = "Kandinsky"
    CASCADE = "Stable Cascade"
    KOLORS = "Kolors"
    SVD = "Stable Video Diffusion"
    OTHER = "other"
    UNKNOWN = "unknown"

    @property
    def runs(self) -> bool:
        """Whether pictures can be made with it here."""
        return self in {Family.SD1, Family.SD2, Family.SDXL, Family.SDXL_REFINER}


class AdapterSort(StrEnum):
    """How the weights of a LoRA (in the wide sense) are stored, by the name its authors gave it."""

    LORA = "LoRA"
    # LoRA on convolutions too (Yeh et al. 2023, LyCORIS; as the four below).
    LOCON = "LoCon"
    LOHA = "LoHa"
    LOKR = "LoKr"
    IA3 = "IA3"
    GLORA = "GLoRA"
    FULL = "full difference"
    NORMS = "norms"
    OFT = "OFT"
    BOFT = "BOFT"
    # LoRA or LoCon with lengths apart from directions (Liu et al. 2024).
    DORA = "DoRA"
    MOTION = "motion LoRA"


class KeyStyle(StrEnum):
    """Whose names a file's tensors have."""

    KOHYA = "kohya"
    ONETRAINER = "OneTrainer"
    DIFFUSERS = "diffusers"
    PEFT = "PEFT"
    AI_TOOLKIT = "ai-toolkit"
    XLABS = "XLabs"
    LYCORIS = "LyCORIS"
    ORIGINAL = "original"


@dataclass(frozen=True, slots=True)
class Identity:
    """What a header tells of a file. `reason` says why it cannot be used, as a sentence; None if it can.

    `prediction` is "eps", "v" or None where names and metadata do not say.
    """

    kind: ModelKind
    family: Family = Family.UNKNOWN
    is_inpainting: bool = False
    prediction: str | None = None
    has_zero_snr: bool = False
    reason: str | None = None
    # Of LoRAs: how the weights are stored, and whose names they have.
    sort: AdapterSort | None = None
    key_style: KeyStyle | None = None
    # The published name of the network where a kind has many, such as "SwinIR" or "T5".
    architecture: str | None = None

    @property
    def can_run(self) -> bool:
        """Whether it can be used here."""
        return self.reason is None


# Metadata of an embedding in a picture: what it is called there.
CARRIED_NAME = "embedding.name"


class ModelFile(BaseModel):
    """One file (or diffusers folder) on disk.

    `name` is the path below its folder with "/" between parts, suffix included; `title` what pickers show.
    `reason` says why a file cannot be used, as a sentence; None for usable files.
    """

    model_config = ConfigDict(frozen=True)

    path: Path
    name: str
    kind: ModelKind
    family: Family
    size: int
    mtime_ns: int
    sha256: str | None = None
    old_hash: str | None = None
    is_inpainting: bool = False
    # Of LoRAs: how the weights are stored, and whose names they have.
    sort: AdapterSort | None = None
    key_style: KeyStyle | None = None
    # The published name of the network where a kind has many, such as "SwinIR" or "T5".
    architecture: str | None = None
    prediction: str | None = None
    container: str = "safetensors"
    metadata: dict[str, str] = {}
    # Whether it carries a picture of what it makes.
    has_cover: bool = False
    reason: str | None = None
    # Whether the reason is that it lies in a folder of other kinds.
    is_misplaced: bool = False

    @property
    def stem(self) -> str:
        """File name without folder and suffix, as A1111 shows it in infotext."""
        return Path(self.name).stem if self.path.suffix else Path(self.name).name

    @property
    def word(self) -> str:
        """What an embedding is called in prompts: one in a picture has a name of its own."""
        return self.metadata.get(CARRIED_NAME) or Path(self.name).stem

    @property
    def file_name(self) -> str:
        """File name without folder, as text that can be shown; `path.name` need not be UTF-8."""
        return self.name.rpartition("/")[2]

    @property
    def path_text(self) -> str:
        """The whole path as text that can be shown."""
        return readable(str(self.path))

    def fits(self, checkpoint: Family) -> bool:
        """Whether it may be used with checkpoints of a family; what is not known may be."""
        return self.family in {Family.UNKNOWN, checkpoint} or checkpoint is Family.UNKNOWN

    @property
    def short_hash(self) -> str | None:
        """First 10 hex digits of the file's SHA-256, A1111's "Model hash"."""
        return self.sha256[:10] if self.sha256 else None

    @property
    def title(self) -> str:
        """A1111's title: `folder/name.safetensors [hash]`; the hash only once it is known."""
        return f"{self.name} [{self.short_hash}]" if self.sha256 else self.name
