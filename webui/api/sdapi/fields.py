"""From the body of an A1111 request to the fields of ours."""

import base64
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from webui.api.sdapi.models import GenerationBody, Img2ImgBody, Txt2ImgBody
from webui.core.errors import InvalidRequest
from webui.core.image_options import OPTION_FIELDS
from webui.core.request_infotext import read_infotext
from webui.core.request_parts import (
    MASKED_CONTENTS,
    RESIZE_MODES,
    Loopback,
    SoftInpainting,
)
from webui.core.sampling import split_legacy_name
from webui.jobs.services import Services
from webui.store.inputs import Inputs

AnyModel = TypeVar("AnyModel", bound=BaseModel)
# Fields of the body that are options of the sampler, by option key. A1111 lets a field win over the option.
SAMPLER_FIELDS = ("s_min_uncond", "s_churn", "s_tmin", "s_tmax", "s_noise")
# Option keys that are fields of the request.
REQUEST_OPTIONS = {
    "sd_model_checkpoint": "model",
    "sd_vae": "vae",
    "tiling": "tiling",
    "face_restoration": "restore_faces",
}
SAME = ("Use same checkpoint", "Use same sampler", "Use same scheduler")
# Fields of the second pass and what the body calls them.
HIRES_BODY = {
    "upscaler": "hr_upscaler",
    "scale": "hr_scale",
    "steps": "hr_second_pass_steps",
    "width": "hr_resize_x",
    "height": "hr_resize_y",
    "model": "hr_checkpoint_name",
    "sampler": "hr_sampler_name",
    "schedule": "hr_scheduler",
    "prompt": "hr_prompt",
    "negative_prompt": "hr_negative_prompt",
}
FIELD_OF_BODY = {
    "sampler_name": "sampler",
    "sampler_index": "sampler",
    "scheduler": "schedule",
    "subseed": "variation_seed",
    "subseed_strength": "variation_strength",
    "seed_resize_from_w": "seed_resize_width",
    "seed_resize_from_h": "seed_resize_height",
    "enable_hr": "hires",
    "refiner_checkpoint": "refiner",
}


class ScriptArguments(BaseModel):
    """One entry of `alwayson_scripts`."""

    args: list[Any] = Field(default_factory=list[Any])


def request_fields(body: GenerationBody, overrides: dict[str, Any], inputs: Inputs) -> dict[str, Any]:
    """The body as fields of GenerationRequest; its pictures go into `inputs`. Raises InvalidRequest."""
    sampler, legacy_schedule = split_legacy_name(body.sampler_name or body.sampler_index or "Euler")
    fields: dict[str, Any] = {
        "prompt": body.prompt,
        "negative_prompt": body.negative_prompt,
        "styles": body.styles or [],
        "width": body.width,
        "height": body.height,
        "sampler": sampler,
        "schedule": body.scheduler or legacy_schedule or "Automatic",
        "steps": body.steps,
        "cfg_scale": body.cfg_scale,
        "seed": body.seed,
        "variation_seed": body.subseed,
        "variation_strength": body.subseed_strength,
        "seed_resize_width": max(body.seed_resize_from_w, 0),
        "seed_resize_height": max(body.seed_resize_from_h, 0),
        "batch_size": body.batch_size,
        "batch_count": body.n_iter,
        "disable_extra_networks": body.disable_extra_networks,
    }
    if body.denoising_strength is not None:
        fields["denoising_strength"] = body.denoising_strength
    if body.infotext:
        fields |= infotext_fields(body)
    for name in ("tiling", "restore_faces"):
        if (value := getattr(body, name)) is not None:
            fields[name] = value
    fields |= {name: overrides[key] for key, name in REQUEST_OPTIONS.items() if key in overrides}
    fields |= refiner_fields(body)
    fields |= img2img_fields(body, inputs) if isinstance(body, Img2ImgBody) else {}
    fields |= hires_fields(body, inputs) if isinstance(body, Txt2ImgBody) else {}
    return fields | script_fields(body, fields) | {"options": picture_options(body, overrides)}


def hires_fields(body: Txt2ImgBody, inputs: Inputs) -> dict[str, Any]:
    """The second pass, where the body asks for one."""
    if not body.enable_hr:
        return {}
    named = {"model": body.hr_checkpoint_name, "sampler": body.hr_sampler_name, "schedule": body.hr_scheduler}
    hires: dict[str, Any] = {name: value for name, value in named.items() if value and value not in SAME}
    hires |= {
        "upscaler": body.hr_upscaler or "",
        "scale": body.hr_scale,
        "steps": body.hr_second_pass_steps,
        "width": body.hr_resize_x,
        "height": body.hr_resize_y,
        "prompt": body.hr_prompt,
        "negative_prompt": body.hr_negative_prompt,
    }
    # Of the infotext, each field that the body does not set, as in A1111.
    said = read_infotext(body.infotext or "").get("hires", {})
    hires |= {name: said[name] for name in said if HIRES_BODY[name] not in body.model_fields_set}
    if body.firstpass_image:
        hires["first_pass"] = inputs.add(from_base64(body.firstpass_image))
    if body.firstphase_width and body.firstphase_height:
        # The first versions' fields: the size asked for is the second pass's.
        hires |= {"width": body.width, "height": body.height}
        return {"hires": hires, "width": body.firstphase_width, "height": body.firstphase_height}
    return {"hires": hires}


def refiner_fields(body: GenerationBody) -> dict[str, Any]:
    """The refiner, where the body names one."""
    name = body.refiner_checkpoint
    if not name or name.lower() == "none":
        return {}
    # Where the body does not say when, A1111's refiner takes over at once.
    return {"refiner": {"model": name, "switch_at": body.refiner_switch_at or 0}}


