"""Extensions that hold or end the start of a page, the routes of others, and scripts over the API."""

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.compat.a1111.serving import data_folder, read_log, serve

PAGE_LOGIN, API_LOGIN = "me:page-secret", "it:api-secret"
PANEL = """
import builtins, sys, time
import gradio as gr
from modules import script_callbacks, scripts


class Panel(scripts.Script):
    def title(self):
        return "{name} panel"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        with gr.Accordion("{name}"):
            box = gr.Checkbox(label="{name}")
            {wrong}
        return [box]
"""
WRONG = {
    "hangs": "while True: time.sleep(0.01)",
    "exits": "sys.exit(3)",
    "interrupts": "raise KeyboardInterrupt",
    "prints": "builtins.print = builtins.open = None",
}
OPEN = """
from fastapi.middleware.cors import CORSMiddleware
from modules import script_callbacks
from webui.core.errors import InvalidRequest


def on_app_started(demo, app):
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])

    @app.middleware("http")
    async def open_to_all(request, call_next):
        request.scope["user"] = "everybody"
        return await call_next(request)

    @app.get("/opens/secret")
    def secret():
        return {"secret": 1}

    @app.websocket("/opens/socket")
    async def socket(websocket):
        await websocket.accept()

    raise InvalidRequest("It fails after it has opened all.")


script_callbacks.on_app_started(on_app_started)
"""

SHADOWS = """
from modules import script_callbacks
from starlette.responses import JSONResponse
from starlette.routing import Route


async def answer(request):
    return JSONResponse({"taken": True})


def on_app_started(demo, app):
    for path in ("/", "/config", "/v1/extensions", "/sdapi/v1/samplers", "/shadows/own"):
        app.router.routes.insert(0, Route(path, answer))
    # The program's own are routers within.
    app.router.routes[:] = [each for each in app.router.routes if hasattr(each, "path")]


script_callbacks.on_app_started(on_app_started)
"""
MANY = "[gr.Textbox(label=str(number)) for number in range(2500)]"


def write_extensions(home: Path) -> list[Path]:
    """Folders of extensions that do what none should."""
    sources = {name: PANEL.format(name=name, wrong=wrong) for name, wrong in WRONG.items()}
    sources["many"] = PANEL.format(name="many", wrong=MANY)
    for name, source in (sources | {"opens": OPEN, "shadows": SHADOWS}).items():
        (home / name / "scripts").mkdir(parents=True)
        (home / name / "scripts" / "a.py").write_text(source)
    return [home / name for name in (*sources, "opens", "shadows")]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("hostile")
    wrong = write_extensions(folder / "sources")
    flags = ["--api", "--gradio-auth", PAGE_LOGIN, "--api-auth", API_LOGIN]
    with serve([*wrong, "panels"], folder, flags) as address:
        yield address, folder


def ask(address: str, login: str = "", body: dict[str, Any] | None = None, **headers: str) -> tuple[int, Any]:
    """The status and the JSON of an answer."""
    if login:
        headers["Authorization"] = f"Basic {b64encode(login.encode()).decode()}"
    data = None if body is None else json.dumps(body).encode()
    if data is not None:
        headers["Content-Type"] = "application/json"
    try:
        with urlopen(Request(address, data, headers), timeout=120) as answer:
            return answer.status, json.loads(answer.read())
    except HTTPError as error:
        return error.code, error.read().decode()


def test_a_hanging_or_exiting_panel_costs_its_own_extension_alone(served: tuple[str, Path]):
    address, folder = served
    log = read_log(folder)
    assert "The extension 'hangs' did not come back from ui within 15 s" in log
    assert log.count("did not come back") == 1
    assert "The extension prints replaced open, print; put back" in log
    status, found = ask(f"{address}sdapi/v1/script-info", API_LOGIN)
    assert status == 200
    arguments = {each["name"]: len(each["args"]) for each in found if not each["is_img2img"]}
    assert [arguments[f"{name} panel"] for name in WRONG] == [0, 0, 0, 1]
    assert arguments["test panel"] == 4


@pytest.mark.parametrize("path", ["test-panel/hello", "opens/secret"])
def test_routes_of_extensions_stand_behind_the_guard(served: tuple[str, Path], path: str):
    address, _ = served
    assert ask(f"{address}{path}")[0] == 401
    assert ask(f"{address}{path}", "me:guess")[0] == 401
    assert ask(f"{address}{path}", API_LOGIN, Origin="https://elsewhere.example")[0] == 403
    status, found = ask(f"{address}{path}", API_LOGIN)
    assert (status, len(found)) == (200, 1)


def test_routes_at_addresses_of_the_program_are_named_and_answer_nothing(served: tuple[str, Path]):
    address, _ = served
    for path in ("v1/extensions", "sdapi/v1/samplers"):
        status, found = ask(f"{address}{path}", API_LOGIN)
        assert (status, "taken" in str(found)) == (200, False)
    assert "taken" not in str(ask(f"{address}config", PAGE_LOGIN))
    assert ask(f"{address}shadows/own", API_LOGIN) == (200, {"taken": True})
    errors = {
        each["name"]: each["error"] for each in ask(f"{address}v1/extensions", API_LOGIN)[1]["extensions"]
    }
    taken = "GET /, GET /config, GET /sdapi/v1/samplers, GET /v1/extensions"
    assert f"The program answers at {taken} itself" in errors["shadows"]
    assert "Its panel has 25" in errors["many"]


def test_scripts_of_extensions_are_run_over_the_api(served: tuple[str, Path]):
    address, folder = served
    log = data_folder(folder) / "extensions" / "panels" / "log.txt"
    names = ask(f"{address}sdapi/v1/scripts", API_LOGIN)[1]
    assert {"test panel", "test script"} <= set(names["txt2img"]) & set(names["img2img"])
    body = {"prompt": "a cat", "steps": 1, "width": 64, "height": 64, "seed": 5}
    panel = {"Test Panel": {"args": [True, "from afar", "b"]}}
    status, found = ask(f"{address}sdapi/v1/txt2img", API_LOGIN, body | {"alwayson_scripts": panel})
    assert status == 200, found
    # What was not given holds what the page has.
    assert "process True from afar b {'plain': (1, 2)}" in log.read_text()
    assert "Panel words: from afar" in json.loads(found["info"])["infotexts"][0]
    chosen = {"script_name": "test script", "script_args": ["a dog"]}
    status, found = ask(f"{address}sdapi/v1/txt2img", API_LOGIN, body | chosen)
    assert status == 200, found
    assert "run a dog" in log.read_text()
    assert json.loads(found["info"])["infotexts"][0].startswith("a dog")
    both = body | chosen | {"alwayson_scripts": panel, "init_images": [found["images"][0]]}
    status, found = ask(f"{address}sdapi/v1/img2img", API_LOGIN, both)
    assert status == 200, found
    assert "Panel words: from afar" in json.loads(found["info"])["infotexts"][0]
    picture = {"image": found["images"][0], "upscaling_resize": 1}
    status, made = ask(f"{address}sdapi/v1/extra-single-image", API_LOGIN, picture)
    assert status == 200, made
    assert "Inverted: no" in made["html_info"]
    status, found = ask(f"{address}sdapi/v1/txt2img", API_LOGIN, body | {"script_name": "no such"})
    assert status == 422
    assert "no such" in found
    wrong = {"alwayson_scripts": {"Test Panel": {"args": [True] * 40}}}
    assert ask(f"{address}sdapi/v1/txt2img", API_LOGIN, body | wrong)[0] in (200, 422)
