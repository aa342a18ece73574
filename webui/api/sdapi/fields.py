"""From the body of an A1111 request to the fields of ours."""

from typing import Any

from webui.api.sdapi.bodies import GenerationBody, Img2ImgBody, Txt2ImgBody
from webui.api.sdapi.given_pictures import GivenPictures
from webui.api.sdapi.option_values import picture_options
from webui.api.sdapi.scripts import merge_extras, script_fields
from webui.core.errors import InvalidRequest
from webui.core.infotext import parse_fields
from webui.core.request_infotext import read_infotext
from webui.core.request_parts import MASKED_CONTENTS, RESIZE_MODES
from webui.core.sampling import split_legacy_name
from webui.plugins.host import Plugins

# Option keys that are fields of the request.
REQUEST_OPTIONS = {
    "sd_model_checkpoint": "model",
    "sd_vae": "vae",
    "tiling": "tiling",
    "face_restoration": "restore_faces",
}
SAME = ("Use same checkpoint", "Use same sampler", "Use same scheduler")
FIELD_OF_BODY = {
    "sampler_name": "sampler",
    "sampler_index": "sampler",
    "scheduler": "schedule",
    "subseed": "variation_seed",
    "subseed_strength": "variation_strength",
    "seed_resize_from_w": "seed_resize_width",
    "seed_resize_from_h": "seed_resize_height",
    "n_iter": "batch_count",
}
# Fields of the body that are parts of hires fix and of the refiner, by their names there.
HIRES_FIELDS = {
    "hr_upscaler": "upscaler",
    "hr_scale": "scale",
    "hr_second_pass_steps": "steps",
    "hr_resize_x": "width",
    "hr_resize_y": "height",
    "hr_checkpoint_name": "model",
    "hr_sampler_name": "sampler",
    "hr_scheduler": "schedule",
    "hr_prompt": "prompt",
    "hr_negative_prompt": "negative_prompt",
}
# Parts of a request that other fields of the body decide on.
PARTS = ("options", "model", "hires", "refiner")
# What A1111 cannot use in an img2img call either; a picture made without it would be another one.
UNUSED_IN_IMG2IMG = ("latent_mask", "firstpass_image")


def request_fields(
    body: GenerationBody, overrides: dict[str, Any], pictures: GivenPictures, plugins: Plugins
) -> dict[str, Any]:
    """The body as fields of GenerationRequest; its pictures are kept. Raises InvalidRequest."""
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
    written = read_infotext(body.infotext) if body.infotext else {}
    fields |= infotext_fields(body, written)
    for name in ("tiling", "restore_faces"):
        if (value := getattr(body, name)) is not None:
            fields[name] = value
    fields |= {name: overrides[key] for key, name in REQUEST_OPTIONS.items() if key in overrides}
    fields |= refiner_fields(body, written.get("refiner") or {})
    fields |= img2img_fields(body, pictures) if isinstance(body, Img2ImgBody) else {}
    fields |= hires_fields(body, written.get("hires"), pictures) if isinstance(body, Txt2ImgBody) else {}
    if body.infotext and (extras := plugins.read_infotext(parse_fields(body.infotext))):
        fields["extras"] = extras
    return merge_extras(fields, script_fields(body, fields, plugins, pictures)) | {
        "options": picture_options(body, overrides)
    }


def infotext_fields(body: GenerationBody, written: dict[str, Any]) -> dict[str, Any]:
    """What the body's infotext says of fields that the body itself does not set. The checkpoint stays."""
    set_by_body = {FIELD_OF_BODY.get(name, name) for name in body.model_fields_set}
    return {
        name: float(value) if name == "cfg_scale" else value
        for name, value in written.items()
        if name not in set_by_body and name not in PARTS
    }


def hires_fields(
    body: Txt2ImgBody, written: dict[str, Any] | None, pictures: GivenPictures
) -> dict[str, Any]:
    """The second pass, where the body asks for one, or its infotext and the body does not say no.

    `written` is the infotext's; each field that the body sets wins over that field alone.
    """
    is_wanted = body.enable_hr if "enable_hr" in body.model_fields_set else written is not None
    if not is_wanted:
        return {}
    hires = dict(written or {})
    for field, name in HIRES_FIELDS.items():
        value = getattr(body, field)
        if (field in body.model_fields_set or name not in hires) and value is not None:
            hires[name] = "" if value in SAME else value
    if body.firstpass_image:
        hires["first_pass"] = pictures.keep(body.firstpass_image)
    if body.firstphase_width and body.firstphase_height:
        # The first versions' fields: the size asked for is the second pass's.
        hires |= {"width": body.width, "height": body.height}
        return {"hires": hires, "width": body.firstphase_width, "height": body.firstphase_height}
    return {"hires": hires}


def refiner_fields(body: GenerationBody, written: dict[str, Any]) -> dict[str, Any]:
    """The refiner, where the body names one, or its infotext does."""
    name = written.get("model") if body.refiner_checkpoint is None else body.refiner_checkpoint
    if not name or str(name).lower() == "none":
        return {}
    # Where nothing says when, A1111's refiner takes over at once.
    switch_at = written.get("switch_at", 0) if body.refiner_switch_at is None else body.refiner_switch_at
    return {"refiner": {"model": name, "switch_at": switch_at}}


def img2img_fields(body: Img2ImgBody, pictures: GivenPictures) -> dict[str, Any]:
    """Init pictures and mask."""
    for name in UNUSED_IN_IMG2IMG:
        if getattr(body, name):
            raise InvalidRequest(f"img2img cannot use {name!r}. Leave it out; a mask goes into 'mask'.")
    if not body.init_images:
        raise InvalidRequest("There is no init picture. Send at least one in 'init_images'.")
    fields: dict[str, Any] = {
        "init_images": tuple(pictures.keep(image) for image in body.init_images),
        "resize_mode": name_of_number(RESIZE_MODES, body.resize_mode, "resize_mode"),
    }
    if body.mask:
        fields["inpainting"] = inpainting_fields(body, body.mask, pictures)
    return fields


def inpainting_fields(body: Img2ImgBody, mask: str, pictures: GivenPictures) -> dict[str, Any]:
    """What is inpainted, and how."""
    blur_x, blur_y = body.mask_blur_x, body.mask_blur_y
    if body.mask_blur is not None:
        blur_x = blur_y = body.mask_blur
    return {
        "mask": pictures.keep(mask),
        "mask_blur_x": blur_x,
        "mask_blur_y": blur_y,
        "mask_round": body.mask_round,
        "invert": bool(body.inpainting_mask_invert),
        "masked_content": name_of_number(MASKED_CONTENTS, body.inpainting_fill, "inpainting_fill"),
        "only_masked": body.inpaint_full_res,
        "padding": body.inpaint_full_res_padding,
    }


def name_of_number(names: tuple[str, ...], number: int, field: str) -> str:
    """The name that a number stands for in A1111."""
    if not 0 <= number < len(names):
        meanings = ", ".join(f"{index} ({name})" for index, name in enumerate(names))
        raise InvalidRequest(f"The {field} is {number}, but it should be one of {meanings}.")
    return names[number]
