"""Forged files in every event of the page: none comes through, none is even opened, and nothing hangs."""

import concurrent.futures
import json
from collections.abc import Callable
from typing import Any

import pytest
from gradio.blocks import BlockFunction

from tests.security.conftest import SECRET_TEXT, picture
from tests.security.page_visitor import file_data

# No event of an idle page takes so long; reading a device never ends.
PATIENCE_S = 30
SECRETS = (SECRET_TEXT, "TOP-SECRET-KEY", "root:x:", "internal secret")


def gallery_info(path: str) -> str:
    """What the page's gallery keeps of its pictures."""
    return json.dumps(
        {"job_id": "x", "paths": [path], "infotexts": [""], "indexes": [0], "latents": [path]}
        | {"all_seeds": [1], "all_subseeds": [1], "index_of_first_image": 0}
    )


def nest(value: Any, levels: int) -> Any:
    for level in range(levels):
        value = [value] if level % 2 else {"inner": value}
    return value


# What components and handlers could take for a file, by name.
SHAPES: dict[str, Callable[[str], Any]] = {
    "file": file_data,
    "file without mark": lambda path: {"path": path},
    "file with an own address": lambda path: file_data("", url=path),
    "only an address": lambda path: {"url": path},
    "marked address": lambda path: file_data(None, url=path),
    "stream": lambda path: file_data(path, is_stream=True, orig_name="../../x.png"),
    "list in place of a path": lambda path: file_data([path]),
    "files": lambda path: [file_data(path), file_data(path)],
    "gallery": lambda path: [{"image": file_data(path), "caption": None}],
    "editor": lambda path: {"background": file_data(path), "layers": [file_data(path)], "composite": None},
    "chat": lambda path: [{"role": "user", "content": [{"type": "file", "file": file_data(path)}]}],
    "message": lambda path: {"text": "", "files": [file_data(path)]},
    "video": lambda path: {"video": file_data(path), "subtitles": file_data(path)},
    "deep": lambda path: nest(file_data(path), 40),
    "too deep": lambda path: nest(file_data(path), 90),
}
# Texts are no files to the check: handlers that get one must look up what it names.
TEXTS: dict[str, Callable[[str], Any]] = {
    "text": str,
    "texts": lambda path: [path],
    "gallery info": gallery_info,
    "canvas": lambda path: json.dumps({"image": path, "mask": path, "original": path, "width": 8}),
    "form": lambda path: json.dumps({"option": "sd_vae", "title": path, "batch_input_dir": path}),
}


def events(site) -> dict[int, BlockFunction]:
    return {index: event for index, event in site.blocks.fns.items() if event.fn is not None}


def file_events(site) -> dict[int, BlockFunction]:
    kinds = ("image", "file")
    return {
        index: event
        for index, event in events(site).items()
        if any(component.get_block_name() in kinds for component in event.inputs)
    }


def fire(site, index, event, value):
    """One event with the value in each of its inputs and in its own data; all that the server answers."""
    data = [value] * len(event.inputs)
    if event.queue is False:
        return site.visitor.send(index, data, value).text
    return site.visitor.queue(index, data, value)


def attack(site, opened_files, shots):
    """Fire (index, event, path, value), and check that nothing was opened, asked for or told."""
    pool = concurrent.futures.ThreadPoolExecutor(1)
    try:
        with opened_files.watch(site.attack.forbidden) as opened:
            for index, event, path, value in shots:
                answer = pool.submit(fire, site, index, event, value).result(PATIENCE_S)
                where = (index, event.name, path, str(value)[:80])
                assert opened == [], where
                assert site.asked == [], where
                told = answer.replace(path, "")
                assert not any(secret in told for secret in SECRETS), (where, told[:500])
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def test_every_event_refuses_every_forged_path(site, opened_files):
    paths = site.attack.paths.values()
    shots = [(index, event, path, file_data(path)) for index, event in events(site).items() for path in paths]
    assert len(shots) > 1000
    attack(site, opened_files, shots)


@pytest.mark.parametrize("shape", [*SHAPES, *TEXTS])
def test_every_event_refuses_a_forged_file_in_any_shape(site, opened_files, shape):
    make = (SHAPES | TEXTS)[shape]
    path = site.attack.paths["regular file"]
    # Where there is no component to hold a text, it says nothing.
    fired = {index: event for index, event in events(site).items() if shape in SHAPES or event.inputs}
    attack(site, opened_files, [(index, event, path, make(path)) for index, event in fired.items()])


def test_events_that_take_files_refuse_every_path_in_every_shape(site, opened_files):
    taking = file_events(site)
    assert len(taking) >= 4
    attack(
        site,
        opened_files,
        [
            (index, event, path, make(path))
            for index, event in taking.items()
            for path in site.attack.paths.values()
            for make in (SHAPES | TEXTS).values()
        ],
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_refused_is_refused_with_a_sentence(site, shape):
    index = next(iter(file_events(site)))
    for path in site.attack.paths.values():
        answer = fire(site, index, events(site)[index], SHAPES[shape](path))
        assert "error" in answer
        assert "upload" in answer or "Reload" in answer, answer


def test_an_upload_of_ones_own_comes_through(site):
    path = site.visitor.upload("own.png", picture("a fox\nSteps: 7, Sampler: Euler"))
    for index, event in file_events(site).items():
        data = [
            file_data(path) if component.get_block_name() == "image" else None for component in event.inputs
        ]
        answer = site.visitor.send(index, data)
        assert "neither a picture" not in answer.text
        if event.fn.__qualname__.startswith("wire_pnginfo"):
            assert "Sampler: Euler" in answer.text
    assert site.visitor.load(path).headers["content-type"] == "image/png"


def test_pictures_of_the_gallery_can_be_chosen(site):
    path = site.home / "outputs" / "chosen.png"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(picture("chosen"))
    site.services.pictures.add(path)
    choosing = [
        index
        for index, event in events(site).items()
        if getattr(event.fn, "__name__", "") == "select_picture"
    ]
    assert len(choosing) == 3
    for index in choosing:
        chosen = {"index": 0, "value": {"image": file_data(str(path)), "caption": None}}
        answer = site.visitor.send(index, [gallery_info(str(path))], chosen)
        assert answer.status_code == 200, answer.text
        chosen["value"] = {"image": file_data(str(site.attack.secret))}
        assert "neither a picture" in site.visitor.send(index, [gallery_info("")], chosen).text


def copies_of_the_secret(site) -> set[str]:
    secret = site.attack.secret.read_bytes()
    own = [path for path in site.home.rglob("*") if path.is_file() and not path.is_symlink()]
    return {str(path) for path in own if path != site.attack.secret and path.read_bytes() == secret}


@pytest.fixture(scope="module", autouse=True)
def copies_before(site) -> set[str]:
    """What handlers of other tests gave away of their own accord."""
    return copies_of_the_secret(site)


def test_nothing_of_the_secret_was_copied(site, copies_before):
    """Runs last: whatever an event had read would lie in one of the program's own folders by now."""
    assert copies_of_the_secret(site) == copies_before
