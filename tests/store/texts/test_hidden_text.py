"""Text in the lowest bits of a picture."""

import gzip
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.foreign_recipes import EXAMPLES
from webui.store.reading import read_infotext
from webui.store.texts.hidden_text import HIDINGS, MAX_HIDDEN_BYTES

INFOTEXT = "a fox 狐\nSteps: 20, Seed: 1"


def hide(text, mark, size=(60, 60)):
    """A picture with text in the lowest bits of the channels that a mark names, column by column."""
    data = text.encode() if isinstance(text, str) else text
    data = gzip.compress(data) if mark.endswith(b"comp") else data
    return hide_bytes(mark + (len(data) * 8).to_bytes(4) + data, HIDINGS[mark].channels, size)


def hide_bytes(whole, channels, size):
    bits = iter("".join(f"{byte:08b}" for byte in whole))
    image = Image.new(
        "RGBA" if channels == "A" else "RGB", size, (8, 8, 8, 254)[: 4 if channels == "A" else 3]
    )
    for x in range(size[0]):
        for y in range(size[1]):
            pixel = list(image.getpixel((x, y)))
            for at in (3,) if channels == "A" else (0, 1, 2):
                pixel[at] |= int(next(bits, "0"))
            image.putpixel((x, y), tuple(pixel))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("mark", HIDINGS)
def test_hidden_text_is_found(mark):
    assert read_infotext(hide(INFOTEXT, mark)).infotext == INFOTEXT


@given(st.text(min_size=1, max_size=60), st.sampled_from(sorted(HIDINGS)))
def test_any_hidden_text_comes_back(text, mark):
    found = read_infotext(hide(text, mark, (60, 20))).infotext
    assert found == text or found is None or text.startswith("{")


@pytest.mark.parametrize("mark", HIDINGS)
def test_what_novelai_hides_is_its_infotext(mark):
    example = EXAMPLES["novelai"]
    found = read_infotext(hide(json.dumps(example.items), mark, (64, 64)))
    assert found.infotext == example.infotext.replace("64x32", "64x64")


@pytest.mark.parametrize("mark", HIDINGS)
@pytest.mark.parametrize("length", [0, 7, 2**31, 2**32 - 1, MAX_HIDDEN_BYTES * 8 + 8])
def test_a_hidden_length_beyond_the_picture_is_harmless(mark, length):
    data = hide_bytes(mark + length.to_bytes(4) + b"x" * 20, HIDINGS[mark].channels, (16, 16))
    found = read_infotext(data).infotext
    assert found is None or set(found) <= {"x", "\0"}


def test_hidden_text_that_would_fill_the_memory_is_cut():
    found = read_infotext(hide(b"a" * 5_000_000, b"stealth_pngcomp", (256, 256))).infotext
    assert found is not None
    assert len(found) == MAX_HIDDEN_BYTES
