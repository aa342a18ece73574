"""Calls into extensions while the page is built: a limit of time, and whatever they raise is theirs alone."""

import builtins
import importlib
import subprocess
import sys
import time
from pathlib import Path

import gradio as gr
import pytest
from gradio.context import Context

from webui.compat.a1111.host import ExtensionHost
from webui.compat.a1111.page.calls import StartCall, call_at_start, call_each_at_start
from webui.core.errors import InvalidRequest
from webui.plugins.community import CommunityFolder
from webui.plugins.failed_starts import MOST_FAILED_STARTS, FailedStarts

ENDLESS = """
import time, gradio as gr
def function():
    with gr.Blocks():
        while True:
            time.sleep(0.01)
"""
SLEEPING = """
import subprocess
import sys
import time
def function():
    while True:
        time.sleep(0.01)
"""
RAISING = "def function(): raise {}"
LIMIT_S = 0.3


def function_in(host: ExtensionHost, name: str, source: str):
    """A function of an extension's file, and the file."""
    folder = host.root / name
    folder.mkdir()
    file = folder / "script.py"
    file.write_text(source)
    host.health.add(name, folder)
    module: dict = {}
    exec(compile(source, str(file), "exec"), module)
    return file, module["function"]


def test_one_that_does_not_end_is_given_up_and_asked_no_more(host: ExtensionHost):
    host.start_limit_s = LIMIT_S
    file, endless = function_in(host, "endless", ENDLESS)
    other, good = function_in(host, "good", "def function(): return 7")
    with gr.Blocks() as page:
        assert call_at_start(file, "ui", endless, default="none") == "none"
        assert Context.block is page
        assert Context.root_block is page
        began = time.monotonic()
        assert call_at_start(file, "on_ui_tabs", endless) is None
        assert time.monotonic() - began < LIMIT_S
        assert call_at_start(other, "ui", good) == 7
    [failure] = host.health.of_file(file).failures
    assert "'endless' did not come back from ui within 0.3 s" in failure.error
    assert not host.health.of_file(other).failures


@pytest.mark.parametrize(
    "raised", ["SystemExit(3)", "KeyboardInterrupt", "GeneratorExit", "MemoryError", "ValueError('no')"]
)
def test_whatever_one_raises_is_its_failure_alone(host: ExtensionHost, raised: str):
    file, function = function_in(host, "raising", RAISING.format(raised))
    assert call_at_start(file, "ui", function, default=1) == 1
    [failure] = host.health.of_file(file).failures
    assert raised.split("(")[0] in failure.error
    assert failure.where == "ui"


def test_a_sentence_for_the_artist_ends_no_start(host: ExtensionHost):
    def refuse():
        raise InvalidRequest("Choose another.")

    file, _ = function_in(host, "refusing", "def function(): pass")
    assert call_at_start(file, "ui", refuse) is None
    assert len(host.health.of_file(file).failures) == 1


def test_pythons_own_functions_are_put_back(host: ExtensionHost):
    source = "import builtins\ndef function(): builtins.print = None; return 1"
    file, function = function_in(host, "printing", source)
    before = builtins.print
    assert call_at_start(file, "ui", function) == 1
    assert builtins.print is before


WAITING = """
import time
from webui.compat.a1111.host import current
def function():
    with current().calls.note_waiting():
        time.sleep(2.5)
    return "there"
"""


def test_a_wait_for_a_job_takes_none_of_the_time(host: ExtensionHost):
    # Ample for reaching the wait on a busy machine.
    host.start_limit_s = host.component_limit_s = 1.0
    file, wait = function_in(host, "waiting", WAITING)
    assert call_at_start(file, "ui", wait) == "there"
    call_each_at_start([StartCall(str(file), "after_component", wait)])
    assert not host.health.of_file(file).failures


def test_an_event_loop_is_there_as_on_the_main_thread(host: ExtensionHost):
    source = "import asyncio\ndef function(): return asyncio.get_event_loop().is_closed()"
    file, function = function_in(host, "looping", source)
    assert call_at_start(file, "on_app_started", function) is False


def test_callbacks_of_the_start_have_the_limit(host: ExtensionHost):
    host.start_limit_s = LIMIT_S
    callbacks = importlib.import_module("modules.script_callbacks")
    file, endless = function_in(host, "endless", ENDLESS)
    categories = ("before_ui", "ui_settings", "ui_tabs", "app_started", "ui_train_tabs")
    for category in categories:
        host.given_up.clear()
        listed = callbacks.callback_map[f"callbacks_{category}"]
        callbacks.add_callback(listed, endless, category=category, filename=str(file))
        callbacks.add_callback(listed, lambda: "here", filename=str(Path(__file__)))
        assert [result for _, result in callbacks._lists.call(category)] == [None, "here"]
    assert len(host.health.of_file(file).failures) == len(categories)


