import io
import random
import struct
import zlib

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from webui.core.errors import UnusableFile
from webui.store.encoding import PictureNotes, encode
from webui.store.reading import open_picture, read_infotext

INFOTEXT = "a fox 狐\nSteps: 20, Seed: 1"


def saved(picture_format, image=None, **options):
    file = io.BytesIO()
    (image or Image.new("RGB", (8, 8))).save(file, picture_format, **options)
    return file.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*chunks, width=8, height=8):
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
        + b"".join(chunks)
        + chunk(b"IEND", b"")
    )


PIXELS = chunk(b"IDAT", zlib.compress(b"\0" * 9 * 8))


def test_every_golden_of_A1111_gives_its_infotext(request):
    pictures = sorted((request.config.rootpath / "tests" / "goldens").glob("sd15/*.png"))[:10]
    assert pictures
    for path in pictures:
        with Image.open(path) as image:
            assert read_infotext(path) == (image.info["parameters"], {})


def test_the_exif_comment_comes_before_png_text():
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0from exif"
    text = PngInfo()
    text.add_text("parameters", "from text")
    both = saved("PNG", exif=exif.tobytes(), pnginfo=text)
    assert read_infotext(both).infotext == "from exif"


def test_a_comment_left_outside_of_its_block_is_read():
    exif = Image.Exif()
    exif[0x9286], exif[0x0131], exif[0x927C] = INFOTEXT.replace("狐", "x"), "Fooocus v2", "a1111"
    found = read_infotext(saved("JPEG", exif=exif))
    assert found == (INFOTEXT.replace("狐", "x"), {"fooocus_scheme": "a1111", "Software": "Fooocus v2"})


def test_the_comment_of_windows_is_read():
    exif = Image.Exif()
    exif[0x9C9C] = INFOTEXT.encode("utf-16-le") + b"\0\0"
    assert read_infotext(saved("JPEG", exif=exif)).infotext == INFOTEXT


def test_a_gif_comment_is_infotext_and_animation_does_not_matter():
    frames = [Image.new("P", (8, 8), colour) for colour in (1, 2, 3)]
    data = saved("GIF", frames[0], save_all=True, append_images=frames[1:], comment=INFOTEXT.encode())
    assert read_infotext(data).infotext == INFOTEXT


def test_a_jpeg_comment_is_infotext_only_if_it_reads_like_one():
    assert read_infotext(saved("JPEG", comment=INFOTEXT.encode())).infotext == INFOTEXT
    assert read_infotext(saved("JPEG", comment=b"made by gd")) == (None, {"comment": "made by gd"})


def test_text_behind_the_pixels_is_read():
    assert read_infotext(png(PIXELS, chunk(b"tEXt", b"parameters\0late"))).infotext == "late"


def test_compressed_text_is_read():
    text = chunk(b"zTXt", b"parameters\0\0" + zlib.compress(b"packed"))
    assert read_infotext(png(text, PIXELS)).infotext == "packed"


def test_the_text_file_beside_a_picture_is_read(tmp_path):
    path = tmp_path / "00001-1.png"
    path.write_bytes(saved("PNG"))
    assert read_infotext(path).infotext is None
    (tmp_path / "00001-1.txt").write_text(f"{INFOTEXT}\n", encoding="utf-8")
    assert read_infotext(path).infotext == INFOTEXT


def test_an_infotext_in_the_picture_comes_before_the_file_beside_it(tmp_path):
    (tmp_path / "x.png").write_bytes(encode(Image.new("RGB", (8, 8)), "png", PictureNotes("inside")))
    (tmp_path / "x.txt").write_text("beside", encoding="utf-8")
    assert read_infotext(tmp_path / "x.png").infotext == "inside"


@pytest.mark.parametrize("read", [read_infotext, open_picture])
@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html></html>", "is not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is not a picture"),
        (png(PIXELS, width=200_000, height=200_000), "too many pixels"),
    ],
)
def test_a_file_that_is_no_usable_picture_is_refused_with_a_sentence(read, data, sentence):
    with pytest.raises(UnusableFile, match=sentence):
        read(data)


def test_compressed_text_that_would_fill_the_memory_is_refused():
    bomb = chunk(b"zTXt", b"parameters\0\0" + zlib.compress(b"\0" * 20_000_000))
    with pytest.raises(UnusableFile):
        read_infotext(png(bomb, PIXELS))


def test_a_truncated_picture_is_refused_when_its_pixels_are_needed():
    data = saved("PNG", Image.effect_noise((64, 64), 90))
    with pytest.raises(UnusableFile, match="damaged"):
        open_picture(data[: len(data) // 2])


@pytest.mark.parametrize("picture_format", ["GIF", "WEBP", "PNG"])
def test_an_animation_is_no_input_picture(picture_format):
    frames = [Image.effect_noise((8, 8), spread).convert("RGB") for spread in (20, 90)]
    data = saved(picture_format, frames[0], save_all=True, append_images=frames[1:])
    with pytest.raises(UnusableFile, match="animation of 2 frames"):
        open_picture(data)


def test_a_photo_with_a_second_view_behind_it_is_a_photo():
    views = [Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")]
    data = saved("MPO", views[0], save_all=True, append_images=views[1:])
    red, _, blue = open_picture(data).getpixel((4, 4))
    assert red > 200 > blue


def test_a_photo_is_turned_as_the_camera_was_held():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert open_picture(saved("JPEG", Image.new("RGB", (16, 8)), exif=exif)).size == (8, 16)


def test_a_missing_file_and_a_folder_are_refused_with_a_sentence(tmp_path):
    for path in (tmp_path / "none.png", tmp_path):
        with pytest.raises(UnusableFile, match="There is no file"):
            read_infotext(path)
    with pytest.raises(UnusableFile):
        read_infotext(tmp_path / "a\0b.png")


@pytest.mark.parametrize("picture_format", ["png", "jpg", "webp", "avif"])
def test_damaged_bytes_never_raise_anything_else(picture_format):
    image = Image.effect_noise((24, 24), 90).convert("RGB")
    whole = encode(image, picture_format, PictureNotes(INFOTEXT, {"a": "狐"}))
    dice = random.Random(picture_format)
    refused = 0
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        for read in (read_infotext, open_picture):
            try:
                read(bytes(data[: dice.randint(len(data) // 2, len(data))]))
            except UnusableFile as error:
                assert str(error).endswith(".")
                refused += 1
    assert refused
