"""The check covers components that this page has not, such as those of extensions: all of Gradio's."""

import inspect

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from gradio.components import Component
from gradio.utils import get_all_components

from tests.security.conftest import BASE, picture
from tests.security.page_visitor import Visitor, file_data
from tests.security.test_page_files import SECRETS, SHAPES
from webui.core.flags import read_flags
from webui.ui.doors.guarded_blocks import GuardedBlocks
from webui.ui.page import mount_page

# They take no values, or want more than Gradio itself installs.
WITHOUT_VALUE = {"loginbutton", "state", "dataset", "form", "interpretation", "timer"}


def component_classes() -> list[type[Component]]:
    found = {each for each in get_all_components() if each.__module__.startswith("gradio.")}
    return sorted(
        (
            each
            for each in found
            if not inspect.isabstract(each) and each.__name__.lower() not in WITHOUT_VALUE
        ),
        key=lambda each: (each.__name__, each.__module__),
    )


def make_component(kind: type[Component]) -> Component | None:
    try:
        return kind()
    except Exception:  # noqa: BLE001 - some want arguments, some other packages
        return None


@pytest.fixture(scope="module")
def gallery_of_components(site):
    """A page with an event for every component: read raw, processed, and through the queue."""
    made: dict[str, list[int]] = {}
    with GuardedBlocks(site.blocks.files) as blocks:
        button = gr.Button()
        for kind in component_classes():
            if (component := make_component(kind)) is None:
                continue
            made[kind.__name__] = [
                button.click(
                    repr, inputs=[component], outputs=[gr.Textbox()], preprocess=ready, queue=queued
                )["id"]
                for ready, queued in ((False, False), (True, False), (True, True))
            ]
    app = mount_page(FastAPI(), blocks, read_flags([])[0])
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as client:
        client.get("/").raise_for_status()
        yield Visitor(client), blocks, made


def test_most_components_are_tried(gallery_of_components):
    _, _, made = gallery_of_components
    wanted = {
        "Audio", "Chatbot", "File", "Gallery", "HTML", "Image", "ImageEditor", "ImageSlider", "JSON",
        "Model3D", "MultimodalTextbox", "UploadButton", "Video",
    }  # fmt: skip
    assert wanted <= set(made)


@pytest.mark.parametrize("shape", SHAPES)
def test_no_component_takes_a_forged_file(site, opened_files, gallery_of_components, shape):
    visitor, _, made = gallery_of_components
    for what in ("regular file", "address"):
        path = site.attack.paths[what]
        for name, (raw, ready, queued) in made.items():
            value = SHAPES[shape](path)
            with opened_files.watch(site.attack.forbidden) as opened:
                answers = [visitor.send(raw, [value]).text, visitor.send(ready, [value]).text]
                if what == "regular file" and shape == "file" and name.startswith("Image"):
                    answers.append(visitor.queue(queued, [value]))
                assert opened == [], (name, what)
            assert site.asked == [], (name, what)
            for answer in answers:
                assert "neither a picture" in answer or "levels of lists" in answer, (
                    name,
                    what,
                    answer[:300],
                )
                assert not any(secret in answer.replace(path, "") for secret in SECRETS)


def test_an_upload_reaches_a_component_under_a_plain_name(gallery_of_components):
    visitor, _, made = gallery_of_components
    path = visitor.upload("own.png", picture("own"))
    value = file_data(path, orig_name="../../etc/passwd", url="http://127.0.0.1/x", size=-1)
    raw, ready, queued = made["Image"]
    answer = visitor.send(raw, [value]).json()["data"][0]
    assert path in answer
    assert "passwd" in answer
    assert "/etc" not in answer
    assert "127.0.0.1/x" not in answer
    assert "array" in visitor.send(ready, [value]).json()["data"][0]
    assert "array" in visitor.queue(queued, [value])


def test_what_gradio_made_for_a_browser_is_for_that_browser(site):
    """A picture that a handler returns lies in Gradio's folder; whoever saw it may send it back."""
    with GuardedBlocks(site.blocks.files) as blocks:
        shown = gr.Image(type="filepath")
        event = gr.Button().click(lambda: str(site.attack.secret), outputs=[shown], queue=False)
        back = gr.Button().click(lambda path: path, inputs=[shown], outputs=[gr.Textbox()], queue=False)
    app = mount_page(FastAPI(), blocks, read_flags([])[0])
    with TestClient(app, base_url=BASE) as one, TestClient(app, base_url=BASE) as two:
        for each in (one, two):
            each.get("/").raise_for_status()
        value = Visitor(one).send(event["id"], []).json()["data"][0]
        assert Visitor(one).load(value["path"]).status_code == 200
        assert Visitor(two).load(value["path"]).status_code == 404
        assert Visitor(one).send(back["id"], [value]).json()["data"][0] == value["path"]
