"""Extensions' parts and scripts through the API: lists, requests, files."""

import json

import pytest
from fastapi.testclient import TestClient

from tests.plugins.extension_files import PART, write_extension
from webui.api.app import build_api
from webui.core.flags import read_flags
from webui.core.request import make_request
from webui.main import build_services

SCRIPT = '''
from typing import ClassVar
from webui.plugins import RequestPart, hookimpl

class Values(RequestPart):
    """Values."""
    key: ClassVar[str] = "twice"
    title: ClassVar[str] = "Twice"
    is_script: ClassVar[bool] = True
    times: int = 2

class Twice:
    title = "Twice"
    part = Values
    def run(self, request, context):
        yield from context.events(request)

@hookimpl
def register_scripts():
    return [Twice()]
'''


OPTIONS = """
from webui.plugins import FurtherOptions, InvalidRequest, hookimpl

KEPT = {"border_width": 3, "border_owner": "me", "border_odd": {1, 2}}

def keep(values):
    if not isinstance(values.get("border_width", 0), int):
        raise InvalidRequest("border_width takes a number.")
    KEPT.update(values)

@hookimpl
def further_options():
    return FurtherOptions(dict(KEPT), keep, frozenset({"border_owner"}))
"""


@pytest.fixture
def services(tmp_path):
    folder = write_extension(tmp_path / "extensions", "sharp", PART, style__css="p {}")
    write_extension(tmp_path / "extensions", "scripts", SCRIPT)
    write_extension(tmp_path / "extensions", "broken", "1 / 0")
    (folder / "javascript").mkdir()
    (folder / "javascript" / "draw.js").write_text("export {};")
    (folder / "javascript" / "link.js").symlink_to("/etc/hostname")
    return build_services(read_flags(["--data-dir", str(tmp_path), "--nowebui"])[0], tmp_path)


@pytest.fixture
def client(services):
    return TestClient(build_api(services), base_url="http://127.0.0.1")


def test_the_page_hears_of_parts_scripts_and_files(client):
    told = client.get("/v1/parts").json()
    part, script = told["parts"][1], told["parts"][0]
    assert (part["key"], part["extension"], script["key"]) == ("sharpness", "sharp", "twice")
    assert part["schema"]["properties"]["amount"]["maximum"] == 4
    assert part["defaults"]["enabled"] is False
    assert told["scripts"] == [{"title": "Twice", "key": "twice"}]
    assert told["scripts_of_extensions"] == ["v1/extensions/sharp/files/javascript/draw.js"]
    assert told["styles"] == ["v1/extensions/sharp/files/style.css"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("sharp/files/javascript/draw.js", 200),
        ("sharp/files/style.css", 200),
        ("sharp/files/plugin.py", 404),
        ("sharp/files/javascript/link.js", 404),
        ("sharp/files/javascript/%2e%2e/plugin.py", 404),
        ("broken/files/style.css", 404),
        ("nobody/files/style.css", 404),
    ],
)
def test_only_the_files_of_the_page_are_given_out(client, path, status):
    assert client.get(f"/v1/extensions/{path}").status_code == status


def test_extensions_are_listed_switched_off_and_failures_named(client, services):
    told = client.get("/v1/extensions").json()
    states = {each["name"]: each["state"] for each in told["extensions"]}
    assert states == {"broken": "failed", "scripts": "on", "sharp": "on"}
    assert "ZeroDivisionError" in told["problems"][0]
    assert client.patch("/v1/extensions/sharp", json={"wanted": False}).json()["wanted"] is False
    assert services.settings.current.extensions.disabled_extensions == ("sharp",)
    assert client.patch("/v1/extensions/nobody", json={"wanted": False}).status_code == 404
    assert client.patch("/v1/extensions/sharp", json={"settings": {"a": 1}}).status_code == 400


def test_scripts_are_listed_for_a1111s_clients(client):
    assert {"sharp", "twice"} <= set(client.get("/sdapi/v1/scripts").json()["txt2img"])
    infos = {(each["name"], each["is_img2img"]): each for each in client.get("/sdapi/v1/script-info").json()}
    assert [arg["label"] for arg in infos["sharp", False]["args"]][:2] == ["Enabled", "Amount"]
    assert infos["twice", True]["is_alwayson"] is False


