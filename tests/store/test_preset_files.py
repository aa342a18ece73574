"""Presets on disk: any name is safe, nothing is lost, a damaged file is named and passed over."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.core.errors import Busy, InvalidRequest, NotFound, UnusableFile
from webui.core.preset import Preset, PresetFields
from webui.store.preset_files import PresetFiles, plain_name


def preset(steps: int = 20) -> Preset:
    return Preset(fields=PresetFields(steps=steps))


@pytest.fixture
def files(tmp_path) -> PresetFiles:
    return PresetFiles(tmp_path / "presets")


def names(files: PresetFiles) -> list[str]:
    return [kept.name for kept in files.all()[0]]


@given(
    st.text(max_size=150)
    | st.sampled_from(["..", "../x", "/etc/passwd", "con", "a/b", ".json", "x.json", "\0"])
)
def test_a_name_is_a_file_in_the_folder_or_refused(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("home") / "presets"
    files = PresetFiles(folder)
    try:
        kept = files.save(name, preset(7))
    except InvalidRequest:
        assert not folder.exists()
        return
    assert [path.parent for path in folder.parent.rglob("*.json")] == [folder]
    assert files.find(kept.name).preset.fields.steps == 7
    # What it is called is a name that finds it again, and the same one if it is kept once more.
    assert plain_name(kept.name) == kept.name
    assert files.save(kept.name, preset(8), replace=True).name == kept.name
    assert names(files) == [kept.name]


def test_a_preset_is_replaced_only_on_demand(files):
    files.save("ink", preset(1))
    with pytest.raises(Busy):
        files.save("ink", preset(2))
    assert files.find("ink").preset.fields.steps == 1
    files.save("ink", preset(2), replace=True)
    assert files.find("ink").preset.fields.steps == 2


def test_what_comes_gets_a_number_unless_it_is_here(files):
    ink = preset(1).model_copy(update={"name": "ink"})
    assert files.add(ink, "x") == ("ink", True)
    assert files.add(ink, "x") == ("ink", False)
    assert files.add(ink.model_copy(update={"fields": PresetFields(steps=2)}), "x") == ("ink (2)", True)
    assert files.add(ink.model_copy(update={"fields": PresetFields(steps=2)}), "x") == ("ink (2)", False)
    assert files.add(preset(3), "from a friend") == ("from a friend", True)


def test_renaming_replaces_nothing(files):
    files.save("one", preset(1))
    files.save("two", preset(2))
    with pytest.raises(Busy):
        files.rename("one", "two")
    with pytest.raises(InvalidRequest):
        files.rename("one", " ")
    assert files.rename("one", "one").name == "one"
    assert files.rename("one", "three").name == "three"
    assert names(files) == ["three", "two"]
    assert files.find("three").preset.name == "three"


def test_a_deleted_one_comes_back_as_it_was_also_where_its_name_was_taken(files):
    kept = files.save("ink", preset(1))
    identity = files.delete("ink")
    assert names(files) == []
    assert files.restore(identity) == "ink"
    assert files.find("ink").preset == kept.preset
    identity = files.delete("ink")
    files.save("ink", preset(2))
    assert files.restore(identity) == "ink-1"
    assert [files.find(name).preset.fields.steps for name in ("ink", "ink-1")] == [2, 1]
    with pytest.raises(NotFound):
        files.restore(identity)


def test_damaged_files_are_named_and_passed_over_and_nothing_else_is_opened(files, tmp_path):
    files.save("good", preset())
    folder = tmp_path / "presets"
    (folder / "broken.json").write_text("{")
    (folder / "large.json").write_bytes(b" " * 20 * 2**20)
    (folder / "other.txt").write_text("no preset")
    (folder / "folder.json").mkdir()
    os.mkfifo(folder / "pipe.json")
    (folder / "device.json").symlink_to("/dev/zero")
    kept, problems = files.all()
    assert [each.name for each in kept] == ["good"]
    assert sorted(problem.partition(" ")[0] for problem in problems) == ["broken.json", "large.json"]
    with pytest.raises(UnusableFile):
        files.find("broken")
    for name in ("pipe", "device", "folder", "other", "../presets/good"):
        with pytest.raises(NotFound):
            files.find(name)
    # A folder in the way of a new one is no reason to lose it.
    assert files.add(preset(3), "folder") == ("folder (2)", True)


def test_a_file_that_somebody_copied_in_is_called_as_its_file(files, tmp_path):
    files.save("ink", preset(4))
    (tmp_path / "presets" / "ink.json").rename(tmp_path / "presets" / "gift.json")
    assert names(files) == ["gift"]
    assert files.find("gift").preset.fields.steps == 4
    assert [path.name for path in Path(tmp_path / "presets").iterdir()] == ["gift.json"]
