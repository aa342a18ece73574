"""File names that are safe on every system, made from whatever a browser, an archive or a web site says."""

import os
import re
import unicodedata
from pathlib import Path

# Forbidden on Windows, or with a meaning in prompts (<lora:name:1>) and shells.
FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]')
# Windows takes these for devices, whatever their suffix.
DEVICES = frozenset(
    {"con", "prn", "aux", "nul"} | {f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10)}
)
# File systems allow 255; room is left for "-12" and the ends of sidecars' names.
MAX_BYTES = 200
MAX_SUFFIX_BYTES = 20


def safe_name(name: str, otherwise: str = "file") -> str:
    """The last part of a path as a plain file name: no folders, no control characters, not hidden."""
    last = re.split(r"[/\\]", name.strip().rstrip("/\\"))[-1]
    plain = unicodedata.normalize("NFC", last.encode(errors="replace").decode())
    plain = FORBIDDEN.sub("_", plain).strip().lstrip(".").rstrip(". ") or otherwise
    stem, suffix = os.path.splitext(plain)  # noqa: PTH122 - Path would take ".." and "/" for more than text
    if len(suffix.encode()) > MAX_SUFFIX_BYTES:
        stem, suffix = plain, ""
    if stem.lower() in DEVICES:
        stem += "_"
    kept = stem.encode()[: MAX_BYTES - len(suffix.encode())].decode(errors="ignore")
    return kept.rstrip(". ") + suffix if suffix else kept.rstrip(". ") or otherwise


def is_device(name: str) -> bool:
    """Whether Windows takes a name for a device of its own, whatever its suffix."""
    return name.partition(".")[0].strip().lower() in DEVICES


def safe_parts(path: str) -> Path | None:
    """A relative path with every part made safe; None if it is absolute or climbs out of its folder."""
    parts = [part for part in re.split(r"[/\\]", path) if part not in ("", ".")]
    if path.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", path) or ".." in parts or not parts:
        return None
    return Path(*(safe_name(part) for part in parts))