def test_options_of_extensions_are_read_and_changed_as_a1111s(tmp_path):
    write_extension(tmp_path / "extensions", "border", OPTIONS)
    write_extension(
        tmp_path / "extensions", "wrong", OPTIONS.replace("FurtherOptions(dict(KEPT)", "str(dict(KEPT)")
    )
    services = build_services(read_flags(["--data-dir", str(tmp_path), "--nowebui"])[0], tmp_path)
    client = TestClient(build_api(services), base_url="http://127.0.0.1")
    told = client.get("/sdapi/v1/options").json()
    assert (told["border_width"], told["border_owner"], told["CLIP_stop_at_last_layers"]) == (3, "me", 1)
    assert isinstance(told["border_odd"], str)
    change = {"border_width": 5, "border_odd": None, "border_owner": "me", "CLIP_stop_at_last_layers": 2}
    client.post("/sdapi/v1/options", json=change).raise_for_status()
    told = client.get("/sdapi/v1/options").json()
    assert (told["border_width"], told["CLIP_stop_at_last_layers"]) == (5, 2)
    assert isinstance(told["border_odd"], str)
    for wrong, words in (
        ({"border_owner": "you"}, "cannot be changed by an API call"),
        ({"border_width": "wide"}, "takes a number"),
        ({"border_widths": 5}, "Did you mean 'border_width'?"),
    ):
        answer = client.post("/sdapi/v1/options", json=wrong)
        assert answer.status_code in {400, 404, 422}
        assert words in answer.json()["detail"]
    # A value that is refused, an extension's or one of ours, leaves the other as it was.
    for width, skip in (("wide", 3), (7, 0), (7, "many")):
        both = {"border_width": width, "CLIP_stop_at_last_layers": skip}
        assert client.post("/sdapi/v1/options", json=both).status_code in {400, 422}
    told = client.get("/sdapi/v1/options").json()
    assert (told["border_width"], told["CLIP_stop_at_last_layers"]) == (5, 2)


@pytest.mark.parametrize("name", ["sharp", "Sharpness", "SHARP"])
@pytest.mark.parametrize("args", [[True, 2.5, "hard"], [{"enabled": True, "amount": 2.5, "mode": "hard"}]])
def test_an_entry_of_alwayson_scripts_becomes_the_parts_values(services, name, args):
    extras = fields_of(services, alwayson_scripts={name: {"args": args}})["extras"]
    assert services.plugins.check_extras(extras) == {
        "sharpness": {"enabled": True, "amount": 2.5, "mode": "hard", "words": ""}
    }


def test_a_script_is_chosen_by_name_and_an_infotext_sets_parts(services):
    fields = fields_of(services, script_name="twice", script_args=[3], infotext=INFOTEXT)
    assert fields["script"] == "Twice"
    extras = services.plugins.check_extras(fields["extras"], fields["script"])
    assert extras["twice"] == {"times": 3}
    assert extras["sharpness"]["amount"] == 3


INFOTEXT = 'a cat\nSteps: 20, Sampler: Euler, Sharpness: "{\\"enabled\\": true, \\"amount\\": 3.0}"'


def fields_of(services, **body):
    """The fields that a body becomes."""
    from webui.api.sdapi.bodies import Txt2ImgBody
    from webui.api.sdapi.fields import request_fields
    from webui.api.sdapi.given_pictures import GivenPictures

    return request_fields(Txt2ImgBody(**body), {}, GivenPictures(services.inputs, {}), services.plugins)


def test_wrong_values_are_refused_by_name_and_unknown_scripts_too(client):
    wrong = {"alwayson_scripts": {"sharp": {"args": [True, 9]}}}
    refused = client.post("/sdapi/v1/txt2img", json=wrong)
    assert refused.status_code == 400
    assert "Sharpness: The amount is 9" in refused.json()["detail"]
    unknown = {"alwayson_scripts": {"nobody": {"args": [True]}}}
    assert client.post("/sdapi/v1/txt2img", json=unknown).status_code == 422


def test_parts_of_extensions_that_are_gone_are_told_and_left_out(services):
    extras = {"gone": {"a": 1}, "sharpness": {"enabled": True}}
    assert list(services.plugins.check_extras(extras)) == ["sharpness"]
    (said,) = services.plugins.describe_unknown(extras)
    assert "gone" in said


def test_what_a_page_keeps_comes_back_from_a_request_and_its_infotext(services):
    from webui.ui.extension_field import field_of_infotext, field_of_request, request_of_extensions

    text = json.dumps({"parts": {"sharpness": {"enabled": True, "words": 'a, "b": {c}'}}, "script": "Twice"})
    wanted = request_of_extensions({"extensions": text})
    wanted["extras"] = services.plugins.check_extras(wanted["extras"], wanted["script"])
    request = make_request(**wanted)
    assert json.loads(field_of_request(request)["extensions"])["script"] == "Twice"
    entries = services.plugins.infotext_entries(request)
    from webui.core.infotext_syntax import join_fields

    infotext = join_fields("a", "", {"Steps": 1, "Sampler": "Euler", "Seed": 1, **entries})
    told = json.loads(field_of_infotext(infotext, services.plugins)[0]["extensions"])
    assert told["parts"] == {"sharpness": request.extras["sharpness"]}
