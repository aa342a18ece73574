"""Extensions are found, loaded within a time, and their mistakes are named."""

import sys
import threading
import time

import pytest

from tests.plugins.extension_files import PART, write_extension
from webui.core.errors import InvalidRequest
from webui.core.request import make_request
from webui.core.sampler_names import translate_sampler
from webui.core.sampling import all_samplers, all_schedules
from webui.core.settings import Settings
from webui.plugins.loading import Extensions, WantedExtensions, find_extensions

NOT_LOADED = {
    "ends": ("import sys\nsys.exit(3)", "wanted to end the program"),
    "raises": ("1 / 0", "ZeroDivisionError"),
    "is_no_python": ("def (:", "SyntaxError"),
    "misspelt": (
        "from webui.plugins import hookimpl\n@hookimpl\ndef prepare_denoisin(): pass",
        "unknown hook 'prepare_denoisin'",
    ),
    "interrupts": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "asks_for_the_absent": ("import no_such_library_anywhere", "no_such_library_anywhere"),
    "offers_a_number": (
        "from webui.plugins import hookimpl\n@hookimpl\ndef register_request_part(): return 5",
        "5 is no request part",
    ),
    "has_no_defaults": (PART.replace('words: str = ""', "words: str"), "no default for words"),
    "takes_a_sampler": (
        "from webui.plugins import AddedSampler, SamplerInfo, hookimpl\n@hookimpl\ndef register_samplers():\n"
        "    return [AddedSampler(SamplerInfo('Mine', ('k_euler',)), in_sigmas=print)]",
        "k_euler",
    ),
    "registers_with_an_error": (
        "from webui.plugins import hookimpl\n@hookimpl\ndef register_scripts(): raise ValueError('no list')",
        "no list",
    ),
}


def load(tmp_path, choice=None, limit_s=60.0, own=None) -> Extensions:
    extensions = Extensions()
    extensions.load(find_extensions(tmp_path, own or tmp_path), choice or WantedExtensions(), limit_s)
    return extensions


def test_what_cannot_be_loaded_is_named_and_the_others_run(tmp_path):
    for name, (code, _) in NOT_LOADED.items():
        write_extension(tmp_path, name, code)
    write_extension(tmp_path, "zz_good", PART)
    extensions = load(tmp_path)
    records = {each.name: each for each in extensions.records}
    for name, (_, said) in NOT_LOADED.items():
        assert records[name].state == "failed"
        assert said in records[name].error
        assert repr(name) in records[name].error
    assert records["zz_good"].state == "on"
    assert list(extensions.plugins.parts) == ["sharpness"]
    assert len(extensions.problems) == len(NOT_LOADED)


def test_an_endless_import_is_ended_and_named(tmp_path):
    write_extension(tmp_path, "endless", "while True: pass")
    write_extension(tmp_path, "good", PART)
    extensions = load(tmp_path, limit_s=0.3)
    failed, good = extensions.records
    assert "longer than 0.3 s" in failed.error
    assert good.state == "on"
    until = time.monotonic() + 10
    while time.monotonic() < until and names_of_importing():
        time.sleep(0.01)
    assert not names_of_importing(), "it would take half of the processor for ever"


def names_of_importing() -> list[str]:
    """Frames of the endless extension that still run."""
    frames = sys._current_frames()
    return [
        thread.name
        for thread in threading.enumerate()
        if thread.name == "extension" and "endless" in frames[thread.ident or 0].f_code.co_filename
    ]


def test_a_sleeping_import_does_not_hold_the_start(tmp_path):
    write_extension(tmp_path, "asleep", "import threading\nthreading.Event().wait(600)")
    began = time.monotonic()
    (record,) = load(tmp_path, limit_s=0.2).records
    assert time.monotonic() - began < 60
    assert "longer than" in record.error


def test_of_a_large_folder_only_the_code_is_read(tmp_path):
    folder = write_extension(tmp_path, "large", PART)
    with (folder / "weights.bin").open("wb") as file:
        file.truncate(500_000_000)
    with (write_extension(tmp_path, "no_code", "") / "plugin.py").open("wb") as file:
        file.truncate(500_000_000)
    large, no_code = load(tmp_path).records
    assert large.state == "on"
    assert "500 MB" in no_code.error


def test_an_extension_imports_files_beside_it_in_both_ways(tmp_path):
    code = "from extensions.two_files.beside import ONE\nfrom .beside import TWO\nassert (ONE, TWO) == (1, 2)"
    write_extension(tmp_path, "two_files", code, beside__py="ONE, TWO = 1, 2")
    assert load(tmp_path).problems == []


