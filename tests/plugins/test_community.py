from pathlib import Path

from webui.plugins.community import CommunityChoice, choose_community, find_community


def make(root: Path, place: str, sign: str = "scripts/a.py") -> None:
    file = root / place / sign
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("")


def wanted(choice: CommunityChoice) -> list[str]:
    return [each.name for each in choice.wanted]


def others(choice: CommunityChoice) -> dict[str, tuple[str, str]]:
    return {each.name: (each.state, each.error) for each in choice.others}


def test_folders_of_a1111_are_found_in_both_places_built_in_ones_first(tmp_path):
    program, data = tmp_path / "program", tmp_path / "data"
    make(program, "extensions/c")
    make(program, "extensions-builtin/z")
    make(data, "extensions/b", "style.css")
    make(data, "extensions/a", "install.py")
    make(data, "extensions/native", "plugin.py")
    make(data, "extensions/native")
    make(data, "extensions/notes", "readme.txt")
    make(data, "extensions/.hidden")
    (data / "extensions" / "a file").write_text("")
    assert [each.name for each in find_community(program, data)] == ["z", "c", "a", "b"]
    assert [each.name for each in find_community(data, data)] == ["a", "b"]
    assert find_community(tmp_path / "nowhere") == []


def test_what_comes_with_a1111_is_left_out_where_it_is_built_in(tmp_path):
    make(tmp_path, "extensions-builtin/Lora")
    make(tmp_path, "extensions-builtin/other")
    # One that somebody installed under such a name is theirs.
    make(tmp_path, "extensions/hypertile")
    choice = choose_community(find_community(tmp_path))
    assert wanted(choice) == ["other", "hypertile"]
    assert others(choice)["Lora"][0] == "not loaded"


def test_extensions_are_chosen_by_settings_flags_order_and_trust(tmp_path):
    for name in "abcde":
        make(tmp_path, f"extensions/{name}")
    make(tmp_path, "extensions-builtin/z")
    make(tmp_path, "extensions-builtin/E")
    found = find_community(tmp_path)
    asked: list[str] = []

    def distrust(folder: Path) -> str:
        asked.append(folder.name)
        return "Its code was changed." if folder.name == "c" else ""

    choice = choose_community(
        found, taken=["D"], disabled=["B"], order=["z", "c", "a"], distrust=distrust, refusals={"z": "Off."}
    )
    # Names are compared as A1111 does, in small letters.
    assert wanted(choice) == ["E", "a"]
    assert others(choice) == {
        "z": ("not loaded", "Off."),
        "b": ("switched off", ""),
        "c": ("not loaded", "Its code was changed."),
    }
    assert asked == ["E", "c", "a"]
    assert wanted(choose_community(found, without="extra")) == ["E", "z"]
    assert wanted(choose_community(found, without="all")) == []


def test_a_name_may_begin_with_an_underscore(tmp_path):
    for name in ("_first", "__pycache__", ".hidden"):
        (tmp_path / "extensions" / name / "scripts").mkdir(parents=True)
    assert [each.name for each in find_community(tmp_path)] == ["_first"]


def test_scripts_without_an_extension_are_as_one_that_comes_first(tmp_path):
    make(tmp_path, "extensions/a")
    make(tmp_path, "extensions-builtin/z")
    make(tmp_path, ".", "scripts/xyz_grid.py")
    assert [each.name for each in find_community(tmp_path)] == ["z", "a"]
    make(tmp_path, ".", "scripts/mine.py")
    make(tmp_path, ".", "scripts/notes.txt")
    make(tmp_path, ".", "scripts/package/inner.py")
    found = find_community(tmp_path, tmp_path)
    assert wanted(choose_community(found, order=["a"])) == ["Custom scripts", "z", "a"]
    [mine] = [each for each in found if each.is_loose]
    # A1111's own ones, as its folder has them, are built in here.
    assert [each.name for each in mine.scripts()] == ["mine.py"]
    assert (mine.folder, mine.base) == (tmp_path / "scripts", tmp_path)
    assert wanted(choose_community(found, disabled=["Custom scripts"])) == ["z", "a"]
