"""What becomes of results, and of pictures that stand beside them."""

import pytest
from PIL import Image

from webui.core.events import ImageReady, ImageSaved
from webui.core.request import GenerationRequest
from webui.core.settings import Settings
from webui.jobs.job import Delivery, Job
from webui.jobs.saving import PictureSaver
from webui.store.database import IN_MEMORY, Database
from webui.store.last_infotexts import LastInfotexts
from webui.store.pictures.history import History
from webui.store.pictures.images import ImageFiles
from webui.store.reading import open_picture

SETTINGS = Settings().changed({"directories_filename_pattern": "day"})


@pytest.fixture
def history():
    return History(Database(IN_MEMORY))


@pytest.fixture
def saver(tmp_path, history):
    return PictureSaver(ImageFiles(tmp_path), history)


@pytest.fixture
def job():
    return Job(GenerationRequest(prompt="a fox", seed=7), Delivery("img2img"), SETTINGS)


def picture(**kind) -> ImageReady:
    """A small picture of this kind."""
    return ImageReady(
        index=0,
        image=Image.new("RGB", (16, 8), "red"),
        infotext="a fox\nSteps: 20, Sampler: Euler, Seed: 7",
        seed=7,
        variation_seed=0,
        **kind,
    )


def names_in(folder):
    return sorted(path.name for path in folder.rglob("*.png"))


def told(events) -> list[ImageSaved]:
    return [event for event in events if isinstance(event, ImageSaved)]


def test_the_parameters_of_a_picture_are_its_owners(tmp_path, history):
    last = LastInfotexts(Database(IN_MEMORY))
    saver = PictureSaver(ImageFiles(tmp_path), history, last=last)
    for owner, prompt in (("browser:one", "mine"), ("", "of the API")):
        job = Job(GenerationRequest(prompt=prompt), Delivery("txt2img", owner=owner), SETTINGS)
        list(saver.save(picture().model_copy(update={"infotext": prompt}), job))
    assert last.of("browser:one") == "mine"
    assert last.of("") is None


def test_a_result_is_saved_and_told(saver, job, tmp_path, history):
    (saved,) = told(saver.save(picture(latent="1-a"), job))
    assert names_in(tmp_path) == ["00000-7.png"]
    assert (saved.aside, saved.latent) == ("", "1-a")
    assert history.count() == 1


def test_a_picture_beside_has_its_kind_in_its_name_and_no_place_in_the_history(saver, job, tmp_path, history):
    (saved,) = told(saver.save(picture(aside="-mask"), job))
    list(saver.save(picture(), job))
    assert names_in(tmp_path) == ["00000-7-mask.png", "00001-7.png"]
    assert saved.aside == "-mask"
    assert history.count() == 1


def test_without_a_pattern_the_kind_stands_after_the_number(saver, tmp_path):
    settings = SETTINGS.changed({"samples_filename_pattern": "[none]"})
    job = Job(GenerationRequest(), settings=settings)
    list(saver.save(picture(aside="-before-highres-fix"), job))
    assert names_in(tmp_path) == ["00000-before-highres-fix.png"]


def test_what_is_not_to_be_shown_is_saved_without_a_word(saver, job, tmp_path):
    assert list(saver.save(picture(aside="-before-highres-fix", is_shown=False), job)) == []
    assert names_in(tmp_path) == ["00000-7-before-highres-fix.png"]
    assert job.log() == ()


def test_what_is_not_to_be_saved_is_kept_for_the_page(saver, job, tmp_path):
    shown = picture(aside="-mask", is_saved=False)
    (saved,) = told(saver.save(shown, job))
    assert saved.path == ""
    assert names_in(tmp_path) == []
    assert job.log() == (shown,)


def test_the_grid_is_of_results_alone(saver, job, tmp_path):
    pictures = [picture(), picture(aside="-mask"), picture(aside="-mask")]
    assert list(saver.save_grid(pictures, job)) == []
    (grid,) = told(saver.save_grid([picture(latent="1-a"), picture(aside="-mask"), picture()], job))
    assert grid.index == -1
    assert open_picture(tmp_path / grid.path).width == 32
    assert grid.latent == ""
