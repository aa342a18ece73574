"""The same request through the API gives A1111's picture and A1111's infotext."""

import json

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.golden_cases import FAMILIES, GoldenCase, decoded, golden_cases, pixels, without_version

MOST_LEVELS_OFF, MEAN_LEVELS_OFF = 2, 0.02
# DPM adaptive chooses its steps by its error, which magnifies rounding: noise that differs by 1e-7 gives a
# latent that differs by 3e-3, whatever the kernels.
CHAOTIC_MEAN_LEVELS_OFF = 0.3
# Between the passes of hires fix the picture is cut off to 8 bits: latents that differ by 5e-6 differ by
# a level in one pixel of 3,000, and the second pass carries that on.
ROUNDED_MEAN_LEVELS_OFF = 0.1


@pytest.mark.slow
@pytest.mark.parametrize("case", golden_cases(), ids=str)
def test_the_picture_and_its_infotext_are_those_of_a1111(case: GoldenCase, exact_api: TestClient):
    exact_api.post(
        "/sdapi/v1/options", json={"sd_model_checkpoint": FAMILIES[case.family]}
    ).raise_for_status()
    answer = exact_api.post(case.data["endpoint"], json=case.payload)
    assert answer.status_code == 200, answer.text
    made = [decoded(picture) for picture in answer.json()["images"]]
    assert len(made) == len(case.pictures)
    for picture, expected in zip(made, case.pictures, strict=True):
        difference = np.abs(pixels(picture) - expected)
        assert difference.max() <= MOST_LEVELS_OFF
        assert difference.mean() <= mean_levels_off(case)
    info = json.loads(answer.json()["info"])
    assert [without_version(text) for text in info["infotexts"]] == case.infotexts
    assert [without_version(picture.info["parameters"]) for picture in made] == case.infotexts


def mean_levels_off(case: GoldenCase) -> float:
    """How far a picture may be off on average."""
    if case.payload.get("sampler_name") == "DPM adaptive":
        return CHAOTIC_MEAN_LEVELS_OFF
    has_pixels_between = case.payload.get("hr_upscaler") in ("None", "Lanczos", "Nearest")
    return ROUNDED_MEAN_LEVELS_OFF if has_pixels_between else MEAN_LEVELS_OFF


def test_every_kind_of_case_is_there():
    assert {case.family for case in golden_cases()} == set(FAMILIES)
    assert len(golden_cases()) >= 160
