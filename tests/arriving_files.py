"""Small files of every kind that can arrive."""

import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from safetensors.numpy import save

CONTEXT = {"SD1": 768, "SD2": 1024, "SDXL": 2048}
BLOCK = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
INFOTEXT = (
    "a cat <lora:meow:0.8>\nNegative prompt: dog\n"
    "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 64x64"
)


def lora(seed: int = 0, family: str = "SD1", metadata: Mapping[str, str] | None = None) -> bytes:
    """A LoRA of rank 4 on one layer; each seed gives another file."""
    numbers = np.random.default_rng(seed)
    tensors = {
        f"{BLOCK}.lora_down.weight": numbers.standard_normal((4, CONTEXT[family])).astype(np.float16),
        f"{BLOCK}.lora_up.weight": numbers.standard_normal((320, 4)).astype(np.float16),
        f"{BLOCK}.alpha": np.array(4, dtype=np.float16),
    }
    return save(tensors, dict(metadata) if metadata else None)


def flux_lora(seed: int = 0) -> bytes:
    """A LoRA for a family that cannot be run here."""
    numbers = np.random.default_rng(seed)
    base = "lora_unet_double_blocks_0_img_attn_proj"
    return save(
        {
            f"{base}.lora_down.weight": numbers.standard_normal((4, 3072)).astype(np.float16),
            f"{base}.lora_up.weight": numbers.standard_normal((3072, 4)).astype(np.float16),
            f"{base}.alpha": np.array(4, dtype=np.float16),
        }
    )


def embedding(seed: int = 0) -> bytes:
    """Two words for SD1."""
    return save({"emb_params": np.random.default_rng(seed).standard_normal((2, 768)).astype(np.float32)})


def unknown_tensors() -> bytes:
    """A safetensors file of nothing."""
    return save({"tables.customers": np.zeros((3, 3, 3), dtype=np.float32)})


def picture(infotext: str | None = INFOTEXT, size: tuple[int, int] = (64, 48)) -> bytes:
    """A PNG that tells how it was made."""
    notes, file = PngInfo(), io.BytesIO()
    if infotext is not None:
        notes.add_text("parameters", infotext)
    Image.new("RGB", size, "red").save(file, "PNG", pnginfo=notes)
    return file.getvalue()


def archive(files: Mapping[str, bytes | str], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as opened:
        for name, data in files.items():
            opened.writestr(name, data)
    return file.getvalue()


def card(**values: object) -> bytes:
    """A card as A1111 writes it."""
    return json.dumps(values).encode()


def files_in(folder: Path) -> list[Path]:
    """Every file in a folder and deeper, also while some are taken away."""
    return [Path(place, name) for place, _, names in os.walk(folder) for name in names]
