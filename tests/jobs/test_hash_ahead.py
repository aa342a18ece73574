"""Checkpoints are hashed beside the device."""

import hashlib
import threading
import time

import pytest

from webui.core.request import GenerationRequest
from webui.core.settings import Settings
from webui.core.work.extras_request import make_extras_request
from webui.core.work.series import Series
from webui.jobs.hash_ahead import hash_ahead
from webui.library.catalog import catalog as catalog_module
from webui.library.catalog.catalog import Catalog
from webui.library.catalog.folders import ModelFolders
from webui.store.database import IN_MEMORY, Database
from webui.store.header_cache import HeaderCache

REQUEST, OTHER = GenerationRequest(model="tiny-sd15"), GenerationRequest(model="tiny-b")


@pytest.fixture
def catalog(golden_models):
    made = Catalog(ModelFolders((golden_models,)), HeaderCache(Database(IN_MEMORY)))
    made.scan()
    return made


def is_known(catalog: Catalog, name: str) -> bool:
    return catalog.find_checkpoint(name).sha256 is not None


def test_the_hashes_of_all_requests_are_known_soon(catalog):
    thread = hash_ahead(catalog, Series(requests=(REQUEST, OTHER, REQUEST)), Settings())
    thread.join(30)
    for name in ("tiny-sd15", "tiny-b"):
        file = catalog.find_checkpoint(name)
        assert file.sha256 == hashlib.sha256(file.path.read_bytes()).hexdigest()
    assert hash_ahead(catalog, REQUEST, Settings()) is None


def test_nothing_is_hashed_that_no_infotext_names(catalog):
    without = Settings().changed({"add_model_hash_to_info": False, "add_vae_hash_to_info": False})
    assert hash_ahead(catalog, REQUEST, without) is None
    assert hash_ahead(catalog, GenerationRequest(model="none"), Settings()) is None
    assert hash_ahead(catalog, make_extras_request(images=[{"image": "0" * 64}]), Settings()) is None
    assert not is_known(catalog, "tiny-sd15")


def test_who_asks_meanwhile_waits_for_the_same_computation(catalog, monkeypatch):
    computed, compute = [], catalog_module.sha256_of

    def slowly(path):
        computed.append(path)
        time.sleep(0.1)
        return compute(path)

    monkeypatch.setattr(catalog_module, "sha256_of", slowly)
    file = catalog.find_checkpoint("tiny-sd15")
    askers = [threading.Thread(target=catalog.sha256, args=(file,)) for _ in range(4)]
    first = hash_ahead(catalog, REQUEST, Settings())
    for asker in askers:
        asker.start()
    for asker in (first, *askers):
        asker.join(10)
    assert computed == [file.path]


def test_a_file_that_went_meanwhile_is_the_jobs_to_tell(catalog, monkeypatch):
    def gone(path):
        raise FileNotFoundError(path)

    monkeypatch.setattr(catalog_module, "sha256_of", gone)
    hash_ahead(catalog, REQUEST, Settings()).join(10)
    assert not is_known(catalog, "tiny-sd15")
