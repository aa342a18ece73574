"""Wildcard files: names, kinds, and nothing outside the folder."""

import json
import os

import pytest

from extensions.dynamic_prompts.wildcards import Lists, Phrase


def texts(lists: Lists, name: str) -> list[str]:
    return [line.text for line in lists.find(name)]


def test_text_files_are_found_by_path_pattern_and_ending(tmp_path):
    (tmp_path / "animals" / "wild").mkdir(parents=True)
    (tmp_path / "animals" / "cats.txt").write_text(
        "\ufeffred cat\n# a note\n\n  2::blue cat \nred cat\n", "utf-8"
    )
    (tmp_path / "animals" / "wild" / "fox.txt").write_bytes("f\xf6x\r\nren\xe9".encode("latin-1"))
    lists = Lists(tmp_path)
    assert lists.find("animals/cats") == (Phrase("red cat"), Phrase("blue cat", 2.0))
    assert texts(lists, "cats") == texts(lists, "/animals\\cats/") == texts(lists, "Animals/CATS")
    assert texts(lists, "animals/*") == ["red cat", "blue cat", *texts(lists, "animals/wild/fox")]
    assert len(texts(lists, "fox")) == 2
    assert lists.nearest("anmals/cats") == "animals/cats"


def test_structures_are_lists_by_their_paths(tmp_path):
    content = {
        "colours": {"warm": ["red", "3::orange", {"text": "gold", "weight": 2}], "one": "grey", "no": None}
    }
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "paint.yaml").write_text(json.dumps(content))
    (tmp_path / "flat.json").write_text('["p", 5, "", {"content": "q"}]')
    lists = Lists(tmp_path)
    assert lists.find("set/colours/warm") == (Phrase("red"), Phrase("orange", 3.0), Phrase("gold", 2.0))
    assert texts(lists, "set/colours/one") == ["grey"]
    assert texts(lists, "flat") == ["p", "5", "q"]


def test_nothing_outside_the_folder_is_read(tmp_path):
    folder = tmp_path / "wildcards"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "deep.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "linked").symlink_to(tmp_path / "other")
    lists = Lists(folder)
    for name in (
        "link",
        "../secret",
        "linked/deep",
        "..",
        "*",
        "**",
        str(tmp_path / "secret"),
        "[.][.]/secret",
    ):
        assert lists.find(name) == ()


@pytest.mark.parametrize(
    "text",
    [
        "a: [1, 2",
        "!!python/object/apply:os.system ['touch PWNED']",
        "a: &a [*a]",
        "[" * 100_000,
        "\x00\x01",
        "- !!binary x",
    ],
)
def test_broken_and_harmful_structures_are_left_out(tmp_path, text):
    for suffix in ("yaml", "json"):
        (tmp_path / f"bad.{suffix}").write_text(text)
    (tmp_path / "good.txt").write_text("good")
    lists = Lists(tmp_path)
    assert lists.find("bad") == ()
    assert texts(lists, "*") in (["good"], ["good", "1"])
    assert not (tmp_path / "PWNED").exists()


def test_aliases_that_multiply_end(tmp_path):
    lines = ["a0: &a0 {x: [y]}"] + [f"a{n}: &a{n} {{p: *a{n - 1}, q: *a{n - 1}}}" for n in range(1, 15)]
    (tmp_path / "bomb.yaml").write_text("\n".join(lines))
    assert texts(Lists(tmp_path), "a0/x") == ["y"]


def test_pipes_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.txt")
    assert Lists(tmp_path).find("pipe") == ()


def test_without_a_folder_there_are_no_lists(tmp_path):
    assert Lists(None).find("a") == Lists(tmp_path / "none").find("a") == ()
