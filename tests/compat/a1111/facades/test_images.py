"""`modules.images`: saving, reading, resizing, grids."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from webui.compat.a1111.facades.tiles import combine_grid, split_grid
from webui.pipelines.img2img.resize import resize


@pytest.fixture
def images(ready_host):
    from modules import images

    return images


def picture(width=24, height=16, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def test_a_saved_picture_is_read_back_with_its_infotext_and_pixels(images, tmp_path):
    image = picture()
    path, text = images.save_image(
        image, str(tmp_path / "out"), "", 7, "a cat, best", "png", info="a cat\nSteps: 3", save_to_dirs=False,
        existing_info={"other": "kept"},
    )  # fmt: skip
    assert text is None
    assert path.endswith("00000-7.png")
    with Image.open(path) as read:
        assert np.array_equal(np.asarray(read), np.asarray(image))
        assert images.read_info_from_image(read) == ("a cat\nSteps: 3", {"other": "kept"})
    assert image.already_saved_as == path


def test_numbers_count_up_by_basename_and_in_the_folder_of_the_pattern(images, ready_host):
    ready_host.services.settings.change({"directories_filename_pattern": "[prompt_words]"})
    first, second = (
        images.save_image(picture(), "out", "", 7, "a cat", "png", save_to_dirs=True)[0] for _ in range(2)
    )
    assert first == str(ready_host.root / "out" / "a cat" / "00000-7.png")
    assert second == str(ready_host.root / "out" / "a cat" / "00001-7.png")
    grid = images.save_image(picture(), "out", "grid", extension="png", grid=True, save_to_dirs=False)[0]
    assert grid == str(ready_host.root / "out" / "grid-0000.png")
    assert images.get_next_sequence_number(ready_host.root / "out", "grid") == 1
    assert images.get_next_sequence_number(ready_host.root / "nowhere", "") == 0


@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "avif"])
def test_the_infotext_comes_back_from_every_format(images, tmp_path, extension):
    path, _ = images.save_image(
        picture(), tmp_path, "", 1, "p", extension, info="日本\nSteps: 1", save_to_dirs=False
    )
    with Image.open(path) as read:
        assert images.read_info_from_image(read)[0] == "日本\nSteps: 1"


def test_a_forced_name_replaces_or_gets_a_number_as_the_settings_say(images, ready_host, tmp_path):
    def save():
        return images.save_image(picture(), tmp_path, "", forced_filename="mine", save_to_dirs=False)[0]

    assert [save(), save()] == [str(tmp_path / "mine.png")] * 2
    ready_host.services.settings.change({"save_images_replace_action": "Add number suffix"})
    assert save() == str(tmp_path / "mine-1.png")


def test_the_text_file_is_written_where_the_settings_want_it(images, ready_host, tmp_path):
    ready_host.services.settings.change({"save_txt": True})
    path, text = images.save_image(picture(), tmp_path, "", 1, "p", info="info", save_to_dirs=False)
    assert text == path.removesuffix("png") + "txt"
    assert (tmp_path / text).read_text() == "info\n"


def test_callbacks_change_path_pixels_and_texts_and_hear_of_the_file(images, tmp_path):
    from modules import script_callbacks

    heard = []

    def change(params):
        params.image = picture(8, 8)
        params.filename = str(tmp_path / "elsewhere" / "x.png")
        params.pnginfo["mine"] = "yes"

    script_callbacks.on_before_image_saved(change)
    script_callbacks.on_image_saved(lambda params: heard.append(params.filename))
    path, _ = images.save_image(picture(), tmp_path, "", 1, "p", info="i", save_to_dirs=False)
    assert path == str(tmp_path / "elsewhere" / "x.png")
    assert heard == [path]
    with Image.open(path) as read:
        assert read.size == (8, 8)
        assert read.info["mine"] == "yes"


def test_a_prompt_of_separators_stays_in_its_folder(images, tmp_path, ready_host):
    ready_host.services.settings.change({"samples_filename_pattern": "[prompt]"})
    path, _ = images.save_image(picture(), tmp_path / "out", "", 1, "../../x/y", save_to_dirs=False)
    assert (tmp_path / "out").samefile(path.rpartition("/")[0])


def test_patterns_tell_of_the_processing_object(images):
    class P:
        prompt, negative_prompt, steps, cfg_scale = "a dog", "", 12, 6.5
        sampler_name, scheduler, batch_size, n_iter, seed = "Euler", "Automatic", 1, 1, 3
        all_seeds = (3,)

    generator = images.FilenameGenerator(P(), 3, "a dog", picture())
    assert (
        generator.apply("[seed]-[steps]-[cfg]-[sampler]-[width]x[height]-[prompt]")
        == "3-12-6.5-Euler-24x16-a_dog"
    )
    assert generator.apply("[nothing_known]") == "[nothing_known]"


def test_pictures_of_other_programs_are_read_too(images, tmp_path):
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("parameters", "x\nSteps: 1")
    picture().save(tmp_path / "a.png", pnginfo=chunks)
    assert images.image_data((tmp_path / "a.png").read_bytes()) == ("x\nSteps: 1", None)
    assert images.image_data(b"just text") == ("just text", None)


@pytest.mark.parametrize("mode", [0, 1, 2])
def test_resizing_is_our_own(images, mode):
    modes = ("Just resize", "Crop and resize", "Resize and fill")
    given, expected = picture(40, 20), resize(picture(40, 20), 32, 32, modes[mode])
    made = images.resize_image(mode, given, 32, 32, "None")
    assert np.array_equal(np.asarray(made), np.asarray(expected))


@given(st.integers(16, 120), st.integers(16, 120), st.integers(8, 48), st.integers(0, 7))
def test_a_picture_cut_into_tiles_is_joined_to_itself(width, height, side, overlap):
    tile = min(side, width), min(side, height)
    image = picture(width, height)
    joined = combine_grid(split_grid(image, *tile, overlap))
    difference = np.abs(np.asarray(joined, int) - np.asarray(image, int))
    assert difference.max() <= 2


def test_a_grid_has_room_for_what_stands_beside_it(images):
    sheet = images.image_grid([picture(64, 64, n) for n in range(4)], rows=2)
    assert sheet.size == (128, 128)
    texts = [[images.GridAnnotation("one")], [images.GridAnnotation("two")]]
    drawn = images.draw_grid_annotations(sheet, 64, 64, texts, texts)
    assert drawn.width > 128 < drawn.height
    below = drawn.crop((drawn.width - 128, drawn.height - 128, drawn.width, drawn.height))
    assert np.array_equal(np.asarray(below), np.asarray(sheet))
    assert images.draw_prompt_matrix(sheet, 64, 64, ["a", "b", "c"]).size == drawn.size
