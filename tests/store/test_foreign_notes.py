import gzip
import io
import json

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from webui.store.foreign_notes import from_fooocus, from_novelai
from webui.store.reading import read_infotext

INFOTEXT = "a fox 狐\nSteps: 20, Seed: 1"
NOVELAI = {
    "Software": "NovelAI",
    "Description": "a fox",
    "Comment": '{"uc": "dog", "steps": 28, "sampler": "k_euler_ancestral", "seed": 7, "scale": 11.0}',
}


def png_with(items, image=None):
    chunks, file = PngInfo(), io.BytesIO()
    for key, text in items.items():
        chunks.add_text(key, text)
    (image or Image.new("RGB", (64, 32))).save(file, "PNG", pnginfo=chunks)
    return file.getvalue()


def hidden(text, compressed):
    """A picture with text in the lowest bits of its alpha channel, column by column."""
    data = gzip.compress(text.encode()) if compressed else text.encode()
    mark = b"stealth_pngcomp" if compressed else b"stealth_pnginfo"
    whole = mark + (len(data) * 8).to_bytes(4) + data
    image = Image.new("RGBA", (30, 30), (9, 9, 9, 254))
    for index in range(len(whole) * 8):
        bit = whole[index // 8] >> (7 - index % 8) & 1
        image.putpixel((index // 30, index % 30), (9, 9, 9, 254 | bit))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def test_a_picture_by_novelai_gets_the_infotext_that_repeats_it():
    infotext, items = read_infotext(png_with(NOVELAI))
    assert infotext == (
        "a fox\nNegative prompt: dog\n"
        "Steps: 28, Sampler: Euler a, CFG scale: 11.0, Seed: 7, Size: 64x32, Clip skip: 2, ENSD: 31337"
    )
    assert items == NOVELAI


@pytest.mark.parametrize("comment", ["", "[]", "{", '{"uc": 1}', "[" * 100_000])
def test_a_damaged_comment_of_novelai_is_only_an_item(comment):
    assert from_novelai(NOVELAI | {"Comment": comment}, (8, 8)) is None


def test_a_sampler_that_only_novelai_has_becomes_the_usual_one():
    comment = NOVELAI["Comment"].replace("k_euler_ancestral", "nai_smea")
    assert "Sampler: Euler a," in str(from_novelai(NOVELAI | {"Comment": comment}, (8, 8)))


def test_a_picture_by_fooocus_gets_an_infotext():
    told = {
        "prompt": "a fox", "negative_prompt": "dog", "steps": 30, "sampler": "dpmpp_2m_sde_gpu",
        "scheduler": "karras", "guidance_scale": 4.0, "seed": "9", "resolution": "(896, 1152)",
        "base_model": "big", "base_model_hash": "aeb7e9e689",
    }  # fmt: skip
    infotext, items = read_infotext(png_with({"parameters": json.dumps(told), "fooocus_scheme": "fooocus"}))
    assert infotext == (
        "a fox\nNegative prompt: dog\n"
        "Steps: 30, Sampler: DPM++ 2M SDE, Schedule type: Karras, CFG scale: 4.0, "
        "Seed: 9, Size: 896x1152, Model hash: aeb7e9e689, Model: big"
    )
    assert items == {"fooocus_scheme": "fooocus"}


@pytest.mark.parametrize("text", [None, "", "a fox", "{}", '{"resolution": 5}', '{"resolution": "1"}', "7"])
def test_text_that_is_not_by_fooocus_is_left_alone(text):
    assert from_fooocus(text) is None


def test_graphs_of_comfyui_are_items():
    graphs = {"prompt": '{"3": {}}', "workflow": '{"nodes": []}'}
    assert read_infotext(png_with(graphs)) == (None, graphs)


def test_graphs_of_comfyui_in_a_webp_are_items_of_the_same_names():
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0110], exif[0x010F] = 'prompt:{"3": {}}', 'workflow:{"nodes": []}'
    Image.new("RGB", (8, 8)).save(file, "WEBP", exif=exif)
    assert read_infotext(file.getvalue()) == (None, {"prompt": '{"3": {}}', "workflow": '{"nodes": []}'})


def test_metadata_of_invokeai_is_an_item():
    assert read_infotext(png_with({"invokeai_metadata": '{"seed": 1}'})).items == {
        "invokeai_metadata": '{"seed": 1}'
    }


@pytest.mark.parametrize("compressed", [False, True])
def test_text_hidden_in_the_alpha_channel_is_found(compressed):
    assert read_infotext(hidden(INFOTEXT, compressed)).infotext == INFOTEXT


def test_a_hidden_length_beyond_the_picture_is_harmless():
    image = Image.open(io.BytesIO(hidden("x" * 80, False)))
    file = io.BytesIO()
    image.crop((0, 0, 6, 30)).save(file, "PNG")
    found = read_infotext(file.getvalue())
    assert found.infotext is None or set(found.infotext) == {"x"}
