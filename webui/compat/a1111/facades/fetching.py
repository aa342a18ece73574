"""Files that extensions fetch: written whole or not at all, with their hash checked."""

import hashlib
import logging
import os
import tempfile
from pathlib import Path
from threading import Event

from webui.compat.a1111 import host
from webui.core.errors import InvalidRequest, UnusableFile
from webui.library.fetch.web import USER_AGENT

logger = logging.getLogger(__name__)
PIECE_BYTES = 1 << 20


def fetch(address: str, folder: Path, name: str, hash_prefix: str | None = None) -> Path:
    """The file of that name in a folder; fetched from a public address if it is not there.

    A name may be a whole path, which is where the file lies then, as when both are joined.
    `hash_prefix` begins its SHA-256 in hex. Raises FetchRefused, UnusableFile, InvalidRequest.
    """
    if Path(name).is_absolute():
        folder, name = Path(name).parent, Path(name).name
    target = folder / name
    if not name or target.parent != folder or name in {".", ".."}:
        raise InvalidRequest(f"{name!r} is no name of a file. Name it with file_name.")
    if target.is_file():
        return target
    logger.info("An extension fetches %s", name)
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".", suffix=".tmp")
    part = Path(temporary)
    try:
        digest = download(address, descriptor)
        if hash_prefix and not digest.startswith(hash_prefix.lower()):
            raise UnusableFile(f"{name} is not the file that was expected: its SHA-256 is {digest[:16]}…")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def download(address: str, descriptor: int) -> str:
    """Write what lies at an address into an open file; its SHA-256. Raises FetchRefused."""
    digest = hashlib.sha256()
    web = host.current().ready.library.web
    with (
        os.fdopen(descriptor, "wb") as file,
        web.open(address, {"User-Agent": USER_AGENT}, Event()) as response,
    ):
        for piece in response.iter_bytes(PIECE_BYTES):
            file.write(piece)
            digest.update(piece)
    return digest.hexdigest()
