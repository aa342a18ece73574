"""Whatever is sent: a sentence with a status of 400 to 499, and never a trace of the program."""

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from webui.api.app import build_api
from webui.core.flags import read_flags
from webui.main import build_services

PICTURE = "R0lGODdhAQABAIABAP///wAAACwAAAAAAQABAAACAkQBADs="


@pytest.fixture(scope="module")
def api(tmp_path_factory) -> TestClient:
    home = tmp_path_factory.mktemp("home")
    flags, _ = read_flags(["--data-dir", str(home), "--models-dir", str(home / "models")])
    app = build_api(build_services(flags, home))

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("secret words")

    return TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)


def is_refused(answer) -> bool:
    detail = answer.json()["detail"]
    return 400 <= answer.status_code < 500 and len(str(detail)) > 10 and "Traceback" not in answer.text


@pytest.mark.parametrize(
    "text", ["\xe4\xf6\xfc", "data:image/png;base64,\u4e16\u754c", "aGVsbG8\xa0", "", "=", "a" * 9]
)
def test_pictures_in_wrong_letters_are_refused(text, api):
    assert is_refused(api.post("/sdapi/v1/png-info", json={"image": text}))
    assert is_refused(api.post("/sdapi/v1/img2img", json={"init_images": [text]}))
    assert is_refused(api.post("/sdapi/v1/extra-single-image", json={"image": text}))


@pytest.mark.parametrize("arguments", [5, "x", True, {"a": 1}, 1.5])
@pytest.mark.parametrize("script", ["Refiner", "Soft Inpainting", "Nothing"])
def test_arguments_of_scripts_that_are_no_list_are_refused(arguments, script, api):
    body = {"alwayson_scripts": {script: {"args": arguments}}, "init_images": [PICTURE]}
    assert is_refused(api.post("/sdapi/v1/txt2img", json=body))
    assert is_refused(api.post("/sdapi/v1/img2img", json=body))


LINKS = [
    *(
        "nonsense",
        "ftp://x.example/y",
        "https://u:p@x.example/a.safetensors",
        "https://evil.example/x",
        "https://[",
    ),
    *(
        "https://x.example:99999999/a.safetensors",
        "https://x.example:port/a.safetensors",
        "http://x/a.safetensors",
    ),
    *(
        "https://civitai.com/models/x",
        "urn:air:sd1:lora:civitai:x@y",
        "https://huggingface.co/docs",
        "\0",
        "//x",
    ),
]


@pytest.mark.parametrize("link", LINKS)
def test_a_link_that_is_not_understood_is_the_asker_s_mistake(link, api):
    """No host is asked."""
    assert is_refused(api.post("/v1/links", json={"text": link}))
    assert is_refused(api.post("/v1/downloads", json={"link": link}))


def test_a_mistake_of_ours_is_a_sentence_without_its_details(api):
    answer = api.get("/broken")
    assert answer.status_code == 500
    assert answer.json()["detail"].endswith(".")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
ROUTES = [
    *("/sdapi/v1/options", "/sdapi/v1/png-info", "/v1/uploads", "/v1/links", "/v1/missing", "/v1/downloads"),
    *("/v1/styles", "/v1/styles/apply", "/v1/styles/extract"),
    *("/v1/cards/updates", "/v1/cards/fetch", "/sdapi/v1/extra-single-image", "/sdapi/v1/extra-batch-images"),
]


@given(JSON)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_body_is_taken_or_refused(api, body):
    for route in ROUTES:
        assert api.post(route, json=body).status_code < 500


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"image": ' + b"9" * 10_000 + b"}", b"NaN"]
)
def test_a_body_that_is_no_json_is_refused(body, api):
    for route in (*ROUTES, "/sdapi/v1/txt2img"):
        answer = api.post(route, content=body, headers={"content-type": "application/json"})
        assert is_refused(answer), (route, answer.text)
