import json
from urllib.parse import parse_qs

import pytest

from tests.fake_sites import FakeFile, FakeVersion
from webui.library.fetch.civitai import Civitai, chosen_file, preview_address, version_of
from webui.library.fetch.links import CivitaiLink
from webui.library.fetch.refusals import FetchRefused
from webui.library.fetch.search import Search, search
from webui.library.fetch.web import Web


@pytest.fixture
def civitai(fake):
    return Civitai(Web(fake.sites, lambda _: None))


def file(number, **values):
    return {"id": number, "name": f"{number}.safetensors", "downloadUrl": f"https://x/{number}"} | values


def version(*files):
    return version_of({"id": 3, "modelId": 2, "files": list(files)})


def test_a_version_is_found_by_id_by_hash_and_as_the_newest_of_its_model(civitai, fake):
    fake.add(FakeVersion(5, 1, [FakeFile("a.safetensors", b"a")], name="old"))
    new = fake.add(FakeVersion(6, 1, [FakeFile("b.safetensors", b"b")], name="new"))
    assert civitai.version(CivitaiLink(version_id=5)).name == "old"
    assert civitai.version(CivitaiLink(model_id=1)).name == "new"
    assert civitai.version(CivitaiLink(hash=new.files[0].sha256[:10])).name == "new"
    told = civitai.version(CivitaiLink(1, 6))
    assert (told.model_id, told.model_name, told.type, told.base_model) == (1, "Cat", "LORA", "SD 1.5")
    assert told.files[0].sha256 == new.files[0].sha256
    assert told.files[0].size == 1


@pytest.mark.parametrize(
    "link", [CivitaiLink(version_id=99), CivitaiLink(model_id=99), CivitaiLink(hash="ab" * 5)]
)
def test_what_is_not_there_is_gone(civitai, link):
    with pytest.raises(FetchRefused) as caught:
        civitai.version(link)
    assert caught.value.cause == "gone"


@pytest.mark.parametrize("model", [{"id": 1, "mode": "TakenDown", "modelVersions": [{"id": 2}]}, {"id": 1}])
def test_a_model_that_was_taken_down_is_gone(civitai, fake, model):
    fake.behave("/models/1", lambda handler: handler.reply(200, model))
    with pytest.raises(FetchRefused) as caught:
        civitai.version(CivitaiLink(model_id=1))
    assert caught.value.cause == "gone"


@pytest.mark.parametrize("answer", [[], "text", 3, None, {}, {"id": "x"}, {"id": 1, "files": "x"}])
def test_an_answer_of_another_shape_never_crashes(civitai, fake, answer):
    fake.behave("/model-versions/1", lambda handler: handler.reply(200, json.dumps(answer).encode()))
    try:
        assert civitai.version(CivitaiLink(version_id=1)).files == ()
    except FetchRefused as error:
        assert error.cause == "unexpected"


def test_the_primary_file_is_taken_unless_the_link_says_another():
    found = version(
        file(1, type="Model", metadata={"format": "PickleTensor"}),
        file(2, type="Model", metadata={"format": "SafeTensor"}, primary=True),
        file(3, type="VAE", metadata={"format": "SafeTensor"}, hashes={"SHA256": "AB" * 32}),
    )
    assert chosen_file(found, CivitaiLink(2)).id == 2
    assert chosen_file(found, CivitaiLink(2, choices=(("type", "vae"),))).id == 3
    assert chosen_file(found, CivitaiLink(2, file_id=1)).id == 1
    assert chosen_file(found, CivitaiLink(hash="abababab")).id == 3
    assert chosen_file(found, CivitaiLink(2), "3").id == 3
    with pytest.raises(FetchRefused):
        chosen_file(found, CivitaiLink(2), "9")


def test_of_two_equals_the_safe_format_is_taken():
    found = version(file(1, metadata={"format": "PickleTensor"}), file(2, metadata={"format": "SafeTensor"}))
    assert chosen_file(found, CivitaiLink(2)).id == 2


def test_pictures_for_everybody_come_first_and_videos_never():
    told = version_of(
        {
            "id": 1,
            "images": [
                {"url": "https://x", "nsfwLevel": 16, "type": "image"},
                {"url": "https://v", "nsfwLevel": 1, "type": "video"},
                {"url": "https://m", "nsfwLevel": 1, "type": "image"},
                {"nsfwLevel": 1},
                {"url": "javascript:alert(1)", "nsfwLevel": 1},
            ],
        }
    )
    assert told.images == ("https://m", "https://x")


@pytest.mark.parametrize("size", ["original=true", "width=1024"])
def test_a_preview_is_asked_for_at_the_width_of_a_card(size):
    assert preview_address(f"https://image/ab/{size}/1.jpeg") == "https://image/ab/width=450/1.jpeg"
    assert preview_address("https://image/ab/1.jpeg") == "https://image/ab/1.jpeg"


def test_hashes_are_asked_for_a_hundred_at_once(civitai, fake):
    known = fake.add(FakeVersion(5, 1, [FakeFile("a.safetensors", b"a")])).files[0].sha256
    found = civitai.by_hashes([f"{number:064x}" for number in range(150)] + [known])
    assert {digest: version.id for digest, version in found.items()} == {known: 5}
    assert fake.paths() == ["/api/v1/model-versions/by-hash"] * 2


def test_a_search_sends_what_is_wanted_and_nothing_else(civitai, fake):
    for number in range(5):
        fake.add(FakeVersion(10 + number, number, [FakeFile("a.pt", b"x")], model_name=f"Cat {number}"))
    wanted = Search(query=" cat ", types=("LORA",), base_models=("SD 1.5", "SDXL 1.0"), limit=3)
    items, cursor = search(civitai, wanted)
    assert [item.name for item in items] == ["Cat 0", "Cat 1", "Cat 2"]
    assert parse_qs(fake.paths()[0].partition("?")[2]) == {
        "query": ["cat"],
        "types": ["LORA"],
        "baseModels": ["SD 1.5", "SDXL 1.0"],
        "limit": ["3"],
        "nsfw": ["false"],
    }
    items, cursor = search(civitai, wanted.model_copy(update={"cursor": cursor}))
    assert ([item.name for item in items], cursor) == (["Cat 3", "Cat 4"], None)
    assert items[0].link == "civitai:3@13"
