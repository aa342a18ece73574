from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.store.files.safe_names import MAX_BYTES, safe_name, safe_parts


@pytest.mark.parametrize(
    ("given_name", "expected"),
    [
        ("cat.safetensors", "cat.safetensors"),
        ("../../etc/passwd", "passwd"),
        ("C:\\models\\cat v1.5.ckpt", "cat v1.5.ckpt"),
        ("a<b>:c.pt", "a_b__c.pt"),
        (".hidden.pt", "hidden.pt"),
        ("con.safetensors", "con_.safetensors"),
        ("  猫.safetensors ", "猫.safetensors"),
        ("..", "file"),
        ("", "file"),
        ("x\0y\n.pt", "x_y_.pt"),
        ("name.", "name"),
    ],
)
def test_a_name_is_made_safe_and_stays_itself(given_name, expected):
    assert safe_name(given_name) == expected


@given(st.text(max_size=400))
def test_whatever_comes_becomes_a_plain_file_name(text):
    name = safe_name(text)
    assert name
    assert Path(name).name == name
    assert not name.startswith(".")
    assert len(name.encode()) <= MAX_BYTES
    assert safe_name(name) == name


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/x", "\\x", "C:x", "", ".", "a\\..\\x"])
def test_a_path_that_leaves_its_folder_is_none(path):
    assert safe_parts(path) is None


def test_a_path_within_its_folder_keeps_its_folders():
    assert safe_parts("a/./b\\c.txt") == Path("a/b/c.txt")
