"""BLIP and Florence-2 say what transformers' own networks say, and nothing in a folder is run."""

import json
import os

import numpy as np
import pytest
import torch
from PIL import Image

from tests.captioners import change_json, make_blip, make_florence2, pickle_that_touches
from webui.core.errors import UnusableFile
from webui.core.work.caption_request import CaptionOptions
from webui.library.captioners.finding import find_captioner
from webui.models.captioning.loading import load_captioner
from webui.models.captioning.transformers_folder import clean_config
from webui.models.residency import Residency

CPU = torch.device("cpu")


@pytest.fixture
def models(tmp_path):
    return tmp_path / "models"


@pytest.fixture(scope="module")
def picture():
    pixels = np.random.default_rng(3).integers(0, 256, (40, 56, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def load(models, name):
    return load_captioner(find_captioner(models, name), CPU, Residency.of_device(CPU))


@pytest.mark.parametrize(("beams", "least", "most"), [(1, 3, 12), (3, 8, 20)])
def test_blip_says_what_transformers_says(models, picture, beams, least, most):
    from transformers import BlipForConditionalGeneration, BlipProcessor

    folder = make_blip(models / "BLIP" / "blip", seed=4)
    processor = BlipProcessor.from_pretrained(folder)
    network = BlipForConditionalGeneration.from_pretrained(folder)
    inputs = processor(images=picture, return_tensors="pt")
    words = network.generate(**inputs, num_beams=beams, min_length=least, max_length=most, do_sample=False)
    wanted = processor.decode(words[0], skip_special_tokens=True).strip()
    options = CaptionOptions(beams=beams, min_length=least, max_length=most)
    said = load(models, "blip").describe(picture, options)
    assert said.caption == wanted
    assert len(wanted.split()) > 2
    assert said.tags == ()


@pytest.mark.parametrize(("detail", "task"), [("short", "<CAPTION>"), ("long", "<MORE_DETAILED_CAPTION>")])
def test_florence_says_what_transformers_says(models, picture, detail, task):
    from transformers import Florence2ForConditionalGeneration, Florence2Processor

    folder = make_florence2(models / "Captioners" / "florence")
    processor = Florence2Processor.from_pretrained(folder)
    network = Florence2ForConditionalGeneration.from_pretrained(folder)
    inputs = processor(text=task, images=picture, return_tensors="pt")
    most = {"short": 64, "long": 512}[detail]
    words = network.generate(**inputs, num_beams=2, max_new_tokens=most, do_sample=False)
    wanted = processor.batch_decode(words, skip_special_tokens=True)[0].strip()
    said = load(models, "florence").describe(picture, CaptionOptions(beams=2, detail=detail))
    assert said.caption == wanted
    assert wanted


def test_a_picture_with_transparency_lies_on_white(models, picture):
    make_blip(models / "BLIP" / "blip", seed=4)
    blip, options = load(models, "blip"), CaptionOptions(min_length=3, max_length=12)
    clear = picture.convert("RGBA")
    clear.putalpha(0)
    white = Image.new("RGB", picture.size, "white")
    assert blip.describe(clear, options) == blip.describe(white, options)


def test_a_pickle_beside_the_weights_is_never_opened(models, picture, tmp_path):
    folder = make_blip(models / "BLIP" / "blip")
    marker = tmp_path / "was-run"
    for name in ("pytorch_model.bin", "model.ckpt", "training_args.bin", "tokenizer.pkl"):
        (folder / name).write_bytes(pickle_that_touches(marker))
    load(models, "blip").describe(picture, CaptionOptions(min_length=3, max_length=8))
    (folder / "model.safetensors").write_bytes(pickle_that_touches(marker))
    with pytest.raises(UnusableFile, match="damaged or incomplete"):
        load(models, "blip")
    (folder / "model.safetensors").unlink()
    with pytest.raises(UnusableFile, match=r"is a pickle, which could run program code"):
        load(models, "blip")
    assert not marker.exists()


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json", "tokenizer_config.json"])
@pytest.mark.parametrize("make", [make_blip, make_florence2], ids=["blip", "florence"])
def test_code_that_a_folder_names_is_never_run(models, picture, tmp_path, make, name):
    folder = make(models / "BLIP" / "it")
    marker = tmp_path / "was-run"
    (folder / "evil.py").write_text(f"import os\nos.mkdir({str(marker)!r})\nclass Evil:\n    pass\n")
    names = (
        "AutoConfig",
        "AutoModel",
        "AutoModelForCausalLM",
        "AutoProcessor",
        "AutoTokenizer",
        "AutoImageProcessor",
    )
    change_json(folder / name, auto_map=dict.fromkeys(names, "evil.Evil")) if (
        folder / name
    ).exists() else None
    (folder / "custom_generate").mkdir()
    (folder / "custom_generate" / "generate.py").write_text(f"import os\nos.mkdir({str(marker)!r})\n")
    try:
        load(models, "it").describe(picture, CaptionOptions(min_length=3, max_length=8))
    except UnusableFile as error:
        assert "it is damaged or incomplete" in str(error)
    assert not marker.exists()


def test_what_a_config_says_of_loading_is_left_out(models, picture):
    folder = make_blip(models / "BLIP" / "blip")
    wanted = load(models, "blip").describe(picture, CaptionOptions(min_length=3, max_length=8))
    change_json(
        folder / "config.json",
        quantization_config={"quant_method": "bitsandbytes", "load_in_8bit": True},
        transformers_weights="../../../other.safetensors",
        _attn_implementation="somebody/kernels",
        attn_implementation="somebody/kernels",
        torch_dtype="float16",
    )
    assert load(models, "blip").describe(picture, CaptionOptions(min_length=3, max_length=8)) == wanted


def test_parts_of_a_config_are_cleaned_too():
    dirty = {"a": 1, "auto_map": {}, "text_config": {"_name_or_path": "x", "hidden": 2, "auto_map": {}}}
    assert clean_config(dirty) == {"a": 1, "text_config": {"hidden": 2}}


def test_missing_weights_are_named(models):
    from safetensors.torch import load_file, save_file

    folder = make_blip(models / "BLIP" / "blip")
    tensors = load_file(folder / "model.safetensors")
    left = {name: value for name, value in tensors.items() if "vision_model.encoder.layers.1" not in name}
    save_file(left, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UnusableFile, match=r"incomplete: .*layers\.1.* more are missing"):
        load(models, "blip")


def change_size(folder):
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["hidden_size"] = 32
    (folder / "config.json").write_text(json.dumps(config))


def break_layers(folder):
    config = json.loads((folder / "config.json").read_text())
    config["vision_config"] = "none"
    (folder / "config.json").write_text(json.dumps(config))


def cut_words(folder):
    for name in ("tokenizer.json", "vocab.txt"):
        (folder / name).unlink(missing_ok=True)
    (folder / "vocab.txt").write_bytes(b"\xff\xfe\x00broken")
    (folder / "tokenizer.json").write_text("{}")


@pytest.mark.parametrize("damage", [change_size, break_layers, cut_words])
def test_a_folder_whose_files_contradict_each_other_is_refused(models, damage):
    folder = make_blip(models / "BLIP" / "blip")
    damage(folder)
    with pytest.raises(UnusableFile, match="blip is damaged or incomplete"):
        load(models, "blip")


def test_nothing_is_asked_of_the_internet(models, picture, monkeypatch):
    import socket

    make_florence2(models / "Captioners" / "florence")

    def refuse(*_):
        raise AssertionError("somebody was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert os.environ.get("HF_HUB_OFFLINE") is None
    load(models, "florence").describe(picture, CaptionOptions(detail="short"))
