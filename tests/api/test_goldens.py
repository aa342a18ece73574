"""The same request through the API gives A1111's latent, A1111's picture and A1111's infotext."""

import json
from collections import Counter

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.golden_cases import (
    FAMILIES,
    GOLDENS,
    GoldenCase,
    all_golden_cases,
    decoded,
    golden_cases,
    pixels,
    without_version,
)
from webui.store.pictures.latents import FinishedBatch

MOST_LEVELS_OFF, MEAN_LEVELS_OFF = 2, 0.02
# Of A1111's latents, by the largest value.
LATENT_OFF = 1e-3
# DPM adaptive chooses its steps by its error, which magnifies rounding: noise that differs by 1e-7 gives a
# latent that differs by 3e-3, whatever the kernels.
CHAOTIC_MEAN_LEVELS_OFF, CHAOTIC_LATENT_OFF = 0.3, 1e-2
# Between the passes of hires fix the picture is cut off to 8 bits: latents that differ by 5e-6 differ by
# a level in one pixel of 3,000, and the second pass carries that on.
ROUNDED_MEAN_LEVELS_OFF, ROUNDED_LATENT_OFF = 0.1, 1e-2
# Of a sheet with a legend: FreeType, which draws the letters, moves a dot by a pixel from version to version.
LEGEND_MEAN_OFF = 0.3


@pytest.fixture
def finished(exact_services, monkeypatch) -> list[FinishedBatch]:
    """Batches as the sampler left them, as they are kept before they are decoded."""
    batches, keeping = [], exact_services.latents.store

    def noted(batch, limits):
        batches.append(batch)
        return keeping(batch, limits)

    monkeypatch.setattr(exact_services.latents, "store", noted)
    return batches


@pytest.mark.slow
@pytest.mark.parametrize("case", golden_cases(), ids=str)
def test_the_latent_the_picture_and_its_infotext_are_those_of_a1111(
    case: GoldenCase, exact_api: TestClient, finished: list[FinishedBatch]
):
    exact_api.post(
        "/sdapi/v1/options", json={"sd_model_checkpoint": FAMILIES[case.family]}
    ).raise_for_status()
    answer = exact_api.post(case.data["endpoint"], json=case.payload)
    assert answer.status_code == 200, answer.text
    most_latent, most_mean = most_off(case)
    batch, expected = finished[-1], case.latent
    latent = np.frombuffer(batch.data, np.dtype("<f4")).reshape(batch.shape)
    # A1111 decodes the pictures of a hires batch one by one; the golden then is the last.
    assert np.abs(latent[-len(expected) :] - expected).max() <= most_latent * np.abs(expected).max()
    made = [decoded(picture) for picture in answer.json()["images"]]
    assert len(made) == len(case.pictures)
    info = json.loads(answer.json()["info"])
    sheets = info["index_of_first_image"]
    assert sheets == case.data["info"]["index_of_first_image"]
    for picture, given in zip(made, case.pictures, strict=True):
        difference = np.abs(pixels(picture) - given)
        if any(picture is sheet for sheet in made[:sheets]):
            # The pictures on it are right of the legend, and below it.
            assert difference.mean() <= LEGEND_MEAN_OFF
            difference = difference[-2 * case.payload["height"] :, -2 * case.payload["width"] :]
        assert difference.max() <= MOST_LEVELS_OFF
        assert difference.mean() <= most_mean
    assert [without_version(text) for text in info["infotexts"]] == case.infotexts
    # A plot answers with its sheet alone, and tells the infotexts of its cells too.
    written = [without_version(picture.info["parameters"]) for picture in made]
    assert written == case.infotexts[: len(made)]


def most_off(case: GoldenCase) -> tuple[float, float]:
    """How far a latent may be off, and a picture on average."""
    if case.payload.get("sampler_name") == "DPM adaptive":
        return CHAOTIC_LATENT_OFF, CHAOTIC_MEAN_LEVELS_OFF
    if case.payload.get("hr_upscaler") in ("None", "Lanczos", "Nearest"):
        return ROUNDED_LATENT_OFF, ROUNDED_MEAN_LEVELS_OFF
    return LATENT_OFF, MEAN_LEVELS_OFF


def test_every_golden_runs():
    every, run = all_golden_cases(), golden_cases()
    assert Counter(case.family for case in every) == {"sd15": 158, "sdxl": 16, "sd2v": 13}
    assert len(run) == len(every)


def test_every_file_of_the_goldens_belongs_to_a_case():
    for family in FAMILIES:
        cases = [case.data for case in all_golden_cases() if case.family == family]
        named = {
            name for case in cases for name in (*case["images"], case["latent"], case.get("extra")) if name
        }
        there = {path.name for path in (GOLDENS / family).iterdir()} - {"cases.json"}
        assert there == named, family
