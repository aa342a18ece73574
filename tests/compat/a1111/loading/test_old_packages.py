"""Files that are written for older packages than those that are installed."""

import json
import sys

import pydantic
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.compat.a1111.loading.test_namespaces import load  # noqa: F401 - a fixture
from webui.compat.a1111.loading.old_packages import OldPackages

MODELS = """
import pydantic
from typing import Any, ClassVar, List, Optional
from pydantic import BaseModel, Extra, Field, conlist, constr, root_validator, validator

class Part(BaseModel):
    name: constr(regex="[a-z]") = "a"

class Unit(BaseModel):
    kind: ClassVar[str] = "unit"
    weight: Optional[float] = Field(title="Weight", ge=0)
    model: Optional[str]
    anything: Any
    label: str = "none"
    code: str = Field("ab", regex="ab+")
    version: int = Field(2, const=True)
    tags: List[str] = Field([], max_items=2)
    parts: List[Part] = []
    steps = 20

    class Config:
        orm_mode = True
        allow_population_by_field_name = True
        arbitrary_types_allowed = True
        json_encoders = {set: sorted}

    @validator("tags", each_item=True)
    def raise_tags(cls, value):
        return value.upper()

    @validator("label", always=True, pre=True)
    def say_field(cls, value, values, field, config, **more):
        return f"{field.name} {config.orm_mode} {sorted(values)[0]}" if value == "none" else value

    @root_validator
    def count(cls, values):
        values["steps"] += 1
        return values

    @root_validator(pre=True)
    def look(cls, values):
        return dict(values)

def answer(body: Unit) -> Unit:
    return body

class Strict(Unit, extra=Extra.forbid):
    class Config(Unit.Config):
        allow_mutation = False
"""
SETTINGS = """
from pydantic import BaseSettings, Field, validator
from pydantic.fields import ModelField
import pydantic.generics

class Wanted(BaseSettings):
    place: str = Field("here", env="ATELIER_TEST_PLACE")

class Box(pydantic.generics.GenericModel):
    size = 3
"""
NEW = """
from pydantic import BaseModel, ConfigDict
import pydantic as whole

class Mine(BaseModel):
    model_config = ConfigDict(extra="forbid")
    maybe: int | None
"""


@pytest.fixture
def unit(load):  # noqa: F811 - the fixture
    return load(a__scripts__models=MODELS)["a/models"]


def test_models_of_pydantic_1_say_what_they_said_there(unit):
    made = unit.Unit(tags=["x"], label=3)
    assert (made.weight, made.model, made.anything, made.steps) == (None, None, None, 21)
    assert (made.tags, made.label) == (["X"], "3")
    assert unit.Unit().label == "label True anything"
    assert json.loads(made.json(indent=2, ensure_ascii=False))["steps"] == 21
    assert unit.Unit.parse_raw(made.json()).steps == 22
    assert made.dict(skip_defaults=True, exclude={"steps"}) == {"tags": ["X"], "label": "3"}
    assert made.copy(update={"anything": {2, 1}}).json(include={"anything"}) == '{"anything": [1, 2]}'
    field = unit.Unit.__fields__["tags"]
    assert (field.type_, field.required, field.default, field.name) == (str, False, [], "tags")
    assert unit.Unit.__fields__["weight"].outer_type_ is float


def test_an_object_with_the_fields_attributes_is_read(unit):
    class Row:
        weight, model, anything, label, code, version, tags, parts, steps = 1, "m", 0, "l", "ab", 2, [], [], 3

    assert unit.Unit.from_orm(Row()).steps == 4


@pytest.mark.parametrize(
    "wrong",
    [{"code": "xab"}, {"version": 3}, {"weight": -1}, {"tags": list("abc")}, {"parts": [{"name": "1"}]}],
)
def test_what_pydantic_1_refuses_is_refused(unit, wrong):
    with pytest.raises(unit.pydantic.ValidationError):
        unit.Unit(**wrong)


def test_a_configuration_is_derived_and_given_in_the_line_of_a_class(unit):
    with pytest.raises(pydantic.ValidationError):
        unit.Strict(other=1)
    with pytest.raises(pydantic.ValidationError):
        unit.Strict().steps = 3


def test_routes_take_such_models(unit):
    app = FastAPI()
    app.post("/units")(unit.answer)
    client = TestClient(app)
    assert client.post("/units", json={"tags": ["a"]}).json()["tags"] == ["A"]
    assert client.post("/units", json={"weight": -1}).status_code == 422
    assert "weight" in client.get("/openapi.json").json()["components"]["schemas"]["Unit"]["properties"]


def test_files_that_know_pydantic_2_and_everybody_else_have_it(load):  # noqa: F811 - the fixture
    modules = load(a__scripts__models=MODELS, a__scripts__new=NEW)
    assert modules["a/new"].whole is pydantic
    with pytest.raises(pydantic.ValidationError):
        modules["a/new"].Mine()
    assert sys.modules["pydantic"] is pydantic
    assert pydantic.BaseModel.model_config == {}


def test_what_only_pydantic_1_has_is_its_own(load, monkeypatch):  # noqa: F811 - the fixture
    monkeypatch.setenv("ATELIER_TEST_PLACE", "there")
    settings = load(a__scripts__settings=SETTINGS)["a/settings"]
    assert settings.Wanted().place == "there"
    assert settings.Box().size == 3
    assert settings.ModelField.__module__ == "pydantic.v1.fields"


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("import numpy as np\nnp.float", OldPackages(numpy=True)),
        ("import numpy as np\nnp.float32", OldPackages()),
        ("  from pydantic import BaseModel", OldPackages(pydantic="over 2")),
        ("from pydantic import BaseModel, field_validator", OldPackages()),
        ("try:\n    from pydantic.v1 import BaseModel\nexcept ImportError:\n    pass", OldPackages()),
        ("from pydantic import BaseModel\nx.model_dump()", OldPackages()),
        ("from pydantic_core import x", OldPackages()),
        ("from pydantic.generics import GenericModel", OldPackages(pydantic="1")),
    ],
)
def test_a_files_text_tells_which_packages_it_is_written_for(source, wanted):
    assert OldPackages.of(source) == wanted