def img2img_fields(body: Img2ImgBody, inputs: Inputs) -> dict[str, Any]:
    """Init pictures and mask."""
    if not body.init_images:
        raise InvalidRequest("There is no init picture. Send at least one in 'init_images'.")
    fields: dict[str, Any] = {
        "init_images": tuple(inputs.add(from_base64(image)) for image in body.init_images),
        "resize_mode": numbered(RESIZE_MODES, body.resize_mode, "resize_mode"),
    }
    if body.mask:
        blur_x, blur_y = body.mask_blur_x, body.mask_blur_y
        if body.mask_blur is not None:
            blur_x = blur_y = body.mask_blur
        fields["inpainting"] = {
            "mask": inputs.add(from_base64(body.mask)),
            "mask_blur_x": blur_x,
            "mask_blur_y": blur_y,
            "mask_round": body.mask_round,
            "invert": bool(body.inpainting_mask_invert),
            "masked_content": numbered(MASKED_CONTENTS, body.inpainting_fill, "inpainting_fill"),
            "only_masked": body.inpaint_full_res,
            "padding": body.inpaint_full_res_padding,
        }
    return fields


def numbered(names: tuple[str, ...], number: int, field: str) -> str:
    """The name that a number stands for in A1111."""
    if not 0 <= number < len(names):
        meanings = ", ".join(f"{index} ({name})" for index, name in enumerate(names))
        raise InvalidRequest(f"The {field} is {number}, but it should be one of {meanings}.")
    return names[number]


def script_fields(body: GenerationBody, fields: dict[str, Any]) -> dict[str, Any]:
    """What the scripts built into A1111 ask for; others are refused."""
    found: dict[str, Any] = {}
    for name, entry in body.alwayson_scripts.items():
        arguments = ScriptArguments.model_validate(entry if isinstance(entry, dict) else {}).args
        if name.lower() == "soft inpainting":
            if arguments and arguments[0] and "inpainting" in fields:
                found["inpainting"] = fields["inpainting"] | {
                    "soft": positional(SoftInpainting, arguments[1:], name)
                }
        elif name.lower() == "refiner":
            if len(arguments) > 1 and arguments[0]:
                found["refiner"] = {"model": arguments[1]} | (
                    {"switch_at": arguments[2]} if arguments[2:] else {}
                )
        else:
            raise InvalidRequest(f"There is no script {name!r} here. Leave it out of 'alwayson_scripts'.")
    if not body.script_name:
        return found
    if body.script_name.lower() == "loopback" and isinstance(body, Img2ImgBody):
        return found | {"loopback": positional(Loopback, body.script_args[:3], body.script_name)}
    raise InvalidRequest(
        f"This version has no script {body.script_name!r}. Leave 'script_name' out of the request."
    )


def positional(part: type[AnyModel], arguments: list[Any], name: str) -> AnyModel:
    """A part from the arguments of a script, in the order of its fields. Raises InvalidRequest."""
    try:
        return part.model_validate(dict(zip(part.model_fields, arguments, strict=False)))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidRequest(
            f"An argument of {name!r} is {first['input']!r}, but it {first['msg'].removeprefix('Input ')}."
        ) from error


def infotext_fields(body: GenerationBody) -> dict[str, Any]:
    """What the body's infotext says of fields that the body itself does not set. The checkpoint stays."""
    set_by_body = {FIELD_OF_BODY.get(name, name) for name in body.model_fields_set}
    found = read_infotext(body.infotext or "")
    left_out = ("options", "model") if isinstance(body, Txt2ImgBody) else ("options", "model", "hires")
    return {
        name: float(value) if name == "cfg_scale" else value
        for name, value in found.items()
        if name not in set_by_body and name not in left_out
    }


def infotext_overrides(body: GenerationBody) -> dict[str, Any]:
    """The options that the body's infotext names, by option key; those it leaves out stay as they are set."""
    if not body.infotext:
        return {}
    options = read_infotext(body.infotext)["options"]
    key_of = {name: key for key, name in OPTION_FIELDS.items()}
    return {key_of[name]: value for name, value in options.items()}


def picture_options(body: GenerationBody, overrides: dict[str, Any]) -> dict[str, Any]:
    """Picture options of this request alone, by field name."""
    options = {OPTION_FIELDS[key]: value for key, value in overrides.items() if key in OPTION_FIELDS}
    for name in SAMPLER_FIELDS:
        if (value := getattr(body, name)) is not None:
            options[name] = value
    if isinstance(body, Img2ImgBody) and body.initial_noise_multiplier is not None:
        options["initial_noise_multiplier"] = body.initial_noise_multiplier
    if body.eta is not None:
        options |= {"eta_ancestral": body.eta, "eta_ddim": body.eta}
    return options


def own_options(services: Services, overrides: dict[str, Any]) -> dict[str, Any]:
    """Those overrides that are settings of ours; A1111's others have no meaning here and are passed over."""
    keys = services.settings.current.keys()
    return {key: value for key, value in overrides.items() if key in keys}


def from_base64(text: str) -> bytes:
    """The bytes of a picture given in base64 or as a data URL. Raises InvalidRequest."""
    try:
        return base64.b64decode(text.rpartition(",")[2], validate=True)
    # Python raises another error than binascii's for characters outside ASCII.
    except ValueError as error:
        raise InvalidRequest(
            "The picture is not base64. Send the file's bytes in base64 or as a data URL."
        ) from error
