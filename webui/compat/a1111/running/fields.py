"""Attributes of a processing object and the fields of a request that they stand for, both ways."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image

from webui.compat.a1111.running.setting_up import fixed_seed
from webui.core.errors import InvalidRequest
from webui.core.request import GenerationRequest
from webui.core.request_parts import MASKED_CONTENTS, RESIZE_MODES, HiresFix, Inpainting
from webui.core.sizes import round_down_side
from webui.store.pictures.inputs import Inputs

# What A1111 writes for "as in the first pass".
SAME = frozenset({"", "None", "Use same checkpoint", "Use same sampler", "Use same scheduler"})


@dataclass(frozen=True, slots=True)
class Writing:
    """What values are written with: the request so far, and where pictures are kept."""

    request: GenerationRequest
    inputs: Inputs


# A processing object, of whatever class -> values of request fields; those of `options` in a mapping.
Write = Callable[[Any, Writing], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Group:
    """Attributes that are written together."""

    names: tuple[str, ...]
    write: Write


def plain(name: str, field: str, read: Callable[[Any], Any]) -> Group:
    """One attribute that stands for one field; None leaves the field as it is."""

    def write(p: Any, writing: Writing) -> Mapping[str, Any]:  # noqa: ANN401 - as `Write`
        value = getattr(p, name)
        return {} if value is None else {field: read(value)}

    return Group((name,), write)


def option(name: str, *options: str) -> Group:
    """One attribute that stands for options of the picture."""

    def write(p: Any, writing: Writing) -> Mapping[str, Any]:  # noqa: ANN401 - as `Write`
        value = getattr(p, name)
        # A1111's 0 of token merging is "as the settings say".
        is_unset = value is None or (value == 0 and name.startswith("token_merging"))
        return {} if is_unset else {"options": dict.fromkeys(options, value)}

    return Group((name,), write)


def first_text(value: Any) -> str:  # noqa: ANN401 - a text, or one for each picture
    """The text, or the first of several."""
    return str((value[0] if value else "") if isinstance(value, list | tuple) else value)


def first_seed(value: Any) -> int:  # noqa: ANN401 - a seed, or one for each picture
    """The seed, or the first of several; one that is not given is drawn."""
    return fixed_seed((value[0] if value else -1) if isinstance(value, list | tuple) else value)


def whole(value: Any) -> Any:  # noqa: ANN401 - a number, or something for the request to refuse
    """A number that must be whole, as sliders give them with a point."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def side(value: Any) -> Any:  # noqa: ANN401 - as above
    """A side, cut down to whole cells of a latent."""
    number = whole(value)
    return round_down_side(number) if isinstance(number, int) and number > 8 else number


def at_least_0(value: Any) -> Any:  # noqa: ANN401 - as above
    """A number; A1111 writes -1 for none."""
    return max(whole(value), 0)


def strength(value: Any) -> Any:  # noqa: ANN401 - as above
    """A strength; A1111 cuts it to 0…1."""
    return min(max(value, 0), 1)


def keep(image: Any, inputs: Inputs) -> str:  # noqa: ANN401 - a picture, if it is one
    """The reference of a picture. Raises InvalidRequest."""
    if not isinstance(image, Image.Image):
        raise InvalidRequest(f"A picture is expected (PIL), not {type(image).__name__}.")
    fits = image if image.mode in ("RGB", "RGBA", "L") else image.convert("RGB")
    return inputs.add_image(fits)


def choose(names: tuple[str, ...], value: Any) -> str:  # noqa: ANN401 - A1111's number, or the name
    """A name by its number. Raises InvalidRequest."""
    if isinstance(value, str) and value in names:
        return value
    if isinstance(value, int) and 0 <= value < len(names):
        return names[value]
    raise InvalidRequest(
        f"{value!r} is none of {', '.join(f'{i} ({name})' for i, name in enumerate(names))}."
    )


