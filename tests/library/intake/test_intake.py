import hashlib
import io
import json
import pickle
import threading
import zipfile

import pytest

from tests.arriving_files import (
    INFOTEXT,
    archive,
    card,
    embedding,
    flux_lora,
    lora,
    picture,
    unknown_tensors,
)
from webui.core.flags import read_flags
from webui.core.model_file import Family, ModelKind
from webui.library.catalog.catalog import Catalog, ModelFolders
from webui.library.catalog.lora_files import LoraFiles
from webui.library.intake import archives
from webui.library.intake.intake import Intake
from webui.library.presets.presets import Presets
from webui.store.database import IN_MEMORY, Database
from webui.store.files.uploads import Uploads
from webui.store.header_cache import HeaderCache
from webui.store.pictures.inputs import Inputs
from webui.store.preset_files import PresetFiles


class Place:
    """An empty project, and an intake for it."""

    def __init__(self, folder):
        self.folder = folder
        self.paths = read_flags(["--data-dir", str(folder)])[0].paths(folder)
        cache = HeaderCache(Database(IN_MEMORY))
        self.catalog = Catalog(ModelFolders.of(self.paths), cache)
        self.catalog.scan()
        self.inputs = Inputs(self.paths.data / "inputs")
        self.presets = PresetFiles(self.paths.data / "presets")
        take = Presets(self.presets, self.catalog, LoraFiles(self.catalog)).take
        self.intake = Intake(self.catalog, cache, self.paths, self.inputs, take)
        self.number = 0

    def drop(self, name, data):
        """What becomes of a file, as an upload brings it."""
        self.number += 1
        staged = self.folder / "staging" / str(self.number) / name
        staged.parent.mkdir(parents=True)
        staged.write_bytes(data)
        return self.intake.take(staged, hashlib.sha256(data).hexdigest())

    def files(self):
        """All files outside the staging folder."""
        return sorted(
            path.relative_to(self.folder).as_posix()
            for path in self.folder.rglob("*")
            if path.is_file() and "staging" not in path.parts
        )


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_a_lora_is_filed_in_its_folder_and_known_with_its_hash(place):
    data = lora()
    (arrival,) = place.drop("cat.safetensors", data)
    assert arrival.outcome == "filed"
    assert (arrival.file.kind, arrival.file.family) == (ModelKind.LORA, Family.SD1)
    assert arrival.file.sha256 == hashlib.sha256(data).hexdigest()
    assert place.files() == ["models/Lora/cat.safetensors"]
    assert [file.name for file in place.catalog.files(ModelKind.LORA)] == ["cat.safetensors"]


def test_an_embedding_goes_beside_the_models(place):
    (arrival,) = place.drop("word.safetensors", embedding())
    assert arrival.outcome == "filed"
    assert place.files() == ["embeddings/word.safetensors"]


def test_what_cannot_be_run_here_is_filed_and_says_so(place):
    (arrival,) = place.drop("flux.safetensors", flux_lora())
    assert arrival.outcome == "filed"
    assert arrival.file.family == Family.FLUX
    assert "Flux" in arrival.sentence
    assert place.files() == ["models/Lora/flux.safetensors"]


def test_a_lying_suffix_is_mended(place):
    (arrival,) = place.drop("cat v1.5.ckpt", lora())
    assert arrival.outcome == "filed"
    assert place.files() == ["models/Lora/cat v1.5.safetensors"]


def test_a_file_without_a_suffix_gets_one(place):
    place.drop("cat v1.5", lora())
    assert place.files() == ["models/Lora/cat v1.5.safetensors"]


def test_the_same_file_is_pointed_out_and_not_stored_twice(place):
    place.drop("cat.safetensors", lora())
    (arrival,) = place.drop("other name.safetensors", lora())
    assert arrival.outcome == "duplicate"
    assert arrival.file.name == "cat.safetensors"
    assert "cat.safetensors" in arrival.sentence
    assert place.files() == ["models/Lora/cat.safetensors"]


