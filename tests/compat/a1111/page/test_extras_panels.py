"""Scripts of extensions in the jobs of Extras: their values, their order, and what they make."""

from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from tests.compat.a1111.page.test_scripts import load
from webui.compat.a1111.host import ExtensionHost
from webui.core.work.extras_request import ExtrasImage, ExtrasRequest, make_extras_request
from webui.plugins.extras_picture import ExtrasPicture

SOURCE = (Path(__file__).parents[1] / "extensions" / "panels" / "scripts" / "extras.py").read_text()
FIRST = """
from modules import scripts_postprocessing


class First(scripts_postprocessing.ScriptPostprocessing):
    name = "First"
    order = 10

    def process_firstpass(self, pp):
        pp.info["seen"] = f"{pp.shared.target_width}x{pp.shared.target_height}"

    def process(self, pp):
        pp.info["first"] = str(pp.image.size)
        pp.image = pp.image.convert("L")
"""


# What the artist was told.
TOLD: list[str] = []


def request_with(**values: object) -> ExtrasRequest:
    """A request for a picture, with these values of the script."""
    extras = {"a1111": {"extras": {"Test Invert": values}}} if values else {}
    image = ExtrasImage(image="0" * 64)
    return make_extras_request(images=[image], extras=extras, upscaling={"scale": 2})


def change(request: ExtrasRequest, *pictures: ExtrasPicture, is_last: bool = True) -> list[ExtrasPicture]:
    hook = import_module("webui.compat.a1111.hooks.extras")
    told = SimpleNamespace(tell=TOLD.append)
    return hook.change_extras(list(pictures), request, told, is_last)


@pytest.fixture
def red() -> ExtrasPicture:
    return ExtrasPicture(Image.new("RGB", (16, 12), "red"), {"Before": 1})


@pytest.fixture
def scripts(host: ExtensionHost, tmp_path):
    modules = import_module("modules.scripts")
    load(modules, tmp_path, SOURCE, "invert")
    return modules


def test_values_of_a_request_reach_the_script(scripts, red):
    [made] = change(request_with(enable=True, word="well"), red)
    assert made.image.getpixel((0, 0)) == (0, 255, 255)
    assert made.infotext == "Before: 1, Inverted: well"


def test_without_values_a_script_has_what_its_panel_shows(scripts, red):
    [made] = change(request_with(), red)
    assert made.image.tobytes() == red.image.tobytes()
    assert made.info["Inverted"] == "no"


def test_pictures_that_a_script_adds_are_results_too(scripts, red):
    made = change(request_with(enable=True, word="twice"), red)
    assert [each.image.size for each in made] == [(16, 12), (8, 8)]


def test_a_script_that_fails_leaves_the_picture(scripts, red, host, tmp_path):
    record = host.health.add("invert", tmp_path / "invert")
    [made] = change(request_with(enable=True, word="fail"), red)
    assert made.image.tobytes() == red.image.tobytes()
    assert "told to fail" in record.failures[0].error


def test_scripts_before_upscaling_are_run_first_and_any_mode_comes_back_as_colour(scripts, red, tmp_path):
    load(scripts, tmp_path, FIRST, "first")
    [first] = change(request_with(), red, is_last=False)
    assert first.info == {"Before": 1, "seen": "32x24", "first": "(16, 12)"}
    assert first.image.mode == "RGB"
    [last] = change(request_with(), first)
    assert list(last.info) == ["Before", "seen", "first", "Inverted"]


def test_without_scripts_nothing_is_built(host: ExtensionHost, red):
    import_module("modules.scripts")
    assert change(request_with(), red) is None


def test_a_finished_picture_is_left_alone(scripts, red):
    finished = ExtrasPicture(red.image, {}, is_finished=True)
    assert change(request_with(enable=True, word="x"), finished) == [finished]


FAILING = FIRST.replace('pp.info["first"] = str(pp.image.size)', 'raise SystemExit("no")')


def test_a_script_that_fails_is_told_of_and_the_others_change_the_picture(host, scripts, red, tmp_path):
    TOLD.clear()
    folder = tmp_path / "failing"
    folder.mkdir()
    host.health.add("failing", tmp_path)
    load(scripts, folder, FAILING, "first")
    [made] = change(request_with(enable=True, word="well"), red, is_last=False)
    assert made.image.mode == "RGB"
    assert [text.split(",")[0] for text in TOLD] == ["The script 'First' of the extension 'failing' failed"]
