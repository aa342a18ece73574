import io
import random
import struct
import tracemalloc
import zlib
from xml.sax.saxutils import escape

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.foreign_recipes import EXAMPLES
from webui.core.errors import UnusableFile
from webui.store.pictures.plain_pictures import PLAIN_MODES, make_plain
from webui.store.reading import open_picture, read_infotext
from webui.store.texts.encoding import PictureNotes, encode

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


PARAMETERS = chunk(b"tEXt", b"parameters\0a fox")
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


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt"])
def test_long_compressed_text_does_not_keep_a_picture_from_opening(kind):
    head = b"workflow\0\0" if kind == b"zTXt" else b"workflow\0\1\0\0\0"
    long = chunk(kind, head + zlib.compress(b"x" * 2_000_000))
    for data in (png(long, PARAMETERS, PIXELS), png(PARAMETERS, PIXELS, long)):
        found = read_infotext(data)
        assert (found.infotext, len(found.items["workflow"])) == ("a fox", 2_000_000)
        assert open_picture(data).size == (8, 8)


def test_a_long_colour_profile_does_not_keep_a_picture_from_opening():
    profile = chunk(b"iCCP", b"x\0\0" + zlib.compress(b"x" * 2_000_000))
    data = png(profile, PARAMETERS, PIXELS)
    assert (read_infotext(data).infotext, open_picture(data).size) == ("a fox", (8, 8))


def test_an_infotext_of_two_megabytes_is_read():
    long = chunk(b"zTXt", b"parameters\0\0" + zlib.compress(b"fox " * 500_000))
    assert len(read_infotext(png(long, PIXELS)).infotext) == 2_000_000


