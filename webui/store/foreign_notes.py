"""What other programs write into pictures: NovelAI, ComfyUI, Fooocus; and text hidden in alpha."""

import contextlib
import gzip
import io
import json
import re
import zlib

from PIL import Image

from webui.core.errors import InvalidRequest
from webui.core.sampling import find_sampler

# ComfyUI writes these two into a WebP's EXIF as "workflow:{...}".
COMFY_KEYS = ("prompt", "workflow")
HIDDEN_MARKS = {b"stealth_pnginfo": False, b"stealth_pngcomp": True}
MARK_BYTES = 15
LENGTH_BYTES = 4
MAX_HIDDEN_BYTES = 1_000_000
# Larger pictures are left alone: looking costs a pass over all of their pixels.
MAX_HIDDEN_PIXELS = 40_000_000


def notes_of_others(items: dict[str, str]) -> dict[str, str]:
    """The items with ComfyUI's graphs taken out of the EXIF fields it borrows."""
    result = dict(items)
    for key in ("Make", "Model", "Description"):
        name, _, graph = result.get(key, "").partition(":")
        if name.lower() in COMFY_KEYS and graph.lstrip().startswith("{"):
            result[name.lower()] = graph
            del result[key]
    return result


def from_novelai(items: dict[str, str], size: tuple[int, int]) -> str | None:
    """Infotext for a picture by NovelAI; None for others. Clip skip and ENSD are those it works with."""
    if items.get("Software") != "NovelAI":
        return None
    try:
        told = json.loads(items["Comment"])
        prompt = items["Description"]
        negative, steps, scale, seed = told["uc"], told["steps"], told["scale"], told["seed"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    width, height = size
    return (
        f"{prompt}\nNegative prompt: {negative}\n"
        f"Steps: {steps}, Sampler: {sampler_label(told.get('sampler'))}, CFG scale: {scale}, Seed: {seed}, "
        f"Size: {width}x{height}, Clip skip: 2, ENSD: 31337"
    )


def from_fooocus(text: str | None) -> str | None:
    """Infotext for a picture by Fooocus, whose own scheme is a JSON text; None for other texts."""
    try:
        told = json.loads(text or "")
        width, height = re.findall(r"\d+", told["resolution"])
        name, schedule = told["sampler"].removesuffix("_gpu"), told["scheduler"].title()
        sampler = sampler_label(f"k_{name}", name)
        return (
            f"{told['prompt']}\nNegative prompt: {told['negative_prompt']}\n"
            f"Steps: {told['steps']}, Sampler: {sampler}, Schedule type: {schedule}, "
            f"CFG scale: {told['guidance_scale']}, Seed: {told['seed']}, Size: {width}x{height}, "
            f"Model hash: {told['base_model_hash']}, Model: {told['base_model']}"
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return None


def sampler_label(name: object, otherwise: str = "Euler a") -> str:
    """The label of a sampler named as in k-diffusion."""
    with contextlib.suppress(InvalidRequest):
        return find_sampler(str(name)).label
    return otherwise


def hidden_in_alpha(image: Image.Image) -> str | None:
    """Infotext in the lowest bits of the alpha channel, by columns ("stealth PNG info", also NovelAI's)."""
    if (
        image.mode != "RGBA"
        or image.format not in ("PNG", "WEBP")
        or image.width * image.height > MAX_HIDDEN_PIXELS
    ):
        return None
    bits = image.getchannel("A").transpose(Image.Transpose.TRANSPOSE).tobytes()
    mark = packed(bits, 0, MARK_BYTES)
    if mark not in HIDDEN_MARKS:
        return None
    length = int.from_bytes(packed(bits, MARK_BYTES, LENGTH_BYTES)) // 8
    if not 0 < length <= MAX_HIDDEN_BYTES:
        return None
    data = packed(bits, MARK_BYTES + LENGTH_BYTES, length)
    try:
        return (unpacked(data) if HIDDEN_MARKS[mark] else data).decode() or None
    except (OSError, EOFError, zlib.error, UnicodeDecodeError):
        return None


def packed(bits: bytes, start: int, count: int) -> bytes:
    """`count` bytes made of the lowest bits, from byte `start` on; fewer where the picture ends."""
    taken = bits[start * 8 : (start + count) * 8]
    whole = len(taken) // 8
    ones = "".join("1" if byte & 1 else "0" for byte in taken[: whole * 8])
    return int(ones or "0", 2).to_bytes(whole)


def unpacked(data: bytes) -> bytes:
    """gzip, up to the size a text may have."""
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        return file.read(MAX_HIDDEN_BYTES)
