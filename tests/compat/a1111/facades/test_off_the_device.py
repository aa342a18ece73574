"""The same names on another thread than the device's: they queue a job and wait."""

import threading

import numpy as np
import pytest
from PIL import Image

from webui.compat.a1111.facades import running_context
from webui.core.errors import InvalidRequest, WebuiError


@pytest.fixture
def served(host, exact_services, exact_api):
    """The host of a server whose device thread runs; calls come from the test's own thread."""
    host.services, host.root = exact_services, exact_services.paths.root
    yield host
    running_context.forget()


def test_pictures_are_enlarged_by_a_job(served):
    from modules import shared

    nearest = next(each for each in shared.sd_upscalers if each.name == "Nearest")
    assert nearest.scaler.upscale(Image.new("RGB", (16, 16), "red"), 2, None).getpixel((3, 3)) == (255, 0, 0)
    from webui.compat.a1111.facades import picture_networks

    made = picture_networks.upscale(Image.new("RGB", (16, 16), "red"), 2, "Lanczos")
    assert (made.size, made.getpixel((3, 3))) == ((32, 32), (255, 0, 0))


def test_what_is_missing_is_told_in_the_sentence_of_the_job(served):
    from modules import face_restoration, interrogate, shared

    codeformer = next(each for each in shared.face_restorers if each.name() == "CodeFormer")
    with pytest.raises(WebuiError, match="models/Codeformer"):
        codeformer.restore(np.zeros((8, 8, 3), np.uint8))
    assert face_restoration.FaceRestoration().restore(1) == 1
    assert interrogate.InterrogateModels().interrogate(Image.new("RGB", (8, 8))).startswith("<error> ")


def test_nothing_waits_for_a_job_on_the_thread_that_saves(served):
    from webui.compat.a1111.facades import picture_networks

    refused = []

    def upscale():
        try:
            picture_networks.upscale(Image.new("RGB", (8, 8)), 2, "Lanczos")
        except InvalidRequest as error:
            refused.append(str(error))

    saver = threading.Thread(target=upscale, name="saver")
    saver.start()
    saver.join(60)
    assert len(refused) == 1


def test_a_checkpoint_is_loaded_by_a_job(served, exact_services):
    from modules import sd_models, shared

    model = sd_models.load_model()
    assert model is shared.sd_model
    assert model.sd_checkpoint_info == sd_models.select_checkpoint()
    sd_models.unload_model_weights()