def write_hires(p: Any, writing: Writing) -> Mapping[str, Any]:  # noqa: ANN401 - as `Write`
    """Hires fix, which goes with txt2img only."""
    if not getattr(p, "enable_hr", False):
        return {"hires": None}
    now = writing.request.hires or HiresFix()
    first = getattr(p, "firstpass_image", None)
    return {
        "hires": now.model_dump()
        | {
            "upscaler": p.hr_upscaler or "",
            "scale": p.hr_scale or 1,
            "width": side(p.hr_resize_x or 0),
            "height": side(p.hr_resize_y or 0),
            "steps": whole(p.hr_second_pass_steps or 0),
            "model": same_or(p.hr_checkpoint_name),
            "sampler": same_or(p.hr_sampler_name),
            "schedule": same_or(p.hr_scheduler),
            "prompt": first_text(p.hr_prompt or ""),
            "negative_prompt": first_text(p.hr_negative_prompt or ""),
            "first_pass": now.first_pass if first is None else keep(first, writing.inputs),
        }
    }


def same_or(name: Any) -> str:  # noqa: ANN401 - a name or None
    """A name of the second pass; empty for the first one's."""
    return "" if name is None or name in SAME else str(name)


def write_pictures(p: Any, writing: Writing) -> Mapping[str, Any]:  # noqa: ANN401 - as `Write`
    """What img2img begins with."""
    images = [each for each in getattr(p, "init_images", None) or () if each is not None]
    found: dict[str, Any] = {"init_images": tuple(keep(each, writing.inputs) for each in images)}
    return found | ({"batch_size": len(images)} if len(images) > 1 else {})


def write_mask(p: Any, writing: Writing) -> Mapping[str, Any]:  # noqa: ANN401 - as `Write`
    """Inpainting."""
    mask = getattr(p, "image_mask", None)
    if mask is None:
        return {"inpainting": None, "outpainting": None}
    now = writing.request.inpainting or Inpainting()
    return {
        "inpainting": now.model_dump()
        | {
            "mask": keep(mask, writing.inputs),
            "mask_blur_x": whole(p.mask_blur_x or 0),
            "mask_blur_y": whole(p.mask_blur_y or 0),
            "mask_round": bool(p.mask_round),
            "invert": bool(p.inpainting_mask_invert),
            "masked_content": choose(MASKED_CONTENTS, whole(p.inpainting_fill or 0)),
            "only_masked": bool(p.inpaint_full_res),
            "padding": whole(p.inpaint_full_res_padding or 0),
        }
    }


def write_refiner(p: Any, writing: Writing) -> Mapping[str, Any]:  # noqa: ANN401 - as `Write`
    """A checkpoint that takes over."""
    if same_or(p.refiner_checkpoint) == "" or p.refiner_switch_at is None:
        return {"refiner": None}
    return {"refiner": {"model": str(p.refiner_checkpoint), "switch_at": p.refiner_switch_at}}


def write_tmax(p: Any, writing: Writing) -> Mapping[str, Any]:  # noqa: ANN401 - as `Write`
    """Where stirring ends; A1111's infinity is our 0."""
    value = p.s_tmax
    return {} if value is None else {"options": {"s_tmax": 0 if value == float("inf") else value}}


# Of these, only what stands for each picture counts once that is worked out.
TEXTS_AND_SEEDS = (
    plain("prompt", "prompt", first_text),
    plain("negative_prompt", "negative_prompt", first_text),
    plain("seed", "seed", first_seed),
    plain("subseed", "variation_seed", first_seed),
)
COMMON = (
    *TEXTS_AND_SEEDS,
    plain("subseed_strength", "variation_strength", strength),
    plain("seed_resize_from_w", "seed_resize_width", at_least_0),
    plain("seed_resize_from_h", "seed_resize_height", at_least_0),
    plain("sampler_name", "sampler", str),
    plain("scheduler", "schedule", str),
    plain("batch_size", "batch_size", whole),
    plain("n_iter", "batch_count", whole),
    plain("steps", "steps", whole),
    plain("cfg_scale", "cfg_scale", lambda value: value),
    plain("width", "width", side),
    plain("height", "height", side),
    plain("restore_faces", "restore_faces", bool),
    plain("tiling", "tiling", bool),
    plain("denoising_strength", "denoising_strength", strength),
    plain("disable_extra_networks", "disable_extra_networks", bool),
    Group(("refiner_checkpoint", "refiner_switch_at"), write_refiner),
    option("eta", "eta_ancestral", "eta_ddim"),
    option("s_min_uncond", "s_min_uncond"),
    option("s_churn", "s_churn"),
    option("s_tmin", "s_tmin"),
    option("s_noise", "s_noise"),
    Group(("s_tmax",), write_tmax),
    option("token_merging_ratio", "token_merging_ratio"),
    option("token_merging_ratio_hr", "token_merging_ratio_hr"),
)
OF_TXT2IMG = (
    Group(
        (
            "enable_hr", "hr_scale", "hr_upscaler", "hr_second_pass_steps", "hr_resize_x", "hr_resize_y",
            "hr_checkpoint_name", "hr_sampler_name", "hr_scheduler", "hr_prompt", "hr_negative_prompt",
            "firstpass_image",
        ),
        write_hires,
    ),
)  # fmt: skip
OF_IMG2IMG = (
    Group(("init_images",), write_pictures),
    Group(
        (
            "image_mask", "mask_blur_x", "mask_blur_y", "mask_round", "inpainting_mask_invert",
            "inpainting_fill", "inpaint_full_res", "inpaint_full_res_padding",
        ),
        write_mask,
    ),
    Group(
        ("resize_mode",), lambda p, _: {"resize_mode": choose(RESIZE_MODES, whole(p.resize_mode or 0))}
    ),
    option("initial_noise_multiplier", "initial_noise_multiplier"),
)  # fmt: skip


