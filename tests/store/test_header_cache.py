from pathlib import Path

import pytest

from webui.store.database import IN_MEMORY, Database
from webui.store.header_cache import FEW, FileHashes, HeaderCache, Stamp

MODEL = Path("/models/dream.safetensors")


@pytest.fixture
def cache():
    database = Database(IN_MEMORY)
    yield HeaderCache(database)
    database.close()


def test_an_entry_comes_back_for_the_same_file_only(cache):
    cache.put(MODEL, 10, 111, {"kind": "checkpoint", "metadata": {"ä": [1, None]}})
    assert cache.get(MODEL, 10, 111) == {"kind": "checkpoint", "metadata": {"ä": [1, None]}}
    assert cache.get(MODEL, 11, 111) is None
    assert cache.get(MODEL, 10, 112) is None
    assert cache.get(MODEL.with_name("x"), 10, 111) is None


def test_hashes_are_added_one_by_one_and_stay_with_the_entry(cache):
    cache.remember_hashes(MODEL, 10, 111, old_hash="deadbeef")
    assert cache.get(MODEL, 10, 111) is None
    cache.put(MODEL, 10, 111, {"a": 1})
    cache.remember_hashes(MODEL, 10, 111, sha256="f" * 64)
    assert cache.hashes(MODEL, 10, 111) == FileHashes("f" * 64, "deadbeef")
    assert cache.get(MODEL, 10, 111) == {"a": 1}


def test_a_changed_file_has_no_hashes_any_more(cache):
    cache.remember_hashes(MODEL, 10, 111, sha256="f" * 64)
    cache.put(MODEL, 10, 222, {"a": 1})
    assert cache.hashes(MODEL, 10, 222) == FileHashes()
    assert cache.hashes(MODEL, 10, 111) == FileHashes()


def test_a_forgotten_file_is_unknown(cache):
    cache.put(MODEL, 10, 111, {})
    cache.forget(MODEL)
    assert cache.get(MODEL, 10, 111) is None


def test_large_files_and_odd_names_are_no_trouble(cache):
    odd = Path("/models/\udcff 狐'\".ckpt")
    cache.put(odd, 2**40, 2**62, {"a": 1})
    assert cache.get(odd, 2**40, 2**62) == {"a": 1}


@pytest.mark.parametrize("count", [3, FEW + 3])
def test_many_files_are_put_and_asked_for_at_once(cache, count):
    stamps = [Stamp(Path(f"/models/{number}.safetensors"), number, 7) for number in range(count)]
    cache.put_all([(stamp, {"number": stamp.size}) for stamp in stamps])
    cache.remember_hashes(stamps[1].path, 1, 7, sha256="f" * 64)
    changed = [Stamp(stamps[0].path, 0, 8), *stamps[1:]]
    found = cache.remembered(changed)
    assert set(found) == {stamp.path for stamp in stamps[1:]}
    assert found[stamps[1].path].entry == {"number": 1}
    assert found[stamps[1].path].hashes == FileHashes("f" * 64)
    assert found[stamps[2].path].hashes == FileHashes()
