import pytest

from webui.core.errors import InvalidRequest
from webui.store.keys import Keys


def test_a_key_is_kept_for_the_next_start_and_for_nobody_else(tmp_path):
    path = tmp_path / "keys.json"
    Keys(path).change("civitai", " abc123 ")
    assert Keys(path).get("civitai") == "abc123"
    assert Keys(path).get("huggingface") is None
    assert path.stat().st_mode & 0o077 == 0


def test_an_empty_key_is_forgotten(tmp_path):
    keys = Keys(tmp_path / "keys.json")
    keys.change("civitai", "abc")
    keys.change("civitai", "")
    assert keys.get("civitai") is None
    assert Keys(tmp_path / "keys.json").get("civitai") is None


@pytest.mark.parametrize("key", ["a b", "a\r\nX-Other: 1", "ключ", "x" * 501])
def test_what_can_be_no_key_is_refused(tmp_path, key):
    with pytest.raises(InvalidRequest):
        Keys(tmp_path / "keys.json").change("civitai", key)


@pytest.mark.parametrize("text", ["", "[", "[1]", '{"civitai": 3}'])
def test_a_damaged_file_holds_no_keys(tmp_path, text):
    path = tmp_path / "keys.json"
    path.write_text(text)
    assert Keys(path).get("civitai") is None
