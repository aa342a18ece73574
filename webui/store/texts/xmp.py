"""Texts in XMP, the XML that some programs put into pictures (Draw Things, photo editors).

Only a few elements matter, so that they are cut out as text: no XML of strangers is parsed.
"""

import re
from html import unescape

MAX_PACKET = 2_000_000
# Elements and attributes worth reading, and what they are called here.
NAMES = {
    "exif:UserComment": "UserComment",
    "parameters": "parameters",
    "sd:parameters": "parameters",
    "dc:description": "Description",
    "dc:title": "Title",
    "tiff:ImageDescription": "Description",
}
_TAG = re.compile(r"<[^<>]{0,1000}>")


def xmp_texts(packet: str | bytes) -> dict[str, str]:
    """Texts by name out of a packet of XMP."""
    text = packet[:MAX_PACKET].decode(errors="replace") if isinstance(packet, bytes) else packet[:MAX_PACKET]
    found: dict[str, str] = {}
    for tag, name in NAMES.items():
        value = _element(text, tag) or _attribute(text, tag)
        if value:
            found.setdefault(name, value)
    return found


def _element(text: str, tag: str) -> str:
    start = text.find(f"<{tag}")
    begin = text.find(">", start) + 1 if start >= 0 else 0
    end = text.find(f"</{tag}>", begin) if begin else -1
    return unescape(_TAG.sub("", text[begin:end])).strip() if end >= 0 else ""


def _attribute(text: str, name: str) -> str:
    start = text.find(f'{name}="')
    begin = start + len(name) + 2
    end = text.find('"', begin) if start >= 0 else -1
    return unescape(text[begin:end]).strip() if end >= 0 else ""