def test_files_that_changed_are_read_again(tmp_path):
    shipped, own = tmp_path / "shipped", tmp_path / "own"
    write_extension(own, "changing", PART)
    assert "sharpness" in load(shipped, own=own).plugins.parts
    write_extension(own, "changing", PART.replace('"sharpness"', '"blur"') + "# longer")
    assert list(load(shipped, own=own).plugins.parts) == ["blur"]


def test_shipped_come_first_and_one_name_is_one_extension(tmp_path, caplog):
    shipped, own = tmp_path / "shipped", tmp_path / "own"
    write_extension(shipped, "b", PART)
    write_extension(shipped, "z", "")
    write_extension(own, "a", "")
    write_extension(own, "b", "1 / 0")
    records = load(shipped, own=own).records
    assert [(each.name, each.origin) for each in records] == [
        ("b", "shipped"),
        ("z", "shipped"),
        ("a", "own"),
    ]
    assert "two extensions named b" in caplog.text


def test_two_extensions_cannot_have_one_key(tmp_path):
    write_extension(tmp_path, "one", PART)
    write_extension(tmp_path, "two", PART)
    first, second = load(tmp_path).records
    assert first.state == "on"
    assert "key 'sharpness' already" in second.error


@pytest.mark.parametrize(
    ("choice", "state"),
    [
        (WantedExtensions(is_safe=True), "not loaded"),
        (WantedExtensions(disabled=("one",)), "switched off"),
        (WantedExtensions(origins=("own",)), "not loaded"),
    ],
)
def test_what_is_not_wanted_is_not_even_read(tmp_path, choice, state):
    write_extension(tmp_path, "one", f"open({str(tmp_path / 'read')!r}, 'w')")
    (record,) = load(tmp_path, choice).records
    assert record.state == state
    assert not (tmp_path / "read").exists()


SAMPLING = """
from webui.plugins import AddedSampler, SamplerInfo, hookimpl

def steps_of_euler(denoise, latent, sigmas, options, noise):
    yield from ()

@hookimpl
def register_samplers():
    return AddedSampler(SamplerInfo("My Euler", ("k_my_euler",)), in_sigmas=steps_of_euler)

@hookimpl
def register_schedules():
    return {"Straight": lambda steps, low, high: [high + (low - high) * i / steps for i in range(steps)]}
"""


def test_samplers_and_schedules_can_be_asked_for_until_they_are_taken_away(tmp_path):
    write_extension(tmp_path, "sampling", SAMPLING)
    extensions = load(tmp_path)
    assert extensions.problems == []
    try:
        request = make_request(sampler="k_my_euler", schedule="straight")
        assert (request.sampler, request.schedule) == ("My Euler", "Straight")
        assert "My Euler" in [info.label for info in all_samplers()]
        assert translate_sampler("my_euler", "straight")[:2] == ("My Euler", "Straight")
    finally:
        extensions.close()
    with pytest.raises(InvalidRequest, match="no sampler"):
        make_request(sampler="My Euler")
    assert "Straight" not in [info.label for info in all_schedules()]


def test_an_added_schedule_gives_falling_sigmas_or_a_sentence(tmp_path):
    from webui.diffusion.prediction import Prediction
    from webui.diffusion.schedules import ScheduleOptions, build_sigmas

    wrong = SAMPLING.replace("Straight", "Rising").replace("high + (low - high) * i / steps", "i")
    write_extension(tmp_path, "good", SAMPLING)
    write_extension(tmp_path, "wrong", wrong.replace("My Euler", "Other").replace("k_my_euler", "k_other"))
    extensions = load(tmp_path)
    assert extensions.problems == []
    levels = Prediction.make("eps").levels
    try:
        sigmas = build_sigmas("Straight", 4, levels, ScheduleOptions())
        assert sigmas.shape == (5,)
        assert float(sigmas[-1]) == 0
        with pytest.raises(InvalidRequest, match="'Rising' of an extension"):
            build_sigmas("Rising", 4, levels, ScheduleOptions())
    finally:
        extensions.close()


def test_settings_of_an_extension_are_kept_by_its_name_and_survive_wrong_values(tmp_path):
    code = '''
from pydantic import BaseModel, Field
from webui.plugins import hookimpl

class Own(BaseModel):
    """Mine."""
    size: int = Field(default=3, ge=1, le=9)
    name: str = "a"

@hookimpl
def register_settings():
    return Own
'''
    write_extension(tmp_path, "with_settings", code)
    plugins = load(tmp_path).plugins
    (model,) = plugins.settings
    kept = {"extension_values": {"with_settings": {"size": 99, "name": "b", "gone": 1}}}
    assert plugins.settings_of(model, Settings()).model_dump() == {"size": 3, "name": "a"}
    assert plugins.settings_of(model, Settings().changed(kept)).model_dump() == {"size": 3, "name": "b"}
