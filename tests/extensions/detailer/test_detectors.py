"""Detectors and masks: what is found, what counts, and files that are refused."""

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from extensions.detailer.detectors import Frame, find_detector, load_detector, read_rows, sort_outputs
from extensions.detailer.masks import Detection, make_masks
from extensions.detailer.part import Detailer, DetailerUnit
from tests.extensions.detailer.detector_file import bright_squares, pickle_that_runs_code
from webui.plugins import InvalidRequest, NotFound, UnusableFile


@pytest.fixture
def models(tmp_path):
    (tmp_path / "adetailer").mkdir()
    (tmp_path / "adetailer" / "bright.onnx").write_bytes(bright_squares())
    return tmp_path


def test_the_brightest_square_is_found_where_it_is(models):
    image = Image.new("RGB", (200, 100), "black")
    ImageDraw.Draw(image).rectangle((100, 50, 119, 69), fill="white")
    found = load_detector(find_detector("bright", models)).find(image, 0.5)
    # 200 pixels are 640 there: squares of 20 pixels.
    (best,) = found
    assert best.box == pytest.approx((100, 50, 120, 70))
    assert best.confidence > 0.9


def test_detectors_are_found_by_name_only_in_their_folder(models):
    (models / "secret.onnx").write_bytes(b"x")
    for name in ("../secret.onnx", "../secret", str(models / "secret.onnx"), "nothing", ""):
        with pytest.raises(NotFound, match=r"bright\.onnx"):
            find_detector(name, models)
    assert find_detector("bright.pt", models) == find_detector("BRIGHT.onnx", models)


def test_pickles_are_not_read(models):
    (models / "adetailer" / "face_yolov8n.pt").write_bytes(pickle_that_runs_code(str(models / "PWNED")))
    with pytest.raises(UnusableFile, match="yolo export model=face_yolov8n"):
        find_detector("face_yolov8n.pt", models)
    assert not (models / "PWNED").exists()


@pytest.mark.parametrize("data", [b"", b"nothing", bright_squares()[:400]])
def test_broken_files_are_refused(models, data):
    (models / "adetailer" / "broken.onnx").write_bytes(data)
    with pytest.raises(UnusableFile, match=r"broken\.onnx"):
        load_detector(find_detector("broken", models)).find(Image.new("RGB", (64, 64)), 0.3)


def test_outlines_of_segmenting_networks_are_read():
    image = Image.new("RGB", (640, 320))
    prototypes = np.full((2, 160, 160), -1, np.float32)
    prototypes[1, :, 80:] = 1
    rows = np.zeros((8, 7), np.float32)
    rows[3] = (320, 320, 320, 200, 0.9, 0, 1)
    found = read_rows(*sort_outputs([rows.T[None], prototypes[None]], "x"), Frame.of(image), 0.5)
    (only,) = found
    assert only.box == pytest.approx((160, 60, 480, 260))
    left, _, right, _ = only.outline.getbbox()
    assert (left, right) == (pytest.approx(320, abs=4), 481)


def test_rows_that_are_chosen_already_are_read():
    rows = np.zeros((300, 6), np.float32)
    rows[0] = (10, 20, 110, 220, 0.8, 3)
    (only,) = read_rows(*sort_outputs([rows[None]], "x"), Frame.of(Image.new("RGB", (640, 640))), 0.5)
    assert only.box == (10, 20, 110, 220)


def boxes_of(masks) -> list[tuple[int, int, int, int]]:
    return [mask.getbbox() for mask in masks]


FOUND = [
    Detection((10, 10, 19, 19), 0.9),
    Detection((30, 30, 59, 59), 0.8),
    Detection((60, 0, 64, 4), 0.4),
    Detection((0, 0, 99, 99), 0.2),
]


def masks_of(**fields):
    return make_masks(FOUND, (100, 100), DetailerUnit(**{"model": "x", "dilate_erode": 0} | fields))


def test_confidence_area_and_the_first_k_choose():
    assert boxes_of(masks_of()) == [(10, 10, 20, 20), (30, 30, 60, 60), (60, 0, 65, 5)]
    assert len(masks_of(confidence=0)) == 4
    assert boxes_of(masks_of(mask_min_ratio=0.005, mask_max_ratio=0.05)) == [(10, 10, 20, 20)]
    assert boxes_of(masks_of(mask_k=1)) == [(30, 30, 60, 60)]
    assert boxes_of(masks_of(mask_k=1, mask_filter_method="Confidence")) == [(10, 10, 20, 20)]


def test_masks_are_moved_grown_joined_and_turned_round():
    (moved, *_) = masks_of(x_offset=5, y_offset=3)
    assert moved.getbbox() == (15, 7, 25, 17)
    (grown, *_) = masks_of(dilate_erode=4)
    expected = cv2.dilate(np.asarray(masks_of()[0]), np.ones((4, 4), np.uint8))
    assert (np.asarray(grown) == expected).all()
    assert len(masks_of(dilate_erode=-8)) == 2
    (merged,) = masks_of(mask_merge_invert="Merge")
    assert merged.getbbox() == (10, 0, 65, 60)
    (inverted,) = masks_of(mask_merge_invert="Merge and Invert")
    assert (np.asarray(inverted) == 255 - np.asarray(merged)).all()


def test_adetailers_arguments_and_infotext_are_read():
    first = {
        "ad_model": "face.pt",
        "ad_prompt": "a [SEP] b, c: d",
        "ad_confidence": 0.5,
        "ad_controlnet_model": "x",
    }
    second = {"ad_model": "hand.onnx", "ad_use_steps": True, "ad_steps": 9, "ad_mask_k_largest": 2}
    part = Detailer.from_args([True, False, first, second, {"ad_model": "None"}])
    assert (part.units[0].prompt, part.units[1].steps, part.units[1].mask_k) == ("a [SEP] b, c: d", 9, 2)
    written = part.to_infotext()
    assert written["ADetailer model"] == "face.pt"
    assert written["ADetailer model 2nd"] == "hand.onnx"
    assert written["ADetailer steps 2nd"] == "9"
    again = Detailer.from_infotext(written)
    assert again.units == part.units[:2]
    assert Detailer.from_args([first]).enabled
    assert not Detailer.from_args([{"ad_model": "None"}]).is_active
    with pytest.raises(InvalidRequest, match="confidence"):
        Detailer.from_args([{"ad_model": "x", "ad_confidence": 3}])
