"""What a reader of source finds: plain uses, aliases, and the usual ways to hide them."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.library.community.reading.brought_packages import (
    BROUGHT_REMARK,
    PACKAGES_OF_A1111,
    leave_once,
    read_brought,
)
from webui.library.community.reading.code_report import CodePlace
from webui.library.community.reading.folder_code import FolderReader, read_code
from webui.library.community.reading.packages import read_install_calls, read_requirements
from webui.library.community.reading.page_code import read_page_code
from webui.library.community.reading.python_code import read_python


def kinds_of(source: str, read=read_python) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    read(source, "a.py", lambda kind, place: found.setdefault(kind, []).append(place.what), set())
    return found


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("import requests", "network"),
        ("from urllib import request", "network"),
        ("import urllib.request as u", "network"),
        ("import os\nos.system('x')", "programs"),
        ("from os import system as s\ns('x')", "programs"),
        ("import os as o\nx = o.popen", "programs"),
        ("import os\no = os\no.system('x')", "programs"),
        ("from subprocess import *\nPopen('x')", "programs"),
        ("import subprocess\nsubprocess.Popen(['x'])", "programs"),
        ("import asyncio\nasyncio.create_subprocess_exec('x')", "programs"),
        ("import os\ngetattr(os, 'system')('x')", "programs"),
        ("import launch\nlaunch.run('x')", "programs"),
        ("import ctypes", "programs"),
        ("import shutil\nshutil.rmtree('x')", "deletion"),
        ("from pathlib import Path\nPath('x').unlink()", "deletion"),
        ("import os\nos.remove('x')", "deletion"),
        ("eval('1')", "dynamic"),
        ("e = exec\ne('1')", "dynamic"),
        ("import builtins\nbuiltins.eval('1')", "dynamic"),
        ("import pickle\npickle.loads(b'')", "dynamic"),
        ("import torch\ntorch.load('x')", "dynamic"),
        ("__import__('os')", "dynamic"),
        ("import os\ngetattr(os, 'sys' + 'tem')('x')", "hidden"),
        ("globals()['e' + 'val']('1')", "hidden"),
        ("import sys\nsys.modules['os'].system('x')", "hidden"),
        ("__builtins__.eval('x')", "hidden"),
        ("open('/home/a/.ssh/id_rsa')", "secrets"),
        ("import os\nos.environ['HF_TOKEN']", "secrets"),
        ("def go(app):\n    app.add_api_route('/x', go)", "routes"),
        ("def go(app):\n    @app.get('/x')\n    def f(): pass", "routes"),
        ("from modules import processing\ndef f(): pass\nprocessing.process_images = f", "patches"),
        ("from modules import shared\nsetattr(shared, 'x', print)", "patches"),
    ],
)  # fmt: skip
def test_a_use_is_found_however_it_is_spelled(source, kind):
    assert kind in kinds_of(source), kinds_of(source)


@pytest.mark.parametrize(
    "source",
    ["import re\nre.compile('x')", "x = {'a': 1}\nx.get('a')", "import math\nmath.sqrt(2)", "model.eval()",
     "self.system('x')",
     "from .launch import run\nrun()", "'the token'", "import torch\ntorch.nn.Linear(1, 2)"],
)  # fmt: skip
def test_what_does_nothing_of_it_is_not_named(source):
    assert kinds_of(source) == {}


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("fetch ('/x')", "network"), ("new  WebSocket('ws://x')", "network"),
        ("import('https://x/y.js')", "network"), ("eval('x')", "dynamic"), ("new Function('x')", "dynamic"),
        ("setTimeout('go()', 1)", "dynamic"),
        ("document.cookie", "secrets"), ('<script src="//x/y.js">', "network"),
        ("@import url(https://x/y.css)", "network"),
    ],
)  # fmt: skip
def test_scripts_of_the_page_are_read_by_patterns(source, kind):
    assert kind in kinds_of(source, read_page_code)
    assert kinds_of("const a = 1;\nprefetch(); node.evaluate()", read_page_code) == {}


def test_a_script_of_one_long_line_is_read_at_once():
    for piece in ("setTimeout(", "fetch", "<script ", "url(", "import ( ", "new "):
        read_page_code(piece * 200_000, "a.js", lambda kind, place: None, set())


def test_lines_are_counted():
    places: list[CodePlace] = []
    read_page_code("\n\nfetch('a')\n\nfetch('b')", "a.js", lambda _, place: places.append(place), set())
    read_python("\n\n\neval('1')", "b.py", lambda _, place: places.append(place), set())
    assert [each.line for each in places] == [3, 5, 4]


def test_packages_are_read_from_lists_and_from_calls_of_pip():
    text = "# a\nlxml == 5.1  # b\nnumpy<2\ntimm\n"
    text += "git+https://h/x\nx @ https://h/y\n--extra-index-url https://h\n-r o\n"
    found = read_requirements(text, "requirements.txt")
    assert [(each.name, each.line) for each in found] == [
        ("lxml", 2), ("numpy", 3), ("timm", 4), ("git", 5), ("x", 6), ("", 7),
    ]  # fmt: skip
    remarks = [each.remark for each in found]
    assert remarks[0] == "" and all(remarks[1:])
    calls = (
        "import launch, subprocess, sys\n"
        "launch.run_pip('install lxml==5.1 -q', 'words')\n"
        "launch.run_pip(f'install torch=={v}', 'x')\n"
        "subprocess.run([sys.executable, '-m', 'pip', 'install', 'timm==1.0'])\n"
    )
    installed = read_install_calls(calls, "install.py")
    assert [(each.name, each.line) for each in installed] == [("lxml", 2), ("torch", 3), ("timm", 4)]
    assert [bool(each.remark) for each in installed] == [False, True, False]


def test_a_folder_is_read_in_a_process_of_its_own_and_odd_files_are_named(tmp_path):
    (tmp_path / "a.py").write_text("import socket\n")
    (tmp_path / "b.py").write_text("print 'old'\n")
    (tmp_path / "c.py").write_bytes(b"x = 1\0")
    (tmp_path / "d.py").write_text("(" * 5000 + ")" * 5000)
    (tmp_path / "e.py").write_text("x = " + "+".join(["1"] * 50_000))
    (tmp_path / "f.so").write_bytes(b"\x7fELF")
    (tmp_path / "g.py").write_bytes(b"#" * 4_000_000)
    (tmp_path / "h.js").write_text("eval('1')")
    (tmp_path / "run.sh").write_text("rm -rf /")
    report = read_code(tmp_path)
    places = {each.kind: {place.file for place in each.places} for each in report.found}
    assert places["network"] == {"a.py"} and places["native"] == {"f.so"} and places["dynamic"] == {"h.js"}
    assert {"b.py", "c.py", "d.py", "g.py"} <= places["unread"]
    assert places["programs"] == {"run.sh"}
    # Whatever a file does to the reader, it is not passed over in silence.
    assert report.python_files == 6 or not report.is_whole


def test_nothing_of_a_folder_is_run_when_it_is_read(tmp_path):
    for name in ("pydantic.py", "json.py", "ast.py", "sitecustomize.py", "conftest.py", "__init__.py"):
        (tmp_path / name).write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    assert read_code(tmp_path).python_files == 6
    assert not (tmp_path / "ran").exists()


def test_a_reader_that_comes_to_no_end_is_said_to_have_none(tmp_path):
    report = read_code(tmp_path, limit_s=0.001)
    assert not report.is_whole and report.found[0].kind == "unread"


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    read_page_code(text, "a.js", lambda *_: None, set())
    read_requirements(text, "requirements.txt")
    read_install_calls(text, "install.py")
    with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        read_python(text, "a.py", lambda *_: None, set())


def test_a_folder_without_anything_has_nothing(tmp_path):
    assert FolderReader(tmp_path).read(10).found == []


def test_packages_that_a1111_brings_along_are_named_where_they_are_imported():
    brought = PACKAGES_OF_A1111
    found = [
        *read_requirements("gitpython==3.1", "requirements.txt"),
        *read_brought("import os, git.repo\nfrom .lark import x\n", "a.py", brought),
        *read_brought("def f():\n    from lark import Lark  # lark", "b.py", brought),
        *read_brought("import lark", "c.py", brought),
        *read_brought("import lark ?", "d.py", brought),
    ]
    assert [(each.name, each.file, each.line) for each in leave_once(found)] == [
        ("gitpython", "requirements.txt", 1),
        ("lark", "b.py", 2),
    ]
    assert leave_once(found)[1].remark == BROUGHT_REMARK


def test_what_gradio_3_brought_to_a1111_is_known_too():
    source = "import ffmpy\nfrom semantic_version import Version\nimport clip\nimport numba"
    found = read_brought(source, "a.py", PACKAGES_OF_A1111)
    assert {each.name for each in found} == {"ffmpy", "semantic-version", "openai-clip", "numba"}
