import hashlib

import pytest

from tests.arriving_files import lora
from webui.library.catalog.catalog import Catalog, ModelFolders
from webui.library.intake.duplicates import SAMPLE_BYTES, find_same, looks_same
from webui.store.database import IN_MEMORY, Database
from webui.store.header_cache import HeaderCache


@pytest.fixture
def catalog(tmp_path):
    """Three files of one size, none of them hashed yet."""
    for seed in range(3):
        (tmp_path / f"{seed}.safetensors").write_bytes(lora(seed))
    catalog = Catalog(ModelFolders((tmp_path,)), HeaderCache(Database(IN_MEMORY)))
    catalog.scan()
    return catalog


def digest(seed):
    return hashlib.sha256(lora(seed)).hexdigest()


def hashed(catalog):
    return [file.name for file in catalog.all_files() if file.sha256]


def test_of_files_of_one_size_only_the_equal_one_is_hashed(catalog, tmp_path_factory):
    arrived = tmp_path_factory.mktemp("arrived") / "x"
    arrived.write_bytes(lora(1))
    assert find_same(catalog, arrived.stat().st_size, digest(1), arrived).name == "1.safetensors"
    assert hashed(catalog) == ["1.safetensors"]


def test_many_files_of_one_size_are_not_hashed_for_one_that_is_elsewhere(catalog):
    assert find_same(catalog, len(lora(1)), digest(1)) is None
    assert hashed(catalog) == []


def test_a_file_that_was_deleted_meanwhile_is_none(catalog, tmp_path):
    file = next(file for file in catalog.all_files() if file.name == "1.safetensors")
    catalog.sha256(file)
    assert find_same(catalog, file.size, digest(1)).name == "1.safetensors"
    file.path.unlink()
    assert find_same(catalog, file.size, digest(1)) is None


@pytest.mark.parametrize("place", [0, 3_000_000 - 1, SAMPLE_BYTES - 1])
def test_files_that_differ_where_it_is_looked_are_told_apart(tmp_path, place):
    first, second = tmp_path / "a", tmp_path / "b"
    data = bytearray(3_000_000)
    first.write_bytes(data)
    second.write_bytes(data)
    assert looks_same(first, second, len(data))
    data[place] = 1
    second.write_bytes(data)
    assert not looks_same(first, second, len(data))
