"""An extension that never comes back from a hook of the start is named, and the server goes on."""

import sys
import threading
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.plugins.extension_files import PART, write_extension
from webui.core.flags import read_flags
from webui.main import build_app, build_services
from webui.plugins.loading import Extensions, WantedExtensions, find_extensions

ROOT = Path(__file__).parents[2]
HEAD = "import sys, threading, time\nfrom webui.plugins import hookimpl\n\n"
ENDLESS = {
    "spins": "while True: pass",
    "sleeps": "threading.Event().wait(600)",
    "clings": "while True:\n        try: time.sleep(0.01)\n        except Exception: pass",
}
WRONG = {"exits": "sys.exit(3)", "interrupts": "raise KeyboardInterrupt", "raises": "raise ValueError('no')"}
START = {"startup": "services", "shutdown": "", "add_routes": "app, services", "add_tab": ""}
REGISTER = (
    "register_settings",
    "register_request_part",
    "register_scripts",
    "register_samplers",
    "register_schedules",
)


def hook(name: str, arguments: str, body: str) -> str:
    return f"{HEAD}@hookimpl\ndef {name}({arguments}):\n    {body}\n"


@pytest.mark.parametrize("name", REGISTER)
@pytest.mark.parametrize("body", ["spins", "sleeps"])
def test_an_endless_offer_costs_the_extension_alone(name, body, tmp_path):
    write_extension(tmp_path, "endless", hook(name, "", ENDLESS[body]))
    write_extension(tmp_path, "good", PART)
    extensions = Extensions()
    extensions.load(find_extensions(tmp_path, tmp_path), WantedExtensions(), 0.3)
    failed, good = extensions.records
    assert "'endless'" in failed.error
    assert "longer than 0.3 s" in failed.error
    assert good.state == "on"


def test_the_server_starts_beside_hooks_that_never_end_or_go_wrong(tmp_path):
    home = tmp_path / "extensions"
    for name, arguments in START.items():
        for kind, body in (ENDLESS | WRONG).items():
            write_extension(home, f"{name}_{kind}", hook(name, arguments, body))
    begin = f"{HEAD}def build():\n    import gradio as gr\n    with "
    tab = f"{begin}gr.Row():\n        gr.HTML('half')\n        "
    offer = "\n\n@hookimpl\ndef add_tab():\n    return 'A tab', 'a_{}', build\n"
    blocks = f"{begin}gr.Blocks():\n        "
    write_extension(home, "builds_for_ever", tab + "while True: pass" + offer.format("for_ever"))
    write_extension(home, "builds_wrong", blocks + "1 / 0" + offer.format("wrong"))
    write_extension(home, "gives_no_tab", hook("add_tab", "", "return 5"))
    write_extension(home, "zz_good", tab + "gr.HTML('whole')" + offer.format("good"))
    flags, _ = read_flags(["--data-dir", str(tmp_path), "--use-cpu", "all"])
    services = build_services(flags, ROOT)
    plugins = services.extensions.plugins
    plugins.start_limit_s = 0.5
    began = time.monotonic()
    app = build_app(services)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        assert client.get("/").status_code == 200
        config = client.get("/config").json()
        listed = {each["name"]: each for each in client.get("/v1/extensions").json()["extensions"]}
        problems = " ".join(client.get("/v1/extensions").json()["problems"])
    # Seventeen that do not end, and what a page takes on a loaded machine.
    assert time.monotonic() - began < 300
    for name in START:
        for kind in ENDLESS:
            own = f"{name}_{kind}"
            if name == "shutdown":
                assert own in plugins.switched_off
            else:
                assert listed[own]["state"] == "failed"
                assert f"did not come back from {name} within 0.5 s" in listed[own]["error"]
                assert own in problems
        for kind in WRONG:
            assert plugins.failures[f"{name}_{kind}"] == 1
    assert "building its tab" in listed["builds_for_ever"]["error"]
    assert listed["zz_good"]["state"] == "on"
    assert ids_of_page(config) >= {"tab_a_for_ever", "tab_a_wrong", "tab_a_good", "tab_settings", "footer"}
    assert "whole" in str(config["components"])
    end = time.monotonic() + 20
    while time.monotonic() < end and spinning(home):
        time.sleep(0.05)
    assert not spinning(home), "they would take the processor for ever"


def ids_of_page(config: dict) -> set[str]:
    """The ids of what stands on the page, not only among its components."""
    by_id = {each["id"]: each["props"].get("elem_id") for each in config["components"]}

    def walk(node: dict) -> set:
        inner = (walk(child) for child in node.get("children", ()))
        return {by_id.get(node["id"])}.union(*inner)

    return walk(config["layout"])


def spinning(home: Path) -> list[str]:
    """Threads that still run code of an extension here, without those that wait in a library."""
    frames = sys._current_frames()
    running = [(each.name, frames.get(each.ident or 0)) for each in threading.enumerate()]
    return [name for name, frame in running if frame and Path(frame.f_code.co_filename).is_relative_to(home)]
