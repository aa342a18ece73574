"""From the fields of the Extras tab to a request."""

from pathlib import Path

import pytest
from PIL import Image

from tests.captioners import make_tagger
from webui.core.errors import InvalidRequest, ModelNotFound, UnusableFile
from webui.core.settings import Settings
from webui.core.work.extras_request import ExtrasImage
from webui.store.pictures.inputs import Inputs
from webui.ui.forms.extras import (
    BATCH,
    DEFAULTS,
    DIRECTORY,
    SCALE_TO,
    SINGLE,
    extras_request,
    given_pictures,
)

PICTURE = ExtrasImage(image="a" * 64, name="cat.png")


def request_of(**fields):
    return extras_request(DEFAULTS | fields, [PICTURE], Settings(), Path("models"))


def test_the_defaults_ask_for_a1111s_defaults():
    request = request_of()
    assert request.images == (PICTURE,)
    assert (request.upscaling.mode, request.upscaling.scale, request.upscaling.upscaler_1) == (
        "by",
        4,
        "None",
    )
    assert request.faces.gfpgan_visibility == request.faces.codeformer_visibility == 0
    assert (request.split, request.focal_crop, request.flipped_copies) == (None, None, ())
    assert (request.tile, request.tile_overlap) == (192, 8)
    assert not request.keep_names


def test_a_part_that_is_not_ticked_does_nothing():
    parts = {"gfpgan": True, "codeformer": True, "split": True, "focal": True, "flip": True, "upscale": True}
    ticked = request_of(**parts)
    assert ticked.faces.gfpgan_visibility == ticked.faces.codeformer_visibility == 1
    assert ticked.split and ticked.focal_crop and ticked.flipped_copies == ("Horizontal",)
    assert ticked.upscaling.enabled
    without = request_of(**dict.fromkeys(parts, False))
    assert without.faces.gfpgan_visibility == without.faces.codeformer_visibility == 0
    assert (without.split, without.focal_crop, without.flipped_copies) == (None, None, ())
    assert not without.upscaling.enabled


def test_the_chosen_strip_says_how_the_size_is_told():
    upscaling = request_of(resize_tab=SCALE_TO, width=640, height=480, crop=False).upscaling
    assert (upscaling.mode, upscaling.width, upscaling.height, upscaling.crop) == ("to", 640, 480, False)


def test_a_folder_is_read_only_in_its_mode():
    folder = request_of(mode=DIRECTORY, input_dir="/in", output_dir="/out", show_results=False)
    assert (folder.images, folder.input_folder, folder.output_folder) == ((), "/in", "/out")
    assert folder.keep_names and not folder.show_results
    other = request_of(mode=BATCH, input_dir="/in", output_dir="/out", show_results=False)
    assert (other.images, other.input_folder, other.output_folder) == ((PICTURE,), "", "")
    assert other.keep_names and other.show_results


@pytest.mark.parametrize(("mode", "words"), [(DIRECTORY, "input directory is empty"), (SINGLE, "no picture")])
def test_without_pictures_it_says_what_is_missing(mode, words):
    with pytest.raises(InvalidRequest, match=words):
        extras_request(DEFAULTS | {"mode": mode}, [], Settings(), Path("models"))


def test_a_wrong_number_is_named():
    with pytest.raises(InvalidRequest, match="scale"):
        request_of(scale=-1)


def upload(folder, name: str, data: bytes | None = None) -> dict[str, str]:
    path = folder / f"0{name}"
    if data is None:
        Image.new("RGB", (3, 3)).save(path, "PNG")
    else:
        path.write_bytes(data)
    return {"path": str(path), "orig_name": name}


def test_a_batch_goes_on_without_the_files_that_are_no_pictures(tmp_path):
    files = [upload(tmp_path, "a.png"), upload(tmp_path, "b.png", b"no picture")]
    pictures, problems = given_pictures(BATCH, None, files, Inputs(tmp_path / "inputs"))
    assert [picture.name for picture in pictures] == ["a.png"]
    assert len(problems) == 1
    assert problems[0].startswith("b.png: ")


def test_a_single_file_that_is_no_picture_is_refused(tmp_path):
    with pytest.raises(UnusableFile, match="not a picture"):
        given_pictures(SINGLE, upload(tmp_path, "b.png", b"no picture"), None, Inputs(tmp_path / "inputs"))


def test_only_the_chosen_modes_pictures_are_taken(tmp_path):
    image, files = upload(tmp_path, "a.png"), [upload(tmp_path, "b.png")]
    inputs = Inputs(tmp_path / "inputs")
    names = {
        mode: [each.name for each in given_pictures(mode, image, files, inputs)[0]]
        for mode in (SINGLE, BATCH)
    }
    assert names == {SINGLE: ["a.png"], BATCH: ["b.png"]}
    assert given_pictures(DIRECTORY, image, files, inputs) == ([], [])


def test_captions_are_asked_of_what_is_here_and_missed_where_nothing_is(tmp_path):
    tagger = make_tagger(tmp_path / "WD" / "tiny")
    asked = {"caption": True, "caption_by": ["Deepbooru"]}
    request = extras_request(DEFAULTS | asked, [PICTURE], Settings(), tmp_path)
    assert request.captions is not None
    (found,) = request.captions.captioners
    assert found.endswith(tagger.name)
    for unasked in ({"caption": False}, {"caption_by": []}):
        assert extras_request(DEFAULTS | asked | unasked, [PICTURE], Settings(), tmp_path).captions is None
    with pytest.raises(ModelNotFound, match="no captioner here yet"):
        extras_request(DEFAULTS | asked | {"caption_by": ["BLIP"]}, [PICTURE], Settings(), tmp_path)