def groups_of(p: Any) -> tuple[Group, ...]:  # noqa: ANN401 - as `Write`
    """All groups that a processing object has."""
    own = OF_IMG2IMG if hasattr(p, "init_images") else OF_TXT2IMG if hasattr(p, "enable_hr") else ()
    return (*COMMON, *own)


def attributes_of(request: GenerationRequest, inputs: Inputs) -> dict[str, Any]:
    """Attributes of the processing object of a request."""
    options = request.options
    values: dict[str, Any] = {
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "seed": request.seed,
        "subseed": request.variation_seed,
        "subseed_strength": request.variation_strength,
        "seed_resize_from_w": request.seed_resize_width,
        "seed_resize_from_h": request.seed_resize_height,
        "sampler_name": request.sampler,
        "scheduler": request.schedule,
        "batch_size": request.batch_size,
        "n_iter": request.batch_count,
        "steps": request.steps,
        "cfg_scale": request.cfg_scale,
        "width": request.width,
        "height": request.height,
        "restore_faces": request.restore_faces,
        "tiling": request.tiling,
        "denoising_strength": request.denoising_strength,
        "disable_extra_networks": request.disable_extra_networks,
        "refiner_checkpoint": request.refiner and request.refiner.model,
        "refiner_switch_at": request.refiner and request.refiner.switch_at,
        "s_min_uncond": options.s_min_uncond,
        "s_churn": options.s_churn,
        "s_tmin": options.s_tmin,
        "s_tmax": options.s_tmax or float("inf"),
        "s_noise": options.s_noise,
        "token_merging_ratio": options.token_merging_ratio,
        "token_merging_ratio_hr": options.token_merging_ratio_hr,
    }
    return values | (img2img_attributes(request, inputs) if request.is_img2img else hires_attributes(request))


def hires_attributes(request: GenerationRequest) -> dict[str, Any]:
    """Those of txt2img."""
    hires = request.hires
    if hires is None:
        return {"enable_hr": False}
    return {
        "enable_hr": True,
        "hr_scale": hires.scale,
        "hr_upscaler": hires.upscaler or "Latent",
        "hr_second_pass_steps": hires.steps,
        "hr_resize_x": hires.width,
        "hr_resize_y": hires.height,
        "hr_checkpoint_name": hires.model or None,
        "hr_sampler_name": hires.sampler or None,
        "hr_scheduler": hires.schedule or None,
        "hr_prompt": hires.prompt,
        "hr_negative_prompt": hires.negative_prompt,
    }


def img2img_attributes(request: GenerationRequest, inputs: Inputs) -> dict[str, Any]:
    """Those of img2img."""
    values: dict[str, Any] = {
        "init_images": [inputs.open(each) for each in request.init_images],
        "resize_mode": RESIZE_MODES.index(request.resize_mode),
        "initial_noise_multiplier": request.options.initial_noise_multiplier,
    }
    part = request.inpainting
    if part is None or part.mask is None:
        return values
    return values | {
        "image_mask": inputs.open(part.mask),
        "mask_blur_x": part.mask_blur_x,
        "mask_blur_y": part.mask_blur_y,
        "mask_round": part.mask_round,
        "inpainting_mask_invert": int(part.invert),
        "inpainting_fill": MASKED_CONTENTS.index(part.masked_content),
        "inpaint_full_res": part.only_masked,
        "inpaint_full_res_padding": part.padding,
    }
