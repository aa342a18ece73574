import json

import pytest

from tests.arriving_files import lora
from webui.core.errors import NotFound
from webui.core.settings import Models
from webui.library.cards.card import CardQuery, card_id
from webui.library.cards.index import CardIndex
from webui.library.cards.insertion import Insertion
from webui.library.catalog.catalog import Catalog, ModelFolders
from webui.library.catalog.lora_files import LoraFiles
from webui.store.card_cache import CardCache
from webui.store.database import IN_MEMORY, Database
from webui.store.header_cache import HeaderCache


class Place:
    """A folder of LoRAs and an index of it; `again` is the index of the next start."""

    def __init__(self, folder):
        self.folder = folder
        self.database = Database(IN_MEMORY)
        for seed, name in enumerate(("cat", "dog")):
            self.put(name, seed)
        self.index = self.again()

    def put(self, name, seed):
        path = self.folder / f"{name}.safetensors"
        path.write_bytes(lora(seed))
        return path

    def write(self, name, words):
        (self.folder / f"{name}.json").write_text(json.dumps({"activation text": words}))

    def again(self):
        self.catalog = Catalog(ModelFolders((self.folder,)), HeaderCache(self.database))
        self.catalog.scan()
        insertion = Insertion(LoraFiles(self.catalog), Models)
        return CardIndex(self.catalog, CardCache(self.database), insertion)

    def words(self, index=None):
        page = (index or self.index).page(CardQuery())
        return {card.stem: card.activation_text for card in page.cards}


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_the_trainers_words_are_inserted_until_the_artist_writes_others(place):
    told = {"modelspec.trigger_phrase": "zwx cat"}
    (place.folder / "cat.safetensors").write_bytes(lora(9, metadata=told))

    def inserted():
        page = place.again().page(CardQuery())
        return {card.stem: card.insert for card in page.cards}

    assert inserted() == {"cat": "<lora:cat:1> zwx cat", "dog": "<lora:dog:1>"}
    place.write("cat", "meow")
    assert inserted()["cat"] == "<lora:cat:1> meow"


def test_a_new_file_gets_a_card_and_the_others_are_not_read_again(place):
    assert place.words() == {"cat": "", "dog": ""}
    place.write("cat", "meow")
    place.write("new", "tweet")
    place.catalog.add(place.put("new", 3))
    assert place.words() == {"cat": "", "dog": "", "new": "tweet"}
    place.index.reread()
    assert place.words() == {"cat": "meow", "dog": "", "new": "tweet"}


def test_one_card_can_be_read_again_alone(place):
    before = place.index.version
    place.write("cat", "meow")
    place.index.refresh(place.folder / "cat.safetensors")
    assert place.words() == {"cat": "meow", "dog": ""}
    assert place.index.version != before


def test_a_file_that_is_gone_has_no_card(place):
    identity = card_id(place.folder / "cat.safetensors")
    place.index.find(identity)
    place.catalog.forget(place.folder / "cat.safetensors")
    with pytest.raises(NotFound):
        place.index.find(identity)
    assert place.words() == {"dog": ""}


def test_a_hash_is_on_the_card_after_the_next_look_at_the_folders(place):
    place.words()
    (file, _) = place.catalog.files()
    digest = place.catalog.sha256(file)
    place.catalog.scan()
    found = place.index.page(CardQuery(text=digest[:12]))
    assert [card.stem for card in found.cards] == ["cat"]


def test_what_was_read_is_remembered_until_the_sidecar_changes(place):
    place.write("cat", "meow")
    place.index.reread()
    rows = place.database.rows("SELECT text FROM cards")
    assert len(rows) == 1
    with place.database.writing() as connection:
        connection.execute("UPDATE cards SET text = replace(text, 'meow', 'from the cache')")
    assert place.words(place.again())["cat"] == "from the cache"
    place.write("cat", "meow meow")
    assert place.words(place.again())["cat"] == "meow meow"


def test_folders_above_are_counted_with_those_below(place):
    for folder in ("a", "a/b"):
        (place.folder / folder).mkdir()
        (place.folder / folder / "x.safetensors").write_bytes(lora(len(folder)))
    place.index.reread()
    page = place.index.page(CardQuery(folder="a"))
    assert [(folder.path, folder.count) for folder in page.folders] == [("a", 2), ("a/b", 1)]
    assert page.total == 2


class InterruptedCache(CardCache):
    """A cache that lets something happen while cards are made."""

    def meanwhile(self, happens):
        self.happens = happens

    def all(self):
        happens, self.happens = self.happens, lambda: None
        happens()
        return super().all()


def test_a_file_that_comes_while_cards_are_made_has_one_at_the_next_question(place):
    cache = InterruptedCache(place.database)
    cache.meanwhile(lambda: place.catalog.add(place.put("late", 5)))
    index = CardIndex(place.catalog, cache, Insertion(LoraFiles(place.catalog), Models))
    first = index.page(CardQuery())
    second = index.page(CardQuery())
    assert {card.stem for card in second.cards} == {"cat", "dog", "late"}
    assert first.version != second.version
