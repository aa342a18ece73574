"""Pictures that model files carry in their metadata, for a card without one beside the file."""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from webui.core.errors import UnusableFile
from webui.core.model_file import ModelFile
from webui.library.files.headers import read_header
from webui.library.files.picture_embeddings import PICTURE
from webui.store.reading import open_image

# One picture by Stability AI's model metadata standard (2023), and a list as LoRA tools write it.
THUMBNAIL, COVERS = "modelspec.thumbnail", "ssmd_cover_images"
DATA_URI = re.compile(r"data:image/[a-z.+-]{2,20};base64,", re.IGNORECASE)
# So many of a list are tried before a card goes without.
MOST_COVERS = 8
MOST_BYTES = 12 * 2**20
# What is carried for a card needs no more; a file could claim far more pixels than it has bytes.
MOST_PIXELS = 40_000_000
# Letters of base64 that hold the marks by which the types are told.
START_LETTERS = 16
STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF")
MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif"}


@dataclass(frozen=True, slots=True)
class Cover:
    """A picture file that a model file carries; `media_type` is what a browser is told of it."""

    data: bytes
    media_type: str


def has_cover(metadata: Mapping[str, str]) -> bool:
    """Whether metadata seem to hold a picture, by its first bytes; nothing is decoded."""
    return any(begins_as_picture(text) for text in find_encoded_covers(metadata))


def cover_of(file: ModelFile) -> Path | Cover | None:
    """The first picture in a file's metadata that can be read, or the file itself; None if there is none."""
    if not file.has_cover or file.container == PICTURE:
        return file.path if file.has_cover else None
    try:
        texts = find_encoded_covers(read_header(file.path).metadata)
    except UnusableFile:
        return None
    return next((cover for text in texts if (cover := decode_base64(text)) is not None), None)


def find_encoded_covers(metadata: Mapping[str, str]) -> Iterator[str]:
    """The pictures that metadata name, as base64."""
    thumbnail = metadata.get(THUMBNAIL, "")
    if start := DATA_URI.match(thumbnail):
        yield thumbnail[start.end() :]
    try:
        document = json.loads(metadata.get(COVERS) or "[]")
    except (ValueError, RecursionError):
        return
    covers = cast("list[object]", document) if isinstance(document, list) else []
    for text in covers[:MOST_COVERS]:
        if isinstance(text, str) and text:
            yield text[start.end() :] if (start := DATA_URI.match(text)) else text


def begins_as_picture(text: str) -> bool:
    """Whether base64 begins as picture files do."""
    try:
        start = base64.b64decode(text[:START_LETTERS], validate=True)
    except (binascii.Error, ValueError):
        return False
    return start.startswith(STARTS)


def decode_base64(text: str) -> Cover | None:
    """A picture from base64; None for what is too large, damaged or of a type that browsers do not show."""
    if len(text) * 3 // 4 > MOST_BYTES or not begins_as_picture(text):
        return None
    try:
        data = base64.b64decode(text, validate=True)
        with open_image(data) as image:
            if image.width * image.height > MOST_PIXELS:
                return None
            image.load()
            media_type = MEDIA_TYPES.get(image.format or "")
    except (binascii.Error, ValueError, UnusableFile):
        return None
    return Cover(data, media_type) if media_type else None
