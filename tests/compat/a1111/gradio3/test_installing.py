"""Gradio's classes, wrapped and put back. In a process of its own, because they are the whole process's."""

import json
import subprocess
import sys

import pytest

from tests.ui.browser import ROOT

SCRIPT = "tests.compat.a1111.gradio3.wrap_and_restore"


@pytest.fixture(scope="module")
def answer(tmp_path_factory):
    """What the script found."""
    done = subprocess.run(
        [sys.executable, "-m", SCRIPT, str(tmp_path_factory.mktemp("home"))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


def test_every_class_of_gradio_is_put_back_exactly(answer):
    assert answer["not_restored"] == []


def test_our_own_page_is_the_same_but_for_added_classes(answer):
    assert answer["unlike"] == []
    assert answer["events_alike"]


def test_extensions_are_told_of_every_component_of_our_page(answer):
    assert {"txt2img_prompt", "txt2img_generate", "img2img_steps", "setting_sd_model_checkpoint"} <= set(
        answer["told"]
    )
    # All but the forms, which Gradio makes by itself.
    assert answer["told_count"] <= answer["count"]
    assert answer["told_count"] > 500
