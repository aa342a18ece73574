"""/v1/presets, and presets that are dropped."""

import json

import pytest

from tests.api.test_uploads import drop
from tests.arriving_files import archive, lora
from webui.core.preset import PRESET_MARK, PRESET_VERSION


def body(**fields: object) -> dict:
    return {PRESET_MARK: PRESET_VERSION, "fields": fields}


def names(api) -> list[str]:
    return [each["name"] for each in api.get("/v1/presets").raise_for_status().json()["presets"]]


def put(api, name: str, content: dict, *, replace: bool = False):
    return api.put(f"/v1/presets/{name}", params={"replace": replace}, json=content)


def test_a_set_up_is_kept_listed_renamed_deleted_and_put_back(library_api):
    assert put(library_api, "Ink wash", body(prompt="a heron", steps=9)).json() == {"name": "Ink wash"}
    (listed,) = library_api.get("/v1/presets").json()["presets"]
    assert (listed["name"], listed["tab"], listed["prompt"]) == ("Ink wash", "txt2img", "a heron")
    assert put(library_api, "Ink wash", body(steps=10)).status_code == 409
    assert put(library_api, "Ink wash", body(steps=10), replace=True).status_code == 200
    assert library_api.get("/v1/presets/Ink wash").json()["fields"]["steps"] == 10
    renamed = library_api.post("/v1/presets/Ink wash/rename", json={"name": "Ink/brush"})
    assert renamed.json() == {"name": "Ink_brush"}
    identity = library_api.delete("/v1/presets/Ink_brush").json()["id"]
    assert names(library_api) == []
    assert library_api.get("/v1/presets/Ink_brush").status_code == 404
    restored = library_api.post(f"/v1/presets/deleted/{identity}/restore")
    assert restored.json() == {"name": "Ink_brush"}
    assert names(library_api) == ["Ink_brush"]


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("a", body(steps=10**9), 422),
        ("a", body(prompt="x" * 300_000), 422),
        ("a", {PRESET_MARK: PRESET_VERSION, "parts": {"x": "y" * 2**20}}, 422),
        ("a", {PRESET_MARK: "one"}, 422),
        ("%2e%2e%2fa", body(steps=1), 404),
        ("%20", body(steps=1), 400),
        ("%00", body(steps=1), 400),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence_and_leaves_nothing(
    library_api, tmp_path, name, content, status
):
    answer = put(library_api, name, content)
    assert answer.status_code == status
    assert not list(tmp_path.rglob("presets/*"))
    if status != 404:
        assert answer.json()["detail"].endswith(".")


def test_the_set_up_tells_what_the_settings_are(library_api, library_services):
    library_services.settings.change({"CLIP_stop_at_last_layers": 2, "sd_vae": "None"})
    put(library_api, "old", body(steps=4)).raise_for_status()
    library_services.settings.change({"CLIP_stop_at_last_layers": 1, "sd_vae": "Automatic"})
    reading = library_api.get("/v1/presets/old").json()
    assert reading["preset"]["options"] == {"CLIP_stop_at_last_layers": 2}
    assert reading["fields"]["override_settings"] == ["Clip skip: 2"]
    assert (reading["choose"], reading["before"]) == ({"sd_vae": "None"}, {"sd_vae": "Automatic"})


