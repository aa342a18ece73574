"""The OpenAPI document names what A1111's names: paths, methods, fields and types of requests and answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.api.held_worker import HeldWorker, services_with
from tests.golden_cases import GOLDENS
from webui.api.app import build_api

# Of the server that the document was taken from, not of A1111.
NOT_A1111S = "/golden/"
# Texts between the options on A1111's settings page.
NO_OPTIONS = {"infotext_explanation", "profiling_explanation", "sd_vae_explanation"}
# Types of ours that differ, and why.
DIFFERENT = {
    # A list of texts; A1111's document leaves the items open.
    ("post /sdapi/v1/img2img", "init_images"),
    # Theirs is the setting of ngrok's tunnel, which is never shown here.
    ("get /sdapi/v1/cmd-flags", "ngrok_options"),
}
Schema = dict[str, Any]


@pytest.fixture(scope="module")
def ours(tmp_path_factory) -> dict[str, Any]:
    services = services_with(HeldWorker(), tmp_path_factory.mktemp("home"))
    return build_api(services).openapi()


@pytest.fixture(scope="module")
def theirs() -> dict[str, Any]:
    path = Path(GOLDENS) / "a1111-openapi.json"
    return json.loads(path.read_text("utf-8"))


def operations(document: dict[str, Any]) -> dict[str, Schema]:
    return {
        f"{method} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if not path.startswith(NOT_A1111S)
    }


def resolved(schema: Schema, document: dict[str, Any]) -> Schema:
    """Without references, and without the null that pydantic 1 did not write."""
    if "$ref" in schema:
        return resolved(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    if "anyOf" in schema:
        kinds = [each for each in schema["anyOf"] if each.get("type") != "null"]
        return resolved(kinds[0], document) if len(kinds) == 1 else {}
    return schema


def type_of(schema: Schema, document: dict[str, Any]) -> str | None:
    """A type in words: "string", "array of object" …; None where anything goes."""
    schema = resolved(schema, document)
    if schema.get("type") == "array":
        inner = type_of(schema.get("items", {}), document)
        return f"array of {inner}" if inner else "array"
    if "const" in schema or "enum" in schema:
        return "integer"
    return schema.get("type")


def fields(schema: Schema, document: dict[str, Any]) -> dict[str, str | None]:
    """The fields of an object, or of the objects of a list, with their types."""
    schema = resolved(schema, document)
    if schema.get("type") == "array":
        return fields(schema.get("items", {}), document)
    extra = schema.get("additionalProperties")
    inner = fields(extra, document) if isinstance(extra, dict) else {}
    return inner | {name: type_of(each, document) for name, each in schema.get("properties", {}).items()}


def body_of(operation: Schema) -> Schema:
    return operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})


def answer_of(operation: Schema) -> Schema:
    return operation["responses"]["200"]["content"]["application/json"]["schema"]


def parameters_of(operation: Schema) -> set[str]:
    return {parameter["name"] for parameter in operation.get("parameters", [])}


def test_every_path_and_method_of_a1111_is_there(ours, theirs):
    assert set(operations(theirs)) <= set(operations(ours))


@pytest.mark.parametrize("part", [body_of, answer_of])
def test_requests_and_answers_have_a1111s_fields_and_types(part, ours, theirs):
    mine, differing = operations(ours), {}
    for name, operation in operations(theirs).items():
        expected, found = fields(part(operation), theirs), fields(part(mine[name]), ours)
        for field, kind in expected.items():
            if field in NO_OPTIONS:
                continue
            if field not in found:
                differing[name, field] = (kind, "missing")
            elif kind is not None and found[field] != kind and (name, field) not in DIFFERENT:
                differing[name, field] = (kind, found[field])
    assert differing == {}


@pytest.mark.parametrize("part", [body_of, answer_of])
def test_what_is_an_object_or_a_list_in_a1111_is_one_here(part, ours, theirs):
    mine = operations(ours)
    for name, operation in operations(theirs).items():
        kind = type_of(part(operation), theirs)
        assert kind is None or type_of(part(mine[name]), ours) == kind, name


def test_queries_are_a1111s(ours, theirs):
    mine = operations(ours)
    assert all(parameters_of(mine[name]) == parameters_of(each) for name, each in operations(theirs).items())


def test_defaults_of_requests_are_a1111s(ours, theirs):
    mine = operations(ours)
    for name, operation in operations(theirs).items():
        expected = resolved(body_of(operation), theirs).get("properties", {})
        found = resolved(body_of(mine[name]), ours).get("properties", {}) if expected else {}
        for field, schema in expected.items():
            assert found[field].get("default") == schema.get("default"), (name, field)