def test_a_file_that_lay_there_before_is_a_duplicate_too(place):
    folder = place.paths.models / "Lora"
    folder.mkdir(parents=True)
    (folder / "old.safetensors").write_bytes(lora())
    place.catalog.scan()
    (arrival,) = place.drop("new.safetensors", lora())
    assert (arrival.outcome, arrival.file.name) == ("duplicate", "old.safetensors")


def test_another_file_of_the_same_name_gets_a_number(place):
    place.drop("cat.safetensors", lora(1))
    (arrival,) = place.drop("cat.safetensors", lora(2))
    assert arrival.outcome == "filed"
    assert place.files() == ["models/Lora/cat-1.safetensors", "models/Lora/cat.safetensors"]
    assert "cat-1.safetensors" in arrival.sentence


def test_a_file_does_not_take_over_the_card_of_another(place):
    folder = place.paths.models / "Lora"
    folder.mkdir(parents=True)
    (folder / "cat.pt").write_bytes(b"another model")
    place.drop("cat.safetensors", lora())
    assert "models/Lora/cat-1.safetensors" in place.files()


def test_of_two_equal_files_at_once_one_is_stored(place):
    threads = [threading.Thread(target=place.drop, args=(f"{n}.safetensors", lora())) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(place.files()) == 1


ODD_NAMES = {
    "a\0b.safetensors": "a_b",
    "a\nb.safetensors": "a_b",
    "\U0001f98a fox.safetensors": "\U0001f98a fox",
    f"{'x' * 300}.safetensors": "x" * (200 - len(".safetensors")),
    "CON.safetensors": "CON_",
    "nul.safetensors": "nul_",
    "dots. . .safetensors": "dots",
    "..safetensors": "safetensors",
    "a:b<c>|d?.safetensors": "a_b_c__d_",
    "..\\..\\evil.safetensors": "evil",
    "/etc/evil.safetensors": "evil",
    "e\u0301te\u0301.safetensors": "\u00e9t\u00e9",
    "bad\udcff.safetensors": "bad_",
}


@pytest.mark.parametrize(("name", "stem"), ODD_NAMES.items())
def test_an_odd_name_becomes_one_that_every_system_takes(place, name, stem):
    uploads = Uploads(place.folder / "staging")
    upload = uploads.create(name, len(lora()))
    uploads.write(upload.id, 0, lora())
    staged, sha256 = uploads.finished(upload.id)
    (arrival,) = place.intake.take(staged.content, sha256)
    uploads.cancel(upload.id)
    assert arrival.outcome == "filed"
    assert place.files() == [f"models/Lora/{stem}.safetensors"]


class Evil:
    """Runs a command when it is unpickled."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('it ran')",))


REFUSED = {
    "an unknown model": ("x.safetensors", unknown_tensors()),
    "a cut file": ("x.safetensors", lora()[:-100]),
    "a cut header": ("x.safetensors", lora()[:40]),
    "a login page": ("x.safetensors", b"<!DOCTYPE html><html></html>"),
    "a message": ("x.safetensors", b'{"error":"Unauthorized"}'),
    "nothing": ("x.safetensors", b""),
    "a pointer": ("x.safetensors", b"version https://git-lfs.github.com/spec/v1\n"),
    "a program in a pickle": ("x.ckpt", pickle.dumps(Evil(), protocol=2)),
    "an archive of another kind": ("x.7z", b"7z\xbc\xaf\x27\x1c" + bytes(30)),
    "a RAR": ("x.rar", b"Rar!\x1a\x07\x00" + bytes(30)),
    "a program": ("x.exe", b"MZ" + bytes(300)),
    "a damaged picture": ("x.png", picture()[:60]),
    "an empty list": ("x.txt", b" \n"),
    "a table of something": ("x.csv", b"a,b\n1,2\n"),
    "noise": ("x.bin", bytes(range(256)) * 4),
}


@pytest.mark.parametrize(("name", "data"), REFUSED.values(), ids=list(REFUSED))
def test_what_is_nothing_for_us_is_refused_with_a_sentence_and_leaves_nothing(place, name, data):
    (arrival,) = place.drop(name, data)
    assert arrival.outcome == "refused"
    assert arrival.sentence.endswith(".")
    assert place.files() == []


def test_a_picture_is_kept_and_tells_which_models_it_names(place):
    place.drop("here.safetensors", lora())
    known = hashlib.sha256(lora()).hexdigest()[:10]
    infotext = INFOTEXT.replace("<lora:meow:0.8>", "<lora:here:1>") + (
        f', Model hash: 0123456789, Model: dream, Lora hashes: "here: {known}, gone: abcdefabcdef"'
    )
    (arrival,) = place.drop("p.png", picture(infotext))
    assert (arrival.outcome, arrival.width, arrival.height) == ("picture", 64, 48)
    assert arrival.infotext == infotext
    assert place.inputs.read(arrival.reference) == picture(infotext)
    told = {(model.kind, model.name): (model.state, model.link) for model in arrival.named}
    assert told == {
        (ModelKind.CHECKPOINT, "dream"): ("missing", "hash:0123456789"),
        (ModelKind.LORA, "here"): ("here", f"hash:{known}"),
        (ModelKind.LORA, "gone"): ("missing", "hash:abcdefabcdef"),
    }
    assert "2 of its models" in arrival.sentence


def test_a_picture_without_infotext_is_kept_too(place):
    (arrival,) = place.drop("p.png", picture(None))
    assert (arrival.outcome, arrival.infotext, arrival.named) == ("picture", None, ())


def test_a_text_that_tells_how_a_picture_was_made_is_understood(place):
    (arrival,) = place.drop("notes.txt", INFOTEXT.encode())
    assert (arrival.outcome, arrival.infotext) == ("infotext", INFOTEXT)
    assert place.files() == []


def test_styles_are_added_and_none_is_overwritten(place):
    head = "name,prompt,negative_prompt\n"
    place.drop("styles.csv", (head + "a,red,\nb,blue,\n").encode())
    (arrival,) = place.drop("more.csv", ("\ufeff" + head + "a,red,\nb,green,\nc,white,\n").encode())
    assert arrival.added == ("b (2)", "c")
    rows = (place.folder / "styles.csv").read_text(encoding="utf-8-sig").splitlines()
    assert rows[1:] == ["a,red,", "b,blue,", "b (2),green,", "c,white,"]


def test_a_wildcard_is_filed_once(place):
    (arrival,) = place.drop("colours.txt", b"red\nblue\n")
    assert (arrival.outcome, place.files()) == ("wildcard", ["wildcards/colours.txt"])
    (again,) = place.drop("colours.txt", b"red\nblue\n")
    assert again.outcome == "duplicate"
    place.drop("colours.txt", b"green\n")
    assert place.files() == ["wildcards/colours-1.txt", "wildcards/colours.txt"]


def test_a_zip_of_loras_brings_each_with_what_lies_beside_it(place):
    data = archive(
        {
            "pack/cat.safetensors": lora(1),
            "pack/cat.json": card(**{"activation text": "meow"}),
            "pack/cat.preview.png": picture(),
            "pack/dog.safetensors": lora(2),
            "pack/readme.txt": "hello",
            "__MACOSX/pack/._cat.safetensors": "x",
            "bad.safetensors": unknown_tensors(),
        }
    )
    arrivals = {arrival.name: arrival for arrival in place.drop("pack.zip", data)}
    assert {name: arrival.outcome for name, arrival in arrivals.items()} == {
        "cat.safetensors": "filed",
        "dog.safetensors": "filed",
        "bad.safetensors": "refused",
    }
    assert place.files() == [
        "models/Lora/cat.json",
        "models/Lora/cat.preview.png",
        "models/Lora/cat.safetensors",
        "models/Lora/dog.safetensors",
    ]


def test_a_zip_of_wildcards_keeps_its_folders(place):
    arrivals = place.drop("w.zip", archive({"colours/warm.txt": "red", "colours/cold.txt": "blue"}))
    assert [arrival.outcome for arrival in arrivals] == ["wildcard", "wildcard"]
    assert place.files() == ["wildcards/colours/cold.txt", "wildcards/colours/warm.txt"]


def linked(target):
    """A zip with a symbolic link."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as opened:
        info = zipfile.ZipInfo("link.safetensors")
        info.external_attr = 0o120777 << 16
        opened.writestr(info, target)
    return file.getvalue()


def longer_than_said():
    """A zip whose index says that a member is shorter than it is."""
    data = archive({"a.txt": "x" * 5000})
    place = data.rindex(b"PK\x01\x02") + 24
    return data[:place] + (10).to_bytes(4, "little") + data[place + 4 :]


def locked():
    data = archive({"a.txt": "x"})
    place = data.rindex(b"PK\x01\x02") + 8
    return data[:place] + b"\x01\x00" + data[place + 2 :]


HOSTILE = {
    "a path out of its folder": archive({"../../evil.safetensors": lora()}),
    "a path of the system": archive({"/etc/evil.safetensors": lora()}),
    "a path of Windows": archive({"C:\\evil.safetensors": lora()}),
    "a link": linked("/etc/passwd"),
    "a bomb": archive({"a.safetensors": bytes(300 * 2**20)}),
    "a damaged archive": archive({"a.safetensors": lora()})[:-30],
    "a lie about the length": longer_than_said(),
    "a locked archive": locked(),
    "two files of one name": archive({"a/b.txt": "1", "a//b.txt": "2"}),
    "two names that differ in case alone": archive({"A.safetensors": lora(1), "a.safetensors": lora(2)}),
    "a file where a folder is": archive({"a": "1", "a/b.txt": "2"}),
    "a path of a network share": archive({"\\\\host\\share\\evil.safetensors": lora()}),
    "nothing known": archive({"a.exe": "MZ"}),
    "an archive in an archive": archive({"a.zip": archive({"b.safetensors": lora()})}),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=list(HOSTILE))
def test_a_hostile_archive_is_refused_whole(place, data):
    arrivals = place.drop("x.zip", data)
    assert {arrival.outcome for arrival in arrivals} == {"refused"}
    assert place.files() == []
    assert not (place.folder.parent / "evil.safetensors").exists()


def test_an_archive_of_too_many_files_is_refused(place, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 2)
    (arrival,) = place.drop("x.zip", archive({f"{n}.txt": "red" for n in range(3)}))
    assert arrival.outcome == "refused"


def test_files_go_to_the_folder_that_a_flag_names(tmp_path):
    place = Place(tmp_path)
    own = tmp_path / "elsewhere"
    own.mkdir()
    paths = read_flags(["--data-dir", str(tmp_path), "--lora-dir", str(own)])[0].paths(tmp_path)
    cache = HeaderCache(Database(IN_MEMORY))
    catalog = Catalog(ModelFolders.of(paths), cache)
    take = Presets(place.presets, catalog, LoraFiles(catalog)).take
    place.intake = Intake(catalog, cache, paths, place.inputs, take)
    place.drop("cat.safetensors", lora())
    assert place.files() == ["elsewhere/cat.safetensors"]


def test_metadata_of_a_filed_model_is_known(place):
    (arrival,) = place.drop("cat.safetensors", lora(metadata={"ss_output_name": "kitty"}))
    assert arrival.file.metadata["ss_output_name"] == "kitty"
    assert json.loads(arrival.model_dump_json())["file"]["name"] == "cat.safetensors"
