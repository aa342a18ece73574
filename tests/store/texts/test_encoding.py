import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from webui.core.errors import StorageError
from webui.core.settings import Saving
from webui.store.reading import open_picture, read_infotext
from webui.store.texts.encoding import (
    PictureNotes,
    encode,
    encode_as_set,
    fits,
    infotext_fits,
    replace_unwritable,
    user_comment,
)

FORMATS = ("png", "jpg", "webp", "avif")
INFOTEXT = (
    "a fox, 狐 🦊\nNegative prompt: dog\nSteps: 20, Sampler: Euler a, CFG scale: 7.0, Seed: 1, Size: 8x8"
)
UNICODE = st.text(st.characters(exclude_categories=()), max_size=80) | st.sampled_from(
    [INFOTEXT, "℀", "a\r\nb\n\n", "\0", "a\0b", "\ufeffx", "Steps: 1", "S\0t\0e\0p\0s\0:", "é" * 40]
)


def noise(mode="RGB", size=(24, 16)):
    bands = {"RGB": 3, "RGBA": 4, "L": 1}[mode]
    return Image.merge(mode, [Image.effect_noise(size, 90) for _ in range(bands)])


@pytest.mark.parametrize("picture_format", FORMATS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(text=UNICODE)
def test_every_text_comes_back_as_it_was_but_for_what_no_reader_can_hold(picture_format, text):
    data = encode(Image.new("RGB", (8, 8)), picture_format, PictureNotes(text))
    assert (read_infotext(data).infotext or "") == replace_unwritable(text).rstrip("\0")


@given(st.text(st.characters(exclude_characters="\0\ufeff\ufffe", exclude_categories=("Cs",))))
def test_whole_characters_are_written_as_they_are(text):
    assert replace_unwritable(text) == text


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
@pytest.mark.parametrize(("picture_format", "lossless"), [("png", False), ("webp", True)])
def test_lossless_formats_give_back_every_pixel(mode, picture_format, lossless):
    image = noise(mode)
    found = open_picture(encode(image, picture_format, PictureNotes(INFOTEXT), lossless=lossless))
    assert found.convert(mode).tobytes() == image.tobytes()


@pytest.mark.parametrize("picture_format", FORMATS)
def test_the_bytes_are_of_the_format_asked_for(picture_format):
    with Image.open(io.BytesIO(encode(noise(), picture_format))) as image:
        assert image.format == {"jpg": "JPEG"}.get(picture_format, picture_format.upper())
        assert image.size == (24, 16)


@pytest.mark.parametrize("picture_format", ["jpg", "webp", "avif"])
def test_lower_quality_makes_smaller_files(picture_format):
    image = noise(size=(128, 128))
    assert len(encode(image, picture_format, quality=20)) < len(encode(image, picture_format, quality=95))


def test_text_that_no_reader_can_hold_is_mended():
    assert replace_unwritable("\ufeff\0a\0\ud83e\udd8a\ud800\ufeff") == "a🦊\ufffd\ufeff"


def test_the_comment_is_what_piexif_writes():
    assert user_comment("aé") == b"UNICODE\0\0a\0\xe9"


def test_latin_text_is_tEXt_and_other_text_iTXt():
    assert b"tEXtparameters\0caf\xe9" in encode(noise(), "png", PictureNotes("café"))
    assert b"iTXtparameters\0" in encode(noise(), "png", PictureNotes("狐"))


def test_further_items_and_another_section_stand_in_a_png():
    found = read_infotext(
        encode(noise(), "png", PictureNotes("Upscale: 2", {"note": "ñ 狐"}, section="extras"))
    )
    assert found == (None, {"extras": "Upscale: 2", "note": "ñ 狐"})


@pytest.mark.parametrize("picture_format", FORMATS)
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16", "RGBA", "CMYK", "F"])
def test_pictures_of_every_mode_can_be_written(picture_format, mode):
    image = Image.new(mode, (8, 8)) if mode == "I;16" else noise("RGBA").convert("RGB").convert(mode)
    assert open_picture(encode(image, picture_format)).size == image.size


def test_16_bits_become_8_without_clipping():
    assert open_picture(encode(Image.new("I;16", (8, 8), 65535), "jpg")).getpixel((0, 0)) == 255
    grey = encode(Image.new("I;16", (8, 8), 257 * 100), "webp", lossless=True)
    assert open_picture(grey).getpixel((0, 0)) == (100, 100, 100)


def test_transparency_survives_where_the_format_has_it():
    image = Image.new("RGBA", (8, 8), (10, 20, 30, 0))
    assert open_picture(encode(image, "webp", lossless=True)).getpixel((0, 0)) == (10, 20, 30, 0)
    assert open_picture(encode(image, "jpg")).mode == "RGB"


def test_the_settings_decide_about_infotext_quality_and_losslessness():
    image, notes = noise(), PictureNotes(INFOTEXT, {"note": "x"})
    assert read_infotext(encode_as_set(image, "png", notes, Saving(enable_pnginfo=False))) == (None, {})
    lossless = encode_as_set(image, "webp", notes, Saving(webp_lossless=True))
    assert open_picture(lossless).tobytes() == image.tobytes()
    assert encode_as_set(image, "jpg", notes, Saving(jpeg_quality=35)) == encode(
        image, "jpg", notes, quality=35
    )


def test_what_a_format_cannot_hold_is_known_before():
    assert not fits(Image.new("1", (16_384, 1)), "webp")
    assert fits(Image.new("1", (16_384, 1)), "jpg")
    assert infotext_fits("x" * 32_000, "jpg")
    assert not infotext_fits("x" * 40_000, "jpg")
    assert infotext_fits("x" * 40_000, "png")


def test_a_picture_too_large_for_the_format_is_refused_with_a_sentence():
    with pytest.raises(StorageError, match="cannot be written as webp"):
        encode(Image.new("RGB", (16_400, 8)), "webp")


@pytest.mark.parametrize("picture_format", ["png", "webp", "avif"])
def test_long_infotext_comes_back(picture_format):
    text = "x 狐 " * 50_000
    assert read_infotext(encode(noise(), picture_format, PictureNotes(text))).infotext == text