def test_compressed_text_that_would_fill_the_memory_is_left_out():
    bomb = chunk(b"zTXt", b"parameters\0\0" + zlib.compress(b"\0" * 200_000_000))
    data = png(*[bomb] * 20, chunk(b"tEXt", b"note\0kept"), PIXELS)
    tracemalloc.start()
    found = read_infotext(data)
    picture = open_picture(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (found, picture.size) == ((None, {"note": "kept"}), (8, 8))
    assert peak < 60_000_000


@pytest.mark.parametrize(
    "damaged",
    [
        b"zTXtparameters\0\0not zlib",
        b"zTXtparameters\0\7" + zlib.compress(b"a"),
        b"iTXtparameters\0\1",
        b"iTXtparameters\0\1\1\0\0",
        b"tEXt",
    ],
)
def test_damaged_text_does_not_keep_a_picture_from_opening(damaged):
    data = png(chunk(damaged[:4], damaged[4:]), chunk(b"tEXt", b"note\0kept"), PIXELS)
    assert read_infotext(data).items == {"note": "kept"}
    assert open_picture(data).size == (8, 8)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt"])
def test_text_of_a_png_is_read_in_either_encoding(kind, encoding):
    text = INFOTEXT if encoding == "utf-8" else INFOTEXT.replace("狐", "für")
    data = text.encode(encoding)
    body = b"parameters\0" + (data if kind == b"tEXt" else b"\0" + zlib.compress(data))
    assert read_infotext(png(chunk(kind, body), PIXELS)).infotext == text


def test_text_of_a_cut_off_png_is_read():
    data = saved("PNG", Image.effect_noise((64, 64), 90), pnginfo=png_info("parameters", INFOTEXT))
    assert read_infotext(data[: len(data) // 2]).infotext == INFOTEXT


def png_info(key, text):
    info = PngInfo()
    info.add_text(key, text)
    return info


def with_comment(data, picture_format="JPEG"):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = data
    return saved(picture_format, exif=exif.tobytes())


@pytest.mark.parametrize("picture_format", ["JPEG", "WEBP", "AVIF", "PNG", "TIFF"])
@pytest.mark.parametrize(
    "comment",
    [
        b"UNICODE\0" + INFOTEXT.encode(),
        b"UNICODE\0" + INFOTEXT.encode("utf-16-le"),
        b"UNICODE\0" + INFOTEXT.encode("utf-16-be"),
        b"UNICODE\0" + INFOTEXT.encode("utf-16"),
        b"ASCII\0\0\0" + INFOTEXT.encode(),
        b"JIS\0\0\0\0\0" + INFOTEXT.encode("iso2022_jp"),
        b"JIS\0\0\0\0\0" + INFOTEXT.encode("shift_jis"),
        b"\0\0\0\0\0\0\0\0" + INFOTEXT.encode(),
        INFOTEXT.encode(),
    ],
)
def test_a_comment_is_read_in_every_format_and_encoding(picture_format, comment):
    assert read_infotext(with_comment(comment, picture_format)).infotext == INFOTEXT


def test_a_description_in_utf8_is_read():
    exif = Image.Exif()
    exif[0x010E] = INFOTEXT.encode()
    for picture_format in ("JPEG", "WEBP"):
        found = read_infotext(saved(picture_format, exif=exif))
        assert found.items["Description"] == INFOTEXT


def test_a_description_that_is_an_infotext_is_the_infotext():
    text = "a fox\nSteps: 20, Sampler: Euler, Seed: 1"
    exif = Image.Exif()
    exif[0x010E] = text
    assert read_infotext(saved("JPEG", exif=exif)).infotext == text


@pytest.mark.parametrize("program", EXAMPLES)
@pytest.mark.parametrize("size", [(64, 32)])
def test_pictures_of_every_program_have_an_infotext(program, size):
    info = PngInfo()
    for name, text in EXAMPLES[program].items.items():
        info.add_text(name, text)
    found = read_infotext(saved("PNG", Image.new("RGB", size), pnginfo=info))
    assert found.infotext == EXAMPLES[program].infotext
    assert found.items == {
        name: text for name, text in EXAMPLES[program].items.items() if name != "parameters"
    }


def test_graphs_of_comfyui_in_a_webp_are_read():
    example = EXAMPLES["comfyui"]
    exif = Image.Exif()
    exif[0x0110], exif[0x010F] = f"prompt:{example.items['prompt']}", 'workflow:{"nodes": []}'
    found = read_infotext(saved("WEBP", exif=exif))
    assert (found.infotext, found.items["workflow"]) == (example.infotext, '{"nodes": []}')


def test_a_recipe_in_xmp_is_read():
    recipe = escape(EXAMPLES["draw-things"].items["Comment"])
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description><exif:UserComment><rdf:Alt>'
        f'<rdf:li xml:lang="x-default">{recipe}</rdf:li></rdf:Alt></exif:UserComment></rdf:Description>'
        "</rdf:RDF></x:xmpmeta>"
    )
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", packet)
    pictures = [saved("PNG", pnginfo=info)] + [
        saved(each, xmp=packet.encode()) for each in ("WEBP", "AVIF", "JPEG")
    ]
    assert {read_infotext(each).infotext for each in pictures} == {EXAMPLES["draw-things"].infotext}


def test_a_graph_that_is_not_understood_is_only_an_item():
    graphs = {"prompt": '{"3": {}}', "workflow": '{"nodes": []}'}
    info = PngInfo()
    for name, text in graphs.items():
        info.add_text(name, text)
    assert read_infotext(saved("PNG", pnginfo=info)) == (None, graphs)


def test_json_that_is_not_understood_is_no_prompt():
    assert read_infotext(saved("PNG", pnginfo=png_info("parameters", '{"a": 1}'))) == (
        None,
        {"parameters": '{"a": 1}'},
    )
    assert read_infotext(with_comment(b'ASCII\0\0\0{"a": 1}')) == (None, {"UserComment": '{"a": 1}'})


@pytest.mark.parametrize("mode", ["CMYK", "I;16", "P", "LA", "1", "I"])
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_pictures_of_every_mode_open_whatever_their_suffix(tmp_path, mode, suffix):
    picture_format = "JPEG" if mode == "CMYK" else "PNG"
    path = tmp_path / f"x{suffix}"
    path.write_bytes(saved(picture_format, Image.new(mode, (8, 8))))
    assert open_picture(path).size == (8, 8)
    assert make_plain(open_picture(path)).mode in PLAIN_MODES


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
