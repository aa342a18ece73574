"""What is known of a model file without loading torch."""

import re
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class ModelKind(StrEnum):
    """What a file is for, told by its keys and shapes."""

    CHECKPOINT = "checkpoint"
    VAE = "vae"
    TAESD = "taesd"
    LORA = "lora"
    EMBEDDING = "embedding"
    HYPERNETWORK = "hypernetwork"
    CONTROLNET = "controlnet"
    IP_ADAPTER = "ip-adapter"
    UPSCALER = "upscaler"
    FACE_RESTORER = "face restorer"
    FACE_DETECTOR = "face detector"
    TEXT_ENCODER = "text encoder"
    DIFFUSION_MODEL = "diffusion model"
    UNKNOWN = "unrecognised"


class Family(StrEnum):
    """The architecture a file belongs to."""

    SD1 = "SD1"
    SD2 = "SD2"
    SDXL = "SDXL"
    SDXL_REFINER = "SDXL refiner"
    SD3 = "SD3"
    FLUX = "Flux"
    OTHER = "other"
    UNKNOWN = "unknown"


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
    # Of upscalers and face restorers: the published name of the network, such as "SwinIR".
    architecture: str | None = None
    prediction: str | None = None
    metadata: dict[str, str] = {}
    reason: str | None = None

    @property
    def stem(self) -> str:
        """File name without folder and suffix, as A1111 shows it in infotext."""
        return Path(self.name).stem if self.path.suffix else Path(self.name).name

    @property
    def native_side(self) -> int:
        """Side in pixels of the pictures it was trained on: by its metadata, else by its family."""
        written = re.match(r"(\d+)x\d+", self.metadata.get("modelspec.resolution", ""))
        if written and 64 <= int(written[1]) <= 4096:
            return int(written[1]) // 8 * 8
        return 1024 if self.family in (Family.SDXL, Family.SDXL_REFINER) else 512

    @property
    def short_hash(self) -> str | None:
        """First 10 hex digits of the file's SHA-256, A1111's "Model hash"."""
        return self.sha256[:10] if self.sha256 else None

    @property
    def title(self) -> str:
        """A1111's title: `folder/name.safetensors [hash]`; the hash only once it is known."""
        return f"{self.name} [{self.short_hash}]" if self.sha256 else self.name
