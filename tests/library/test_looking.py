"""A start with thousands of new files: what is known at once, what waits, what is never lost."""

import threading
from pathlib import Path

import pytest

from tests.many_files import make_loras
from tests.models.small_checkpoints import NARROW, small_checkpoint, write
from webui.core.errors import ModelNotFound
from webui.core.model_file import ModelKind
from webui.core.settings import Paths
from webui.library.catalog.catalog import FIRST_BATCH, Catalog
from webui.library.catalog.folders import ModelFolders
from webui.library.catalog.lora_files import LoraFiles
from webui.store.database import IN_MEMORY, Database
from webui.store.header_cache import HeaderCache

LORAS = 3000


@pytest.fixture
def home(tmp_path: Path) -> Path:
    models = tmp_path / "models"
    for name in ("lion", "zebra"):
        write(models / "Stable-diffusion" / f"{name}.safetensors", small_checkpoint(NARROW))
    make_loras(models / "Lora", LORAS)
    return tmp_path


@pytest.fixture
def cache() -> HeaderCache:
    return HeaderCache(Database(IN_MEMORY))


def catalog_on(home: Path, cache: HeaderCache) -> Catalog:
    paths = Paths(
        root=home,
        data=home / "data",
        models=home / "models",
        embeddings=home / "embeddings",
        styles=(),
        starter=home / "models" / "starter",
    )
    return Catalog(ModelFolders.of(paths), cache)


@pytest.fixture
def begun(home: Path, cache: HeaderCache) -> Catalog:
    catalog = catalog_on(home, cache)
    catalog.begin()
    return catalog


def last_lora() -> str:
    return f"lora-{LORAS - 1:05}"


def test_the_start_knows_the_checkpoints_and_leaves_the_rest(begun: Catalog) -> None:
    assert [file.stem for file in begun.files(ModelKind.CHECKPOINT)] == ["lion", "zebra"]
    assert begun.unread == LORAS + 2 - FIRST_BATCH
    assert begun.is_settled(ModelKind.CHECKPOINT, ModelKind.VAE)
    assert not begun.is_settled(ModelKind.LORA)


def test_a_checkpoint_does_not_wait_for_loras(begun: Catalog) -> None:
    before = begun.unread
    assert begun.find_checkpoint("zebra").stem == "zebra"
    assert begun.find_checkpoint("").stem == "lion"
    known = begun.known_checkpoint("lion")
    assert known is not None
    assert known.stem == "lion"
    assert begun.known_checkpoint("tiger") is None
    assert begun.unread == before


def test_a_lora_that_was_not_seen_yet_is_found(begun: Catalog) -> None:
    entry = LoraFiles(begun).find(last_lora())
    assert entry is not None
    assert entry.alias == f"lora by name {LORAS - 1}"
    assert begun.unread == 0


def test_whoever_needs_all_of_a_kind_waits_for_the_look_that_goes_on(begun: Catalog) -> None:
    look = threading.Thread(target=begun.scan)
    look.start()
    begun.settle(ModelKind.LORA)
    assert len(begun.files(ModelKind.LORA)) == LORAS
    look.join()
    begun.settle()
    assert begun.unread == 0


def test_what_is_known_grows_in_order(begun: Catalog) -> None:
    look = threading.Thread(target=begun.scan)
    look.start()
    seen, versions = [], set()
    while look.is_alive():
        seen.append([file.stem for file in begun.files(ModelKind.LORA)])
        versions.add(begun.version)
    assert all(stems == sorted(stems) for stems in seen)
    assert [len(stems) for stems in seen] == sorted(len(stems) for stems in seen)
    assert len(versions) > 2


def test_what_others_say_during_a_look_is_not_lost(begun: Catalog, home: Path) -> None:
    lion, zebra = begun.find_checkpoint("lion"), begun.find_checkpoint("zebra")
    look = threading.Thread(target=begun.scan)
    look.start()
    digest = begun.sha256(lion)
    make_loras(home / "models" / "Lora", 1, "arrived")
    begun.add(home / "models" / "Lora" / "arrived-00000.safetensors")
    zebra.path.unlink()
    begun.forget(zebra.path)
    look.join()
    assert [file.sha256 for file in begun.files(ModelKind.CHECKPOINT)] == [digest]
    assert begun.find(ModelKind.LORA, "arrived-00000").stem == "arrived-00000"
    assert len(begun.files(ModelKind.LORA)) == LORAS + 1
    with pytest.raises(ModelNotFound):
        begun.find_checkpoint("zebra")


def test_the_next_start_knows_all_of_them_at_once(begun: Catalog, home: Path, cache: HeaderCache) -> None:
    begun.scan()
    again = catalog_on(home, cache)
    again.begin()
    assert again.unread == 0
    assert again.all_files() == begun.all_files()


def test_a_look_that_was_cut_off_goes_on_where_it_was(begun: Catalog, home: Path, cache: HeaderCache) -> None:
    again = catalog_on(home, cache)
    again.begin()
    assert again.unread == LORAS + 2 - 2 * FIRST_BATCH
