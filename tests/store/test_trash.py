import pytest

from webui.core.errors import NotFound
from webui.store.sidecars import sidecars_of
from webui.store.trash import Trash


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "Lora" / "sub"
    folder.mkdir(parents=True)
    for name in ("cat.safetensors", "cat.json", "cat.preview.png"):
        (folder / name).write_bytes(name.encode())
    return folder


@pytest.fixture
def trash(tmp_path):
    return Trash([tmp_path / "Lora", tmp_path / "VAE"])


def put(trash, folder):
    model = folder / "cat.safetensors"
    return trash.put(model, sidecars_of(model), name="sub/cat.safetensors", kind="lora")


def test_what_is_deleted_comes_back_whole(trash, folder):
    trashed = put(trash, folder)
    assert list(folder.iterdir()) == []
    assert trash.all() == [trashed]
    assert trashed.size == len("cat.safetensorscat.jsoncat.preview.png")
    assert trash.restore(trashed.id) == folder / "cat.safetensors"
    assert {path.name: path.read_bytes().decode() for path in folder.iterdir()} == {
        name: name for name in ("cat.safetensors", "cat.json", "cat.preview.png")
    }
    assert trash.all() == []


def test_a_name_that_was_taken_meanwhile_gives_it_a_number(trash, folder):
    trashed = put(trash, folder)
    (folder / "cat.safetensors").write_bytes(b"other")
    assert trash.restore(trashed.id) == folder / "cat-1.safetensors"
    assert (folder / "cat-1.json").read_bytes() == b"cat.json"
    assert (folder / "cat.safetensors").read_bytes() == b"other"


def test_a_folder_that_is_gone_is_made_again(trash, folder):
    trashed = put(trash, folder)
    folder.rmdir()
    assert trash.restore(trashed.id).is_file()


def test_emptying_deletes_for_good(trash, folder, tmp_path):
    trashed = put(trash, folder)
    assert trash.empty() == (1, trashed.size)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    with pytest.raises(NotFound):
        trash.restore(trashed.id)


@pytest.mark.parametrize("identity", ["0" * 16, "..", "../../sub"])
def test_an_unknown_id_is_not_found(trash, identity):
    with pytest.raises(NotFound):
        trash.delete(identity)


def test_a_folder_of_weights_goes_and_comes_too(trash, tmp_path):
    model = tmp_path / "Lora" / "diffusers"
    (model / "unet").mkdir(parents=True)
    (model / "unet" / "w.safetensors").write_bytes(b"1234")
    trashed = trash.put(model, [], name="diffusers", kind="checkpoint")
    assert trashed.size == 4
    assert not model.exists()
    assert (trash.restore(trashed.id) / "unet" / "w.safetensors").read_bytes() == b"1234"
