import errno
import os
import threading
from datetime import UTC, datetime

import pytest
from PIL import Image

from webui.core.errors import StorageError
from webui.core.request import GenerationRequest
from webui.core.settings import Folders, Saving
from webui.store.pictures.filenames import NameFacts
from webui.store.pictures.images import ImageFiles, picture_folder
from webui.store.reading import open_picture, read_infotext
from webui.store.texts.encoding import PictureNotes

IMAGE = Image.effect_noise((32, 24), 90).convert("RGB")
NOTES = PictureNotes("a fox\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42")
TODAY = datetime(2024, 3, 9, 12, 0, tzinfo=UTC)
FACTS = NameFacts(GenerationRequest(prompt="a fox: red", seed=42), seed=42, now=TODAY)


def names_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def save(tmp_path, *, image=IMAGE, facts=FACTS, notes=NOTES, files=None, **saving):
    return (files or ImageFiles(tmp_path)).save(image, notes, facts, Saving(**saving), "out")


def test_a_picture_gets_A1111s_name_in_A1111s_folder(tmp_path):
    saved = save(tmp_path)
    assert saved.path == tmp_path / "out" / "2024-03-09" / "00000-42.png"
    assert names_in(tmp_path) == ["out/2024-03-09/00000-42.png"]
    assert read_infotext(saved.path) == (NOTES.infotext, {})
    assert open_picture(saved.path).tobytes() == IMAGE.tobytes()


def test_without_folders_the_prompt_stands_in_the_name(tmp_path):
    assert save(tmp_path, save_to_dirs=False).path == tmp_path / "out" / "00000-42-a fox_ red.png"


def test_without_a_seed_there_is_only_the_number(tmp_path):
    assert save(tmp_path, facts=NameFacts(now=TODAY)).path.name == "00000.png"


def test_a_pattern_that_is_empty_still_gets_a_number(tmp_path):
    saved = save(tmp_path, samples_filename_pattern="[none]", save_images_add_number=False)
    assert saved.path.name == "00000.png"


def test_an_empty_folder_pattern_means_the_words_of_the_prompt(tmp_path):
    saved = save(tmp_path, directories_filename_pattern="", directories_max_prompt_words=2)
    assert saved.path.parent == tmp_path / "out" / "a fox"


