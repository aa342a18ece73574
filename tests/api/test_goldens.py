"""The same request through the API gives A1111's picture and A1111's infotext."""

import json

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.golden_cases import FAMILIES, GoldenCase, decoded, pixels, txt2img_cases, without_version

MOST_LEVELS_OFF, MEAN_LEVELS_OFF = 2, 0.02
# DPM adaptive chooses its steps by its error, which magnifies rounding: noise that differs by 1e-7 gives a
# latent that differs by 3e-3, whatever the kernels.
CHAOTIC_MEAN_LEVELS_OFF = 0.3


@pytest.mark.slow
@pytest.mark.parametrize("case", txt2img_cases(), ids=str)
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
        is_chaotic = case.payload.get("sampler_name") == "DPM adaptive"
        assert difference.mean() <= (CHAOTIC_MEAN_LEVELS_OFF if is_chaotic else MEAN_LEVELS_OFF)
    info = json.loads(answer.json()["info"])
    assert [without_version(text) for text in info["infotexts"]] == case.infotexts
    assert [without_version(picture.info["parameters"]) for picture in made] == case.infotexts


def test_every_kind_of_case_is_there():
    assert {case.family for case in txt2img_cases()} == set(FAMILIES)
    assert len(txt2img_cases()) >= 95
