"""The scoreboard of community extensions tells of them, and nothing of the machine that it was made on."""

import sys
from pathlib import Path

import pytest

from benchmarks.scoreboard import ROOT, Score, describe, render, shorten_paths

PROGRAM = f"{ROOT}/webui/compat/a1111/site/ldm/util.py"


@pytest.mark.parametrize(
    ("text", "short"),
    [
        (f"no name ({PROGRAM})", "no name (webui/compat/a1111/site/ldm/util.py)"),
        (f"'{sys.prefix}/lib/python3.11/site-packages/torch/io.py'", "'torch/io.py'"),
        ("/usr/lib/python3.11/json/decoder.py", "json/decoder.py"),
        ("/tmp/t0/data/extensions/a-b/aria2/lin", "extensions/a-b/aria2/lin"),
        ("/home/some-one/models/x.onnx is gone", "x.onnx is gone"),
        ("<webui>/models/x, a/b/c and no/such/file", "<webui>/models/x, a/b/c and no/such/file"),
        ("host, url: /repos/x/releases of https://a.example/tmp/c", None),
    ],
)
def test_paths_are_cut_to_what_is_the_same_on_each_machine(text: str, short: str | None):
    assert shorten_paths(text) == (text if short is None else short)


def test_an_error_is_told_once_with_the_number_of_places():
    scripts = [f"scripts/{name}.py: ImportError: no x in {PROGRAM}" for name in "abc"]
    score = Score("one", outcome="built", import_failures=[*scripts, "scripts/d.py: KeyError: 'd'"])
    told = "scripts/a.py and 2 others: ImportError: no x in webui/compat/a1111/site/ldm/util.py"
    assert describe(score) == f"{told}; scripts/d.py: KeyError: 'd'"


def test_many_errors_are_counted_and_long_ones_are_cut():
    failures = [f"on_ui_tabs: Error{number}: {'x' * 900}" for number in range(9)]
    told = describe(Score("one", outcome="built", page_failures=failures))
    assert len(told) < 700
    assert told.endswith("; 6 other errors")


def test_the_document_has_no_path_of_this_machine():
    score = Score("one", "c0ffee", "built", import_failures=[f"scripts/a.py: OSError: {PROGRAM}"])
    stopped = Score("two", "c0ffee", f"the program ended: {sys.executable} in /tmp/some/thing.py")
    text = render([score, stopped], {})
    assert str(ROOT) not in text
    assert "/tmp" not in text
    assert str(Path(sys.executable).parent) not in text
