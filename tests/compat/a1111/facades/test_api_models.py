"""`modules.api`: bodies in the spelling of pydantic 1, pictures in base64."""

import base64
import io

import pytest
from PIL import Image

from webui.core.errors import InvalidRequest


@pytest.fixture
def models(ready_host):
    from modules.api import models

    return models


def test_bodies_have_the_fields_and_defaults_of_our_own_routes(models):
    from webui.api.sdapi.bodies import Img2ImgBody, Txt2ImgBody

    for name, own in (("Txt2Img", Txt2ImgBody), ("Img2Img", Img2ImgBody)):
        made = getattr(models, f"StableDiffusion{name}ProcessingAPI")
        ours = {key: field.default for key, field in own.model_fields.items()}
        theirs = {key: field.default for key, field in made.model_fields.items()}
        assert {key: theirs[key] for key in ours if key in theirs} == {
            key: ours[key] for key in ours if key in theirs
        }
        assert set(ours) - set(theirs) <= {"extra"}


def test_answers_have_the_fields_of_our_own(models):
    from webui.api.sdapi import answers

    own = {
        name: kind for name, kind in vars(answers).items() if isinstance(kind, type) and hasattr(models, name)
    }
    assert len(own) > 15
    for name, kind in own.items():
        assert set(getattr(models, name).model_fields) == set(kind.model_fields), name


def test_pydantic_1_is_understood(models):
    class Mine(models.StableDiffusionTxt2ImgProcessingAPI):
        mine: int = 3

        class Config(models.StableDiffusionTxt2ImgProcessingAPI.__config__):
            extra = "allow"

    body = Mine(prompt="x", other=1)
    assert body.dict()["mine"] == 3
    assert body.dict()["other"] == 1
    assert "prompt" in Mine.__fields__
    assert Mine.parse_obj({"prompt": "y"}).prompt == "y"
    assert models.StableDiffusionTxt2ImgProcessingAPI(prompt="x", unknown=1).json()


def test_a_star_brings_what_extensions_take_with_it(models):
    names = {}
    exec("from modules.api.models import *", names)
    assert {"BaseModel", "Field", "Any", "Optional", "Literal", "InterrogateRequest", "ScriptInfo"} <= set(
        names
    )


def test_models_may_be_made_of_signatures(models):
    class Processing:
        def __init__(self, prompt="p", sd_model=None, steps=3, **kwargs):
            pass

    extra = [{"key": "send", "type": bool, "default": True}]
    made = models.PydanticModelGenerator("X", Processing, extra).generate_model()
    assert made().dict() == {"prompt": "p", "steps": 3, "send": True}


def test_pictures_go_to_base64_and_back(ready_host):
    from modules.api import api

    image = Image.effect_noise((9, 7), 50).convert("RGB")
    image.info["parameters"] = "x\nSteps: 1"
    text = api.encode_pil_to_base64(image)
    for given in (text.decode(), f"data:image/png;base64,{text.decode()}"):
        again = api.decode_base64_to_image(given)
        assert again.tobytes() == image.tobytes()
    assert Image.open(io.BytesIO(base64.b64decode(text))).info["parameters"] == "x\nSteps: 1"
    for wrong in ("", "%%%", "http://127.0.0.1/x.png"):
        with pytest.raises(InvalidRequest):
            api.decode_base64_to_image(wrong)


def test_names_are_looked_up_or_refused(ready_host):
    from fastapi import HTTPException
    from modules.api import api

    assert api.validate_sampler_name("k_euler") == "Euler"
    assert api.upscaler_to_index("lanczos") == 1
    for call in (lambda: api.validate_sampler_name("x"), lambda: api.upscaler_to_index("x")):
        with pytest.raises(HTTPException):
            call()
    assert api.verify_url("http://127.0.0.1/x") is False
    assert api.verify_url("file:///etc/passwd") is False
