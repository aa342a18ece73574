import json
import logging
import threading
from pathlib import Path

import pytest

from webui.core.errors import InvalidRequest, NotFound
from webui.core.settings import Settings
from webui.store.settings_file import SettingsFile, read_options, sort_options


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "settings.json"


def write(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_without_a_file_all_is_default_and_none_is_made(path):
    assert SettingsFile(path).current == Settings()
    assert not path.exists()


def test_a_change_is_saved_by_A1111s_keys_and_found_again(path):
    file = SettingsFile(path)
    before = file.current
    file.change({"samples_format": "webp", "CLIP_stop_at_last_layers": 2, "quicksettings_list": ["sd_vae"]})
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "CLIP_stop_at_last_layers": 2,
        "samples_format": "webp",
        "quicksettings_list": ["sd_vae"],
    }
    assert before.saving.samples_format == "png"
    assert SettingsFile(path).current == file.current
    assert file.current.image.clip_skip == 2


def test_an_option_set_back_to_its_default_leaves_the_file(path):
    file = SettingsFile(path)
    file.change({"jpeg_quality": 90})
    file.change({"jpeg_quality": 80})
    assert json.loads(path.read_text(encoding="utf-8")) == {}


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"jpeg_quality": 90, "jpeg_qualty": 1}, NotFound),
        ({"samples_save": False, "n_rows": "many"}, InvalidRequest),
    ],
)
def test_a_wrong_option_changes_nothing_at_all(path, options, error):
    file = SettingsFile(path)
    with pytest.raises(error):
        file.change(options)
    assert file.current == Settings()
    assert not path.exists()


def test_unknown_keys_and_wrong_values_stay_in_the_file_and_are_told(path, caplog):
    write(path, '{"future": [1], "jpeg_quality": 900, "samples_format": "jpg"}')
    with caplog.at_level(logging.WARNING):
        file = SettingsFile(path)
    assert file.current == Settings().changed({"samples_format": "jpg"})
    assert len(file.messages) == len(caplog.messages) == 2
    assert "future" in file.messages[0]
    assert "jpeg_quality is 900" in file.messages[1]
    file.change({"n_rows": 2})
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "future": [1], "jpeg_quality": 900, "samples_format": "jpg", "n_rows": 2,
    }  # fmt: skip
    file.change({"jpeg_quality": 70})
    assert json.loads(path.read_text(encoding="utf-8"))["jpeg_quality"] == 70


@pytest.mark.parametrize("text", ["{", "", "[1]", "\0", '"x"', "[" * 100_000])
def test_a_file_that_cannot_be_read_is_kept_aside(path, text):
    write(path, text)
    file = SettingsFile(path)
    assert file.current == Settings()
    assert "kept as settings.json.broken" in file.messages[0]
    assert (path.parent / "settings.json.broken").read_text(encoding="utf-8") == text
    write(path, text)
    SettingsFile(path)
    assert (path.parent / "settings.json.broken-2").exists()


def test_an_edit_by_hand_is_not_lost_at_the_next_change(path):
    file = SettingsFile(path)
    file.change({"n_rows": 2})
    write(path, '{"n_rows": 2, "jpeg_quality": 77}')
    file.change({"samples_format": "webp"})
    assert file.current.saving.jpeg_quality == 77
    assert SettingsFile(path).current == file.current


def test_a_file_saved_by_windows_notepad_is_read(path):
    path.parent.mkdir()
    path.write_bytes(b'\xef\xbb\xbf{"n_rows": 3}')
    assert SettingsFile(path).current.saving.n_rows == 3


def test_changes_from_many_threads_all_count(path):
    file = SettingsFile(path)
    keys = ["samples_save", "grid_save", "save_to_dirs", "export_for_4chan", "send_seed", "send_size"]
    threads = [threading.Thread(target=file.change, args=({key: False},)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert json.loads(path.read_text(encoding="utf-8")) == dict.fromkeys(keys, False)


def test_the_options_of_A1111_are_taken_over(tmp_path, request):
    golden = json.loads(
        (request.config.rootpath / "tests" / "goldens" / "api" / "options.json").read_text(encoding="utf-8")
    )
    config = tmp_path / "config.json"
    config.write_text(json.dumps(golden | {"samples_format": "jpeg", "jpeg_quality": 0}), encoding="utf-8")
    imported = sort_options(read_options(config), Settings())
    assert imported.options["samples_format"] == "jpg"
    assert imported.options["live_previews_image_format"] == golden["live_previews_image_format"]
    assert "grid_background_color" in imported.unknown
    assert [sentence for sentence in imported.refused if "jpeg_quality" in sentence] == list(imported.refused)
    assert set(imported.options) | set(imported.unknown) | {"jpeg_quality"} >= {
        key for key, value in golden.items() if value is not None
    }
    # The same file in the place of our own.
    assert SettingsFile(config).current == Settings().changed(imported.options)
    assert SettingsFile(config).current.saving.samples_format == "jpg"


def test_values_under_other_keys_are_kept_beside_the_settings_and_told(tmp_path: Path):
    file = SettingsFile(tmp_path / "settings.json")
    told: list[list[str]] = []
    file.listen(told.append)
    file.keep_others({"own_a": 1, "own_b": [2]})
    file.change({"samples_save": False})
    file.keep_others({"own_a": 3, "own_b": [2]})
    assert told == [["own_a", "own_b"], ["samples_save"], ["own_a"]]
    again = SettingsFile(tmp_path / "settings.json")
    assert dict(again.others) == {"own_a": 3, "own_b": [2]}
    assert again.current.saving.samples_save is False


def test_a_value_that_is_no_json_is_refused_and_the_file_stays(tmp_path: Path):
    file = SettingsFile(tmp_path / "settings.json")
    file.keep_others({"own": 1})
    for value in (object(), float("nan"), {1, 2}):
        with pytest.raises(InvalidRequest, match="own"):
            file.keep_others({"own": value})
    assert dict(SettingsFile(tmp_path / "settings.json").others) == {"own": 1}


def test_frozen_settings_keep_no_other_values(tmp_path: Path):
    file = SettingsFile(tmp_path / "settings.json", frozen=True)
    with pytest.raises(InvalidRequest, match="frozen"):
        file.keep_others({"own": 1})
    assert not (tmp_path / "settings.json").exists()
