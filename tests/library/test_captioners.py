"""Which folders hold a captioner, and why some cannot be used. No network is loaded."""

import json
import os
import subprocess
import sys

import pytest

from tests.captioners import csv_of, onnx_tagger, tagger_weights
from webui.core.errors import ModelNotFound, UnusableFile
from webui.core.interrogate_settings import Interrogate
from webui.library.captioners.choosing import choose_captioner, options_of
from webui.library.captioners.finding import find_captioner, find_captioners
from webui.library.captioners.published import PUBLISHED

SENTENCE = {"config.json": '{"model_type": "blip"}', "model.safetensors": "", "tokenizer.json": "{}",
            "preprocessor_config.json": "{}"}  # fmt: skip
TAGGER = {"model.onnx": "x", "selected_tags.csv": csv_of()}


def put(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def found(models):
    return {each.id: (each.name, each.sort.value, each.reason) for each in find_captioners(models)}


def test_captioners_are_found_by_their_files_in_each_of_the_folders(tmp_path):
    put(tmp_path / "BLIP" / "base", SENTENCE)
    put(tmp_path / "WD", TAGGER)
    put(tmp_path / "torch_deepdanbooru" / "wd-14", TAGGER)
    put(tmp_path / "Captioners" / "large" / "f", SENTENCE | {"config.json": '{"model_type": "florence2"}'})
    put(tmp_path / "Captioners" / ".hidden", SENTENCE)
    put(tmp_path / "Captioners" / "gpt", SENTENCE | {"config.json": '{"model_type": "gpt2"}'})
    put(tmp_path / "Elsewhere" / "base", SENTENCE)
    assert found(tmp_path) == {
        "BLIP/base": ("base", "BLIP", None),
        "Captioners/large/f": ("f", "Florence-2", None),
        "torch_deepdanbooru/wd-14": ("wd-14", "WD tagger", None),
        "WD": ("WD", "WD tagger", None),
    }


def test_a_cache_of_hugging_face_is_read_through_its_links(tmp_path):
    cache = tmp_path / "Captioners" / "models--SmilingWolf--wd-vit-tagger-v3"
    blobs = put(cache / "blobs", {"aa": "x", "bb": csv_of()})
    snapshot = put(cache / "snapshots" / "0f0f", {})
    (snapshot / "model.onnx").symlink_to(blobs / "aa")
    (snapshot / "selected_tags.csv").symlink_to(blobs / "bb")
    (only,) = find_captioners(tmp_path)
    assert (only.name, only.licence, only.reason) == ("wd-vit-tagger-v3", "Apache-2.0", None)
    assert find_captioner(tmp_path, "WD-ViT-tagger-v3") == only


def test_links_in_circles_end_and_pipes_are_no_files(tmp_path):
    folder = put(tmp_path / "BLIP" / "a", {})
    (folder / "again").symlink_to(tmp_path / "BLIP")
    os.mkfifo(folder / "config.json")
    os.mkfifo(put(tmp_path / "WD" / "b", {}) / "model.onnx")
    assert find_captioners(tmp_path) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"model.safetensors": None}, r"model\.safetensors is missing. Put it there, or fetch Salesforce/"),
        ({"model.safetensors": None, "pytorch_model.bin": "x"}, "is a pickle, which could run program code"),
        ({"model.safetensors": None, "model.safetensors.index.json": "{}"}, "weights lie in several files"),
        ({"preprocessor_config.json": None}, r"preprocessor_config\.json is missing"),
        ({"tokenizer.json": None}, r"tokenizer\.json is missing"),
        ({"adapter_config.json": "{}"}, "has an adapter"),
        ({"model.safetensors.part": ""}, "is not whole yet"),
        ({"config.json": "{"}, "no readable JSON"),
        ({"config.json": "[" * 5000}, "no readable JSON"),
        ({"config.json": "[1]"}, "no JSON object"),
        ({"config.json": " " * 2_000_000}, "no readable JSON"),
        (
            {"config.json": json.dumps({"model_type": "florence2", "auto_map": {},
                                        "text_config": {"model_type": "florence2_language"}})},
            "such code is never run here. Fetch florence-community/Florence-2-base",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_used_says_why_and_what_to_do(tmp_path, change, sentence):
    files = {name: text for name, text in (SENTENCE | change).items() if text is not None}
    put(tmp_path / "BLIP" / "it", files)
    with pytest.raises(UnusableFile, match=f"it cannot be used. .*{sentence}"):
        find_captioner(tmp_path, "it")


def test_a1111s_own_files_are_named_beside_others_that_can_be_used(tmp_path):
    put(tmp_path / "BLIP", {"model_base_caption_capfilt_large.pth": "x"})
    put(tmp_path / "BLIP" / "base", SENTENCE)
    put(tmp_path / "torch_deepdanbooru", {"model-resnet_custom_v3.pt": "x"})
    told = found(tmp_path)
    assert told["BLIP/base"][2] is None
    assert "A1111's own layout" in told["BLIP"][2]
    assert "Fetch SmilingWolf/" in told["torch_deepdanbooru"][2]


def test_the_settings_name_one_or_the_first_answers(tmp_path):
    put(tmp_path / "BLIP" / "base", SENTENCE)
    put(tmp_path / "WD" / "one", TAGGER)
    put(tmp_path / "WD" / "two", TAGGER)
    usual = Interrogate()
    assert choose_captioner(tmp_path, "clip", usual).name == "base"
    assert choose_captioner(tmp_path, "deepbooru", usual).name == "one"
    assert choose_captioner(tmp_path, "deepbooru", Interrogate(interrogate_tagger="two")).name == "two"
    with pytest.raises(ModelNotFound, match=r"'three'. Those here: 'base', 'one', 'two'\."):
        choose_captioner(tmp_path, "deepbooru", Interrogate(interrogate_tagger="three"))


def test_lengths_that_contradict_each_other_still_describe():
    options = options_of(Interrogate(interrogate_clip_min_length=100, interrogate_clip_max_length=40))
    assert (options.min_length, options.max_length) == (40, 40)


def test_published_captioners_name_no_file_that_could_be_run():
    for each in PUBLISHED:
        assert set(each.needed_files) <= set(each.files)
        assert all(name.endswith((".json", ".txt", ".csv", ".onnx", ".safetensors")) for name in each.files)


def test_looking_for_captioners_loads_no_network_library(tmp_path):
    folder = put(tmp_path / "WD" / "one", {"selected_tags.csv": csv_of()})
    (folder / "model.onnx").write_bytes(onnx_tagger(tagger_weights()))
    code = (
        "import sys; from pathlib import Path; import webui.api.captioning;"
        "from webui.library.captioners.finding import find_captioners;"
        f"assert len(find_captioners(Path({str(tmp_path)!r}))) == 1;"
        "print({'torch', 'transformers', 'onnxruntime'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "set()"
