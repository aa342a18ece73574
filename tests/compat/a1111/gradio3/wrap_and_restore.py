"""Builds the page with Gradio wrapped and without, in a process of its own; prints what differs as JSON."""

import gc
import json
import sys
import tempfile
from pathlib import Path

import gradio as gr
from gradio import blocks, blocks_events, component_meta
from gradio.blocks import Block, BlocksConfig
from gradio.events import EventListener

from webui.compat.a1111.gradio3 import install, uninstall
from webui.core.flags import read_flags
from webui.main import build_services
from webui.ui.app import build_ui

OWNERS = [gr, gr.components, gr.components.base, gr.layouts, component_meta, component_meta.ComponentMeta]
OWNERS += [blocks, blocks_events, BlocksConfig, EventListener, gr.events, gr.templates, gr.processing_utils]
# Python's own notes of abstract classes.
PASSED_OVER = ("__abstractmethods__", "_abc_impl", "__doc__")


def snapshot():
    """Every attribute of every class and module of Gradio's that might be wrapped."""
    found, waiting = {id(each): (each, dict(vars(each))) for each in OWNERS}, [Block]
    while waiting:
        cls = waiting.pop()
        if id(cls) not in found and cls.__module__.startswith("gradio."):
            found[id(cls)] = (cls, dict(vars(cls)))
            waiting += cls.__subclasses__()
    return found


def differences(before, after):
    """Attributes that are not the very same object."""
    changed = []
    for key, (owner, attributes) in before.items():
        now = after[key][1]
        changed += [
            f"{owner.__name__}.{name}"
            for name in attributes.keys() | now.keys()
            if name not in PASSED_OVER and attributes.get(name) is not now.get(name)
        ]
    return changed


def describe(page):
    """What the browser gets of the page, without numbers that are counted on and the classes added."""
    config = page.get_config_file()
    numbers = {component["id"]: place for place, component in enumerate(config["components"])}
    shown = []
    for component in config["components"]:
        props = dict(component["props"])
        classes = [each for each in props.get("elem_classes") or [] if each != "multiselect"]
        props["elem_classes"] = [each for each in classes if not each.startswith("gradio-")]
        shown.append([component["type"], repr(sorted(props.items()))])
    events = [
        [
            sorted(str((numbers.get(target), name)) for target, name in each["targets"]),
            each["js"],
            each["queue"],
        ]
        for each in config["dependencies"]
    ]
    return {"shown": shown, "events": events}


def main():
    home = Path(tempfile.mkdtemp(dir=sys.argv[1]))
    services = build_services(
        read_flags(["--data-dir", str(home), "--models-dir", str(home / "models")])[0], home
    )
    plain = describe(build_ui(services))
    before, told = snapshot(), []
    install(on_after_component=lambda component, **given: told.append(given.get("elem_id")))
    wrapped = describe(build_ui(services))
    uninstall()
    gc.collect()
    unlike = [pair for pair in zip(plain["shown"], wrapped["shown"], strict=True) if pair[0] != pair[1]]
    answer = {
        "not_restored": differences(before, snapshot()),
        "unlike": unlike[:5],
        "events_alike": plain["events"] == wrapped["events"],
        "told": [each for each in told if each],
        "count": len(plain["shown"]),
        "told_count": len(told),
    }
    sys.stdout.write("\n" + json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
