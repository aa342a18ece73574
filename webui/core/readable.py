"""Text that can be shown and stored, whatever bytes it came from."""

import re

# How Python keeps bytes of a name that are no UTF-8, and halves of letters that JSON can spell.
_NO_LETTERS = re.compile("[\ud800-\udfff]+")


def readable(text: str) -> str:
    """The text of a name on disk that need not be UTF-8: what cannot be encoded becomes the sign �."""
    return text if text.isascii() else _NO_LETTERS.sub("\N{REPLACEMENT CHARACTER}", text)