def test_an_absolute_folder_is_taken_as_it_is(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    saved = ImageFiles(tmp_path / "root").save(IMAGE, NOTES, FACTS, Saving(save_to_dirs=False), elsewhere)
    assert saved.path.parent == elsewhere


def test_a_picture_without_number_is_replaced_or_numbered_behind(tmp_path):
    plain = {"save_images_add_number": False, "save_to_dirs": False, "samples_filename_pattern": "[seed]"}
    save(tmp_path, **plain)
    replaced = save(tmp_path, image=Image.new("RGB", (8, 8)), **plain)
    assert names_in(tmp_path) == ["out/42.png"]
    assert open_picture(replaced.path).size == (8, 8)
    behind = save(tmp_path, **plain, save_images_replace_action="Add number suffix")
    assert behind.path.name == "42-1.png"
    assert open_picture(replaced.path).size == (8, 8)


def test_grids_count_by_themselves(tmp_path):
    files = ImageFiles(tmp_path)
    for _ in range(2):
        saved = files.save_grid(IMAGE, NOTES, FACTS, Saving(grid_format="jpg"), "out")
    assert saved.path == tmp_path / "out" / "2024-03-09" / "grid-0001.jpg"
    assert files.save_grid(IMAGE, NOTES, FACTS, Saving(grid_save_to_dirs=False), "out").path == (
        tmp_path / "out" / "grid-0000.png"
    )


def test_the_text_file_holds_the_infotext_and_a_line_end(tmp_path):
    saved = save(tmp_path, save_txt=True)
    assert saved.text_path == saved.path.with_suffix(".txt")
    assert saved.text_path.read_bytes() == f"{NOTES.infotext}\n".encode()


def test_a_picture_with_long_sides_gets_a_smaller_copy_as_jpg(tmp_path):
    saved = save(tmp_path, image=Image.new("RGB", (400, 101), "red"), target_side_length=200)
    assert saved.jpg_copy == saved.path.with_suffix(".jpg")
    assert open_picture(saved.jpg_copy).size == (200, 50)
    assert read_infotext(saved.jpg_copy).infotext == NOTES.infotext
    assert open_picture(saved.path).size == (400, 101)


def test_a_large_file_gets_a_copy_of_the_same_size(tmp_path):
    saved = save(tmp_path, img_downscale_threshold=0.001)
    assert open_picture(saved.jpg_copy).size == IMAGE.size


@pytest.mark.parametrize(
    "saving", [{}, {"samples_format": "jpg", "img_downscale_threshold": 0.0001}, {"export_for_4chan": False}]
)
def test_other_pictures_get_no_copy(tmp_path, saving):
    assert save(tmp_path, **saving).jpg_copy is None
    assert len(names_in(tmp_path)) == 1


def test_a_picture_too_large_for_its_format_is_saved_as_png_with_a_warning(tmp_path):
    saved = save(tmp_path, image=Image.new("L", (16_400, 2)), samples_format="webp", export_for_4chan=False)
    assert saved.path.suffix == ".png"
    assert "too large for webp" in saved.warning


def test_an_infotext_too_long_for_jpg_lies_beside_it(tmp_path):
    notes = PictureNotes("x" * 50_000)
    saved = save(tmp_path, notes=notes, samples_format="jpg")
    assert "text file" in saved.warning
    assert read_infotext(saved.path).infotext == notes.infotext


def test_a_full_disk_is_a_sentence_and_leaves_no_part_of_a_picture(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="the disk is full"):
        save(tmp_path)
    with pytest.raises(StorageError, match="the disk is full"):
        save(tmp_path, save_images_add_number=False)
    assert names_in(tmp_path) == []


def test_no_prompt_puts_a_picture_outside_of_its_folder(tmp_path):
    request = GenerationRequest(prompt="../../../etc/x", seed=1)
    facts = NameFacts(request, seed=1, now=TODAY, user="/root", model_name="..")
    pattern = "[prompt]-[user]/../[model_name]"
    saved = save(
        tmp_path, facts=facts, samples_filename_pattern=pattern, directories_filename_pattern=pattern
    )
    assert (tmp_path / "out").resolve() in saved.path.resolve().parents


def test_threads_never_write_over_each_other(tmp_path):
    files, saved = ImageFiles(tmp_path), []
    threads = [
        threading.Thread(target=lambda: saved.extend(save(tmp_path, files=files).path for _ in range(8)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(path.name for path in saved) == [f"{number:05}-42.png" for number in range(32)]
    assert len(names_in(tmp_path)) == 32


def test_the_last_infotext_is_remembered_in_params_txt(tmp_path):
    ImageFiles(tmp_path).remember_last("a fox 狐\r\nSteps: 1")
    assert (tmp_path / "params.txt").read_bytes() == "a fox 狐\r\nSteps: 1".encode()


@pytest.mark.parametrize(
    ("tab", "grid", "folders", "expected"),
    [
        ("txt2img", False, {}, "outputs/txt2img-images"),
        ("img2img", False, {}, "outputs/img2img-images"),
        ("extras", False, {}, "outputs/extras-images"),
        ("txt2img", True, {}, "outputs/txt2img-grids"),
        ("img2img", True, {}, "outputs/img2img-grids"),
        ("img2img", False, {"outdir_samples": "all"}, "all"),
        ("txt2img", True, {"outdir_samples": "all"}, "outputs/txt2img-grids"),
        ("txt2img", True, {"outdir_grids": "sheets"}, "sheets"),
    ],
)
def test_each_tab_has_its_folder(tab, grid, folders, expected):
    assert picture_folder(Folders(**folders), tab, grid=grid) == expected
