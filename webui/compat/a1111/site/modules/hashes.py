# pyright: basic
"""SHA-256 of files, remembered."""

import hashlib
import os.path
from pathlib import Path

from modules.cache import cache as cache_of
from modules.cache import dump_cache
from webui.compat.a1111.facades import file_hashes, reaching
from webui.compat.a1111.facades.stand_ins import absent
from webui.library.files.hashing import sha256_of

__all__ = ["dump_cache", "hashlib", "os"]

cache = cache_of
blksize = 1024 * 1024


def section_of(use_addnet_hash):
    return cache_of("hashes-addnet" if use_addnet_hash else "hashes")


def calculate_sha256(filename):
    return sha256_of(Path(filename))


def sha256_from_cache(filename, title, use_addnet_hash=False):
    """The hash if it is known, else None; with `use_addnet_hash` that of the tensors."""
    path, section = Path(filename), section_of(use_addnet_hash)
    if not use_addnet_hash:
        return file_hashes.known_sha256(path, title, section)
    entry = section.get(title)
    if entry is None or not path.exists() or path.stat().st_mtime > entry.get("mtime", 0):
        return None
    return entry.get("sha256")


def sha256(filename, title, use_addnet_hash=False):
    """The hash, computed if need be; None with --no-hashing."""
    if reaching.has_word("--no-hashing"):
        return None
    path, section = Path(filename), section_of(use_addnet_hash)
    if not use_addnet_hash:
        return file_hashes.compute_sha256(path, title, section)
    known = sha256_from_cache(filename, title, use_addnet_hash)
    if known is None:
        known = file_hashes.data_hash(path)
        section[title] = {"mtime": path.stat().st_mtime, "sha256": known}
    return known


def addnet_hash_safetensors(b):
    """SHA-256 of what follows the header of an opened safetensors file."""
    b.seek(0)
    length = int.from_bytes(b.read(8), "little")
    b.seek(8 + length)
    digest = hashlib.sha256()
    while piece := b.read(blksize):
        digest.update(piece)
    return digest.hexdigest()


def partial_hash_from_cache(filename, *, ignore_cache=False, digits=8):
    """The hash of a part of a file by which A1111 1.10 tells copies apart."""
    return file_hashes.old_hash(Path(filename))[:digits]


def partial_hash(filename, digits=8):
    return partial_hash_from_cache(filename, digits=digits)


def __getattr__(name):
    absent("modules.hashes", name)