def test_of_calls_for_a_component_one_that_does_not_end_is_given_up_and_the_others_are_made(host):
    host.component_limit_s, heard = LIMIT_S, []
    file, endless = function_in(host, "endless", SLEEPING)
    other, _ = function_in(host, "good", "def function(): pass")
    bad, raising = function_in(host, "raising", RAISING.format("SystemExit(3)"))
    calls = [
        StartCall(str(bad), "after_component", raising),
        StartCall(str(other), "after_component", heard.append, ("first",)),
        StartCall(str(file), "after_component", endless),
        StartCall(str(file), "after_component", heard.append, ("never",)),
        StartCall(str(other), "on_after_component", heard.append, ("last",)),
    ]
    with gr.Blocks():
        call_each_at_start(calls)
        # Asked for nothing more, it is waited for no more.
        call_each_at_start(calls)
    assert heard == ["first", "last"] * 2
    [failure] = host.health.of_file(file).failures
    assert "'endless' did not come back from after_component within 0.3 s" in failure.error
    assert {each.error for each in host.health.of_file(bad).failures} == {"SystemExit: 3"}


def test_a_group_may_be_opened_for_one_component_and_closed_for_another(host):
    source = "import gradio as gr\ngroup = gr.Group()\ndef function():\n    group.__enter__()"
    with gr.Blocks() as page:
        file, opening = function_in(host, "groups", source)
        call_each_at_start([StartCall(str(file), "before_component", opening)])
        group = opening.__globals__["group"]
        assert Context.block is group
        box = gr.Textbox()
        call_each_at_start([StartCall(str(file), "after_component", group.__exit__)])
        assert Context.block is page
    # Gradio puts a form around it.
    assert box.parent.parent is group


def test_hanging_while_the_page_is_built_is_a_failed_start_until_the_page_is_there(host):
    host.start_limit_s, names = LIMIT_S, ("endless", "good")
    files = {"endless": SLEEPING, "good": "def function(): return 7"}
    made = {name: function_in(host, name, files[name]) for name in names}
    host.folders = tuple(CommunityFolder(name, host.root / name) for name in names)
    for _ in range(MOST_FAILED_STARTS):
        host.given_up.clear()
        host.starts = FailedStarts.read(host.root)
        host.starts.note("good", "once")
        for file, function in made.values():
            call_at_start(file, "ui", function)
        host.confirm_start()
    starts = FailedStarts.read(host.root)
    assert starts.notes.failed.keys() == {"endless"}
    assert "did not come back from ui" in starts.take_exhausted()["endless"]


DYING = """
import sys
from pathlib import Path
from webui.compat.a1111 import host as hosts
from webui.compat.a1111.page.calls import StartCall, call_at_start, call_each_at_start
from webui.plugins.failed_starts import FailedStarts

root, where = Path(sys.argv[1]), sys.argv[2]
host = hosts.ExtensionHost(root)
hosts.begin(host)
host.starts = FailedStarts.read(root)
for name in ("good", "deadly"):
    host.health.add(name, root / name)

def call_in(name, code):
    scope = {"component": lambda: call_each_at_start([StartCall(str(root / "deadly/a.py"), "c", die)])}
    exec(compile(f"def function(): import os; {code}", str(root / name / "a.py"), "exec"), scope)
    return scope["function"]

die = call_in("deadly", "os._exit(9)")
call_at_start(str(root / "good/a.py"), "ui", call_in("good", "pass"))
call_at_start(str(root / f"{'good' if where == 'component' else 'deadly'}/a.py"), "ui",
              call_in("good", "component()") if where == "component" else die)
"""


@pytest.mark.parametrize("where", ["ui", "component"])
def test_one_that_takes_the_server_down_while_the_page_is_built_is_off_after_three_starts(tmp_path, where):
    for _ in range(MOST_FAILED_STARTS):
        assert (
            subprocess.run([sys.executable, "-c", DYING, str(tmp_path), where], check=False).returncode == 9
        )
    starts = FailedStarts.read(tmp_path)
    assert {name: each.count for name, each in starts.notes.failed.items()} == {"deadly": MOST_FAILED_STARTS}
    assert "did not survive loading it" in starts.take_exhausted()["deadly"]
    # A server that ends in between blames nobody.
    with starts.running("good"):
        pass
    assert FailedStarts.read(tmp_path).notes.failed.keys() == {"deadly"}
