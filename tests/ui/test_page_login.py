"""Who may upload through the page when the API and the page have accounts."""

import pytest
from fastapi.testclient import TestClient

from webui.core.flags import read_flags
from webui.main import build_app, build_services

LOGIN = {"username": "ann", "password": "red"}


@pytest.fixture
def client(tmp_path):
    """A server with one account for the API and another for the page; its queue does not run."""
    folders = ["--data-dir", str(tmp_path), "--models-dir", str(tmp_path / "models")]
    flags, _ = read_flags([*folders, "--api-auth", "bob:blue", "--gradio-auth", "ann:red"])
    return TestClient(build_app(build_services(flags, tmp_path)), base_url="http://127.0.0.1")


def status(client, path="/v1/inputs", **options):
    return client.post(path, content=b"no picture", **options).status_code


def test_a_stranger_may_not_upload(client):
    assert status(client) == 401


def test_an_account_of_the_api_may_upload(client):
    assert status(client, auth=("bob", "blue")) == 422


def test_who_is_logged_in_to_the_page_may_upload_and_no_more(client):
    client.post("/login", data=LOGIN).raise_for_status()
    assert status(client) == 422
    assert status(client, "/sdapi/v1/txt2img") == 401


def test_where_the_page_asks_for_a_login_a_stranger_may_not_touch_the_models(tmp_path):
    folders = ["--data-dir", str(tmp_path), "--models-dir", str(tmp_path / "models")]
    flags, _ = read_flags([*folders, "--gradio-auth", "ann:red"])
    client = TestClient(build_app(build_services(flags, tmp_path)), base_url="http://127.0.0.1")
    paths = ("/v1/cards", "/v1/uploads", "/v1/downloads", "/v1/trash", "/v1/keys")
    assert [client.get(path).status_code for path in paths] == [401] * len(paths)
    client.post("/login", data=LOGIN).raise_for_status()
    assert [client.get(path).status_code for path in paths] == [200] * len(paths)