def test_models_that_are_not_here_are_named_with_their_hash_and_the_rest_is_filled(library_api):
    content = body(
        prompt="a cat <lora:ghost:0.5> <lora:other>",
        sampler="Euler in gold",
        refiner=True,
        refiner_model="last.safetensors [0123456789]",
        hires_upscaler="8x-Ghost",
        styles=["gone"],
        steps=5,
        later=True,
    ) | {
        "checkpoint": {"kind": "checkpoint", "name": "dreams.safetensors", "hash": "00112233aa"},
        "vae": {"kind": "vae", "name": "soft.vae.pt"},
        "options": {"CLIP_stop_at_last_layers": 99, "new_option": 1},
        "parts": {"control": {"units": [1, 2]}},
        "mood": "calm",
    }
    (arrival,) = drop(library_api, "from a friend.json", json.dumps(content).encode())
    assert (arrival["outcome"], arrival["added"]) == ("preset", ["from a friend"])
    assert {each["name"]: each["hash"] for each in arrival["missing"]} == {
        "dreams.safetensors": "00112233aa",
        "soft.vae.pt": None,
    }
    assert "2 of its models are not here" in arrival["sentence"]
    reading = library_api.get("/v1/presets/from a friend").raise_for_status().json()
    told = " ".join(reading["problems"])
    for words in (
        "dreams.safetensors [00112233aa] is not here", "soft.vae.pt is not here", "ghost is not here",
        "last.safetensors [0123456789] is not here", "Euler in gold", "8x-Ghost", "'gone'",
        "control", "later", "mood", "CLIP_stop_at_last_layers", "new_option",
    ):  # fmt: skip
        assert words in told
    fields = reading["fields"]
    assert (fields["steps"], fields["refiner"]) == (5, False)
    assert not {"sampler", "hires_upscaler"} & fields.keys()
    assert reading["choose"] == {}
    kept = reading["preset"]
    assert (kept["parts"], kept["fields"]["later"], kept["mood"]) == (content["parts"], True, "calm")


def test_a_lora_that_is_called_otherwise_here_is_found_by_its_hash(library_api, tmp_path):
    drop(library_api, "cat.safetensors", lora())
    put(library_api, "mine", body(prompt="<lora:cat:0.5>")).raise_for_status()
    kept = library_api.get("/v1/presets/mine").json()["preset"]
    (model,) = kept["models"]
    assert (model["name"], len(model["hash"])) == ("cat", 12)
    kept["fields"]["prompt"] = "<lora:kitty:0.5> <lora:cat:1>"
    kept["models"] = [model | {"name": "kitty"}]
    drop(library_api, "other.json", json.dumps(kept | {"name": "shared"}).encode())
    reading = library_api.get("/v1/presets/shared").json()
    assert reading["fields"]["prompt"] == "<lora:cat:0.5> <lora:cat:1>"
    assert reading["problems"] == []


def test_a_dropped_preset_is_kept_once_also_in_a_zip_and_junk_is_refused(library_api, tmp_path):
    data = json.dumps(body(steps=3) | {"name": "ink"}).encode()
    (first,) = drop(library_api, "some name.txt", data)
    (again,) = drop(library_api, "x.json", data)
    (zipped,) = drop(library_api, "x.zip", archive({"ink.json": json.dumps(body(steps=4) | {"name": "ink"})}))
    assert [each["added"] for each in (first, again, zipped)] == [["ink"], ["ink"], ["ink (2)"]]
    assert "is here already" in again["sentence"]
    assert names(library_api) == ["ink", "ink (2)"]
    for junk in (
        b"{" + b'"atelier_preset": 1, ' * 500_000,
        b'{"atelier_preset": 1, "fields": {"steps": 1e99}}',
        b'{"txt2img/Steps/value": 20}',
        b'{"atelier_preset": 1, "name": "<img src=x onerror=alert(1)>", "fields": {"width": "<script>"}}',
    ):
        (refused,) = drop(library_api, "junk.json", junk, chunk=2**20)
        assert (refused["outcome"], refused["added"]) == ("refused", [])
        assert refused["sentence"].startswith("junk.json") and len(refused["sentence"]) < 400
    assert names(library_api) == ["ink", "ink (2)"]


def test_the_document_has_the_types(library_api):
    document = library_api.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    # Pydantic tells what is sent from what is answered.
    assert schemas["PresetFields-Input"]["properties"]["steps"]["anyOf"][0] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 100_000,
    }
    written = document["paths"]["/v1/presets/{name}"]["put"]["requestBody"]["content"]["application/json"]
    assert written["schema"]["$ref"].startswith("#/components/schemas/Preset")
