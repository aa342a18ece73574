"""From files and folders to a series of img2img requests."""

import pytest
from PIL import Image

from extensions.controlnet.units import ControlNetPart
from webui.core.errors import InvalidRequest
from webui.jobs.img2img_batch import (
    BatchInputs,
    PngInfoChoice,
    find_batch_pictures,
    find_folder,
    find_mask,
    make_series,
)
from webui.store.texts.encoding import PictureNotes, encode

NOTES = "a fox\nNegative prompt: fog\nSteps: 7, Sampler: Euler a, CFG scale: 4.5, Seed: 9, Size: 72x64"


@pytest.fixture
def folder(tmp_path):
    """Three pictures, of which one tells how it was made, and files that are none."""
    for name, size in (("b.png", (64, 96)), ("a.png", (80, 40))):
        Image.new("RGB", size, "red").save(tmp_path / name)
    told = encode(Image.new("RGB", (64, 64)), "png", PictureNotes(NOTES))
    (tmp_path / "c.png").write_bytes(told)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden.png").write_bytes(told)
    return tmp_path


def series(exact_services, batch, **wanted):
    fields = {"model": "tiny-b", "prompt": "sharp", "seed": -1, "width": 64, "height": 64} | wanted
    return make_series(exact_services, batch, fields, {})


def test_pictures_of_a_folder_come_by_name_without_hidden_ones(folder):
    assert [path.name for path in find_batch_pictures(folder, "input directory")] == [
        "a.png",
        "b.png",
        "c.png",
    ]


def test_every_picture_gets_a_request_with_the_same_seed(exact_services, folder):
    made, problems = series(
        exact_services, BatchInputs(find_batch_pictures(folder, "input directory"), output="/out")
    )
    assert problems == []
    assert made.names == ("a.png", "b.png", "c.png")
    assert made.folder == "/out"
    assert len({request.init_images for request in made.requests}) == 3
    assert len({request.seed for request in made.requests}) == 1
    with exact_services.inputs.open(made.requests[0].init_images[0]) as image:
        assert image.size == (80, 40)


def test_wrong_pictures_are_named_and_the_others_go_on(exact_services, folder):
    (folder / "bad.png").write_bytes(b"<html>")
    made, problems = series(exact_services, BatchInputs(find_batch_pictures(folder, "input directory")))
    assert len(made.requests) == 3
    assert len(problems) == 1
    assert "bad.png" in problems[0]


def test_a_batch_of_nothing_but_wrong_pictures_is_refused(exact_services, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"<html>")
    with pytest.raises(InvalidRequest, match=r"bad\.png"):
        series(exact_services, BatchInputs(find_batch_pictures(tmp_path, "input directory")))


def test_scale_multiplies_each_pictures_own_size(exact_services, folder):
    made, _ = series(exact_services, BatchInputs(find_batch_pictures(folder, "input directory"), scale=2))
    assert [(r.width, r.height) for r in made.requests] == [(160, 80), (128, 192), (128, 128)]


def test_parameters_of_a_picture_are_appended_or_replace(exact_services, folder):
    choice = PngInfoChoice(("Prompt", "Negative prompt", "Seed", "Sampler", "Steps"))
    batch = BatchInputs((folder / "a.png", folder / "c.png"), png_info=choice)
    made, _ = series(exact_services, batch, seed=5, cfg_scale=3)
    silent, telling = made.requests
    assert (silent.prompt, silent.seed) == ("sharp", 5)
    assert (telling.prompt, telling.negative_prompt) == ("sharp a fox", "fog")
    assert (telling.seed, telling.sampler, telling.steps) == (9, "Euler a", 7)
    # It was not asked for.
    assert telling.cfg_scale == 3


def test_parameters_may_come_from_pictures_of_the_same_name(exact_services, folder, tmp_path):
    others = tmp_path / "others"
    others.mkdir()
    (others / "a.png").write_bytes((folder / "c.png").read_bytes())
    batch = BatchInputs((folder / "a.png", folder / "b.png"), png_info=PngInfoChoice(("Prompt",), others))
    made, problems = series(exact_services, batch)
    assert [request.prompt for request in made.requests] == ["sharp a fox"]
    assert "b.png" in problems[0]


def test_one_mask_is_for_all_and_several_go_by_name(exact_services, folder):
    one, other = folder / "a.png", folder / "b.png"
    assert find_mask((other,), one) == other
    assert find_mask((other, one), one) == one
    with pytest.raises(InvalidRequest, match=r"no mask for c\.png"):
        find_mask((one, other), folder / "c.png")
    parts = {"inpainting": {"mask": "0" * 64, "padding": 8}}
    masked, _ = series(exact_services, BatchInputs((one,), masks=(other,)), **parts)
    plain, _ = series(exact_services, BatchInputs((one,)), **parts)
    assert masked.requests[0].inpainting.padding == 8
    assert exact_services.inputs.open(masked.requests[0].inpainting.mask).size == (64, 96)
    assert plain.requests[0].inpainting is None


@pytest.mark.parametrize("name", ["/no/such/folder", "a\0b", "x" * 5000])
def test_a_folder_that_is_not_there_is_refused_with_its_name(name):
    with pytest.raises(InvalidRequest, match="not a folder"):
        find_folder(name, "input directory")


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(InvalidRequest, match="no picture in the input directory"):
        find_batch_pictures(tmp_path, "input directory")


def test_each_file_has_the_picture_of_its_place_in_a_units_batch(exact_services, folder, monkeypatch):
    monkeypatch.setitem(exact_services.plugins.parts, ControlNetPart.key, ControlNetPart)
    own = tuple(exact_services.inputs.add_image(Image.new("RGB", (8, 8), (level, 0, 0))) for level in (1, 2))
    units = [{"model": "starter_canny", "batch_images": own}, {"model": "starter_color", "image": own[0]}]
    (folder / "aa.png").write_bytes(b"<html>")
    pictures = find_batch_pictures(folder, "input directory")
    assert [path.name for path in pictures] == ["a.png", "aa.png", "b.png", "c.png"]
    made, _ = series(exact_services, BatchInputs(pictures), extras={"controlnet": {"units": units}})
    parts = [ControlNetPart.of(request) for request in made.requests]
    # The file that is none keeps its place; a unit with fewer pictures begins again.
    assert [part.units[0].image for part in parts] == [own[0], own[0], own[1]]
    assert all(part.batch_size == 1 and part.units[1].image == own[0] for part in parts)
