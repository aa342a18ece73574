"""A1111's names and hashes of LoRAs."""

import hashlib
from pathlib import Path

import pytest
import torch

from tests.models.small_checkpoints import write
from webui.core.model_file import Family
from webui.library.catalog.catalog import Catalog
from webui.library.catalog.folders import ModelFolders
from webui.library.catalog.lora_files import LoraFiles
from webui.store.database import IN_MEMORY, Database
from webui.store.header_cache import HeaderCache

TENSORS = {
    "lora_unet_conv_in.lora_down.weight": torch.ones(1, 4, 1, 1),
    "lora_unet_conv_in.lora_up.weight": torch.ones(8, 1, 1, 1),
}


@pytest.fixture
def loras(tmp_path: Path) -> LoraFiles:
    write(tmp_path / "one.safetensors", TENSORS, {"ss_output_name": "first"})
    write(tmp_path / "sub" / "two.safetensors", TENSORS, {"ss_output_name": "Same"})
    write(tmp_path / "three.safetensors", TENSORS, {"ss_output_name": "Same"})
    write(tmp_path / "four.safetensors", TENSORS, {"sshs_model_hash": "0123456789abcdef" * 4})
    torch.save(TENSORS, tmp_path / "five.pt")
    catalog = Catalog(ModelFolders((tmp_path,)), HeaderCache(Database(IN_MEMORY)))
    catalog.scan()
    return LoraFiles(catalog)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("one", "one"),
        ("first", "one"),
        ("two", "two"),
        ("three", "three"),
        ("four", "four"),
        ("five", "five"),
        # An alias that two files have finds neither.
        ("Same", None),
        ("same", None),
        ("sub/two", None),
        ("none", None),
    ],
)
def test_a_lora_is_found_by_its_file_name_or_an_alias_of_its_own(
    loras: LoraFiles, name: str, file: str | None
):
    found = loras.find(name)
    assert (found and found.name) == file


def test_the_name_to_write_is_the_alias_unless_several_have_it(loras: LoraFiles):
    names = loras.names()
    written = {entry.name: names.preferred(entry, by_file_name=False) for entry in names.entries}
    assert written == {"one": "first", "two": "two", "three": "three", "four": "four", "five": "five"}
    assert names.preferred(names.by_name["one"], by_file_name=True) == "one"


def test_the_hash_leaves_the_header_out(loras: LoraFiles):
    entry = loras.names().by_name["one"]
    data = entry.file.path.read_bytes()
    rest = data[8 + int.from_bytes(data[:8], "little") :]
    assert loras.short_hash(entry) == hashlib.sha256(rest).hexdigest()[:12]
    assert loras.short_hash(loras.names().by_name["three"]) == loras.short_hash(entry)


def test_the_trainers_hash_comes_first_and_pickles_are_hashed_whole(loras: LoraFiles):
    names = loras.names()
    assert loras.short_hash(names.by_name["four"]) == "0123456789ab"
    whole = hashlib.sha256(names.by_name["five"].file.path.read_bytes()).hexdigest()
    assert loras.short_hash(names.by_name["five"]) == whole[:12]


def test_a_lora_of_another_name_is_found_by_a_hash_that_is_known(loras: LoraFiles):
    short = loras.short_hash(loras.names().by_name["one"])
    assert loras.local_names({"foreign": short, "none here": "f" * 12}) == {"foreign": "first"}
    assert loras.local_names({"foreign": short}, by_file_name=True) == {"foreign": "one"}
    assert loras.local_names({"else": "0123456789ab"}) == {"else": "four"}


def test_a_lora_that_has_the_name_and_the_hash_keeps_its_name(loras: LoraFiles):
    short = loras.short_hash(loras.names().by_name["one"])
    assert loras.local_names({"one": short}) == {}


def test_no_file_is_read_to_find_a_hash(loras: LoraFiles):
    short = hashlib.sha256(loras.names().by_name["five"].file.path.read_bytes()).hexdigest()[:12]
    assert loras.local_names({"foreign": short}) == {}


def test_a_file_that_came_since_is_found(loras: LoraFiles, tmp_path: Path):
    assert loras.names().find("late") is None
    write(tmp_path / "late.safetensors", TENSORS)
    found = loras.find("late")
    assert found is not None
    assert found.file.family in set(Family)


def test_the_nearest_name_is_told(loras: LoraFiles):
    assert loras.names().nearest("fours") == "four"
    assert loras.names().nearest("entirely else") is None
