"""A request and A1111's infotext: which keys a picture carries, in A1111's order, and back."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from webui.core.image_options import A1111_DEFAULTS, infotext_key
from webui.core.infotext import parse_fields
from webui.core.infotext_fields import (
    OUTPAINTING_FIELDS,
    SOFT_INPAINTING_FIELDS,
    InfotextReading,
    read_fields,
)
from webui.core.infotext_syntax import join_fields
from webui.core.request import GenerationRequest, make_request
from webui.core.request_parts import SIDES
from webui.core.sampling import AUTOMATIC, effective_schedule, find_sampler, find_schedule

CHURN_KEYS = ("s_churn", "s_tmin", "s_tmax", "s_noise")
UNIPC_KEYS = ("uni_pc_variant", "uni_pc_skip_type", "uni_pc_order", "uni_pc_lower_order_final")
# Among the effects of a run: the mask had nothing white, so the whole picture was generated.
BLANK_MASK = "blank mask"
# Keys written only if they did something in the run, in the order A1111 notices them.
EFFECT_KEYS = (
    "use_old_scheduling",
    "skip_early_cond",
    "s_min_uncond",
    "s_min_uncond_all",
    "pad_cond_uncond",
    "pad_cond_uncond_v0",
)


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What is known of a picture only once it is made. Empty texts are left out of the infotext."""

    model_name: str = ""
    model_hash: str = ""
    vae_name: str = ""
    vae_hash: str = ""
    version: str = ""
    init_image_hash: str = ""
    # Name of the second pass's checkpoint, if it has its own; name and hash of the refiner, if it took over.
    hires_checkpoint: str = ""
    refiner: str = ""
    # Infotext keys of what took effect in the run ("NGMS", "Pad conds" …); hashes of networks.
    effects: frozenset[str] = frozenset()
    entries: dict[str, str] = field(default_factory=dict[str, str])


def format_infotext(request: GenerationRequest, index: int, facts: PictureFacts) -> str:
    """The text that goes into picture `index` of the run."""
    if request.plan is not None:
        own = request.plan.pictures[index].entries
        request, index, facts = request.only(index), 0, replace(facts, entries=facts.entries | own)
    return join_fields(request.prompt, request.negative_prompt, fields_of_picture(request, index, facts))


HYPERTILE_NUMBERS = ("max_depth", "max_tile", "swap_size")


def fields_of_picture(request: GenerationRequest, index: int, facts: PictureFacts) -> dict[str, Any]:
    """Keys and values of the last line, in A1111's order. Values that are None are not written."""
    options, resized = request.options, request.seed_resize_width > 0 and request.seed_resize_height > 0
    varied = request.variation_strength != 0
    fields: dict[str, Any] = {
        "Steps": request.steps,
        "Sampler": request.sampler,
        "Schedule type": request.effective_schedule,
        "CFG scale": request.cfg_scale,
        "Seed": request.seed_of(index),
        "Face restoration": options.face_restoration_model if request.restore_faces else None,
        "Size": f"{request.width}x{request.height}",
        "Model hash": facts.model_hash or None,
        "Model": facts.model_name.replace(",", "").replace(":", "") or None,
        "VAE hash": facts.vae_hash or None,
        "VAE": facts.vae_name.replace(",", "").replace(":", "") or None,
        "Variation seed": request.variation_seed_of(index) if varied else None,
        "Variation seed strength": request.variation_strength if varied else None,
        "Seed resize from": f"{request.seed_resize_width}x{request.seed_resize_height}" if resized else None,
        "Denoising strength": request.denoising_strength if request.is_img2img or request.hires else None,
        "Conditional mask weight": options.inpainting_mask_weight
        if "Conditional mask weight" in facts.effects
        else None,
        "Clip skip": options.clip_skip if options.clip_skip > 1 else None,
        "ENSD": options.eta_noise_seed_delta or None if uses_ensd(request) else None,
        "Token merging ratio": request.token_merging_ratio or None,
        "Token merging ratio hr": (request.hires and request.hires_token_merging_ratio) or None,
        "Init image hash": facts.init_image_hash or None,
        "RNG": options.randn_source if options.randn_source != "GPU" else None,
        "Tiling": True if request.tiling else None,
    }
    parts = inpainting_fields(request, facts.effects) | outpainting_fields(request)
    parts |= hires_fields(request, facts.hires_checkpoint)
    written = option_fields(request, facts.effects) | refiner_fields(request, facts.refiner)
    return fields | parts | facts.entries | written | {"Version": facts.version or None}


def inpainting_fields(request: GenerationRequest, effects: Iterable[str]) -> dict[str, Any]:
    """What was inpainted and how; of a blank mask, only what A1111 notices before it finds that out."""
    part = request.inpainting
    if part is None:
        return {}
    fields: dict[str, Any] = {}
    if part.soft:
        fields["Soft inpainting enabled"] = True
        fields |= {key: getattr(part.soft, name) for key, name in SOFT_INPAINTING_FIELDS.items()}
    if part.invert:
        fields["Mask mode"] = "Inpaint not masked"
    if part.mask_blur_x == part.mask_blur_y and part.mask_blur_x > 0:
        fields["Mask blur"] = part.mask_blur_x
    if BLANK_MASK in effects:
        return fields
    if part.only_masked:
        fields |= {"Inpaint area": "Only masked", "Masked area padding": part.padding}
    if part.masked_content != "original":
        fields["Masked content"] = part.masked_content
    return fields


def outpainting_fields(request: GenerationRequest) -> dict[str, Any]:
    """The sides that grew, and what they were filled with first."""
    part = request.outpainting
    if part is None:
        return {}
    written = ["fill", "blend", *(("fall_off", "colour_variation") if part.fill == "noise" else ())]
    written += [name for name in SIDES if getattr(part, name)] + (["scale"] if part.scale != 1 else [])
    return {key: getattr(part, name) for key, (name, _) in OUTPAINTING_FIELDS.items() if name in written}


def hires_fields(request: GenerationRequest, checkpoint: str) -> dict[str, Any]:
    """The second pass, where it differs from the first."""
    part = request.hires
    if part is None:
        return {}
    second = request.second_pass()
    schedules = effective_schedule(second.sampler, second.schedule), request.effective_schedule
    is_other_schedule = schedules[0] not in (AUTOMATIC, schedules[1])
    resize = f"{part.width}x{part.height}" if part.width or part.height else None
    return {
        "Hires checkpoint": checkpoint or None,
        "Hires sampler": part.sampler if part.sampler not in ("", request.sampler) else None,
        "Hires prompt": part.prompt if part.prompt not in ("", request.prompt) else None,
        "Hires negative prompt": part.negative_prompt
        if part.negative_prompt not in ("", request.negative_prompt)
        else None,
        "Hires schedule type": schedules[0] if is_other_schedule else None,
        "Hires upscale": part.scale if resize is None else None,
        "Hires resize": resize,
        "Hires steps": part.steps or None,
        "Hires upscaler": part.upscaler or None,
    }


def refiner_fields(request: GenerationRequest, refiner: str) -> dict[str, Any]:
    """The refiner, if it took over."""
    if request.refiner is None or not refiner:
        return {}
    where = request.options.hires_fix_refiner_pass
    return {
        "Hires refiner": where if request.hires and where != "second pass" else None,
        "Refiner": refiner,
        "Refiner switch at": request.refiner.switch_at,
    }


def uses_ensd(request: GenerationRequest) -> bool:
    """Whether the seed delta changes the noise of this request's sampler."""
    return find_sampler(request.sampler).uses_ensd and request.options.eta_ancestral != 0


def option_fields(request: GenerationRequest, effects: Iterable[str]) -> dict[str, Any]:
    """Options that differ from A1111's defaults and that this request's sampler and schedule read."""
    effects, written = set(effects), list_written_options(request)
    return {
        key: getattr(request.options, name)
        for name in written
        if (key := infotext_key(name)) and (name not in EFFECT_KEYS or key in effects)
    }


def list_written_options(request: GenerationRequest) -> list[str]:
    """Names of the option fields that belong in the infotext, effects included, in A1111's order."""
    sampler, schedule = find_sampler(request.sampler), find_schedule(request.effective_schedule)
    on_sigmas = not sampler.uses_timesteps

    def chosen(*names: str) -> list[str]:
        return [n for n in names if getattr(request.options, n) != getattr(A1111_DEFAULTS, n)]

    names = chosen("use_downcasted_alpha_bar", "sd_noise_schedule")
    names += chosen("use_old_scheduling")
    names += chosen("emphasis") if weighs(request.prompt) or weighs(request.negative_prompt) else []
    names += chosen(*hypertile_keys(request))
    names += chosen("sd_vae_encode_method", "vae_encoder_tile") if request.is_img2img else []
    names += chosen("initial_noise_multiplier") if request.is_img2img else []
    if on_sigmas:
        discards = sampler.discards_next_to_last_sigma
        names += [] if discards else chosen("always_discard_next_to_last_sigma")
        names += chosen("sigma_min", "sigma_max") if schedule.label != AUTOMATIC else []
        names += chosen("rho") if schedule.default_rho not in (-1, request.options.rho) else []
        names += ["beta_dist_alpha", "beta_dist_beta"] if schedule.label == "Beta" else []
        # A1111 scales the noise of pictures made from noise alone.
        names += [] if request.is_img2img else chosen("sgm_noise_multiplier")
    names += chosen("img2img_extra_noise") if request.is_img2img else []
    names += chosen(*[name for name in ("eta_ddim", "eta_ancestral", *CHURN_KEYS) if name in sampler.options])
    names += chosen(*UNIPC_KEYS) if "uni_pc_order" in sampler.options else []
    names += chosen("refiner_switch_by_sample_steps") if request.refiner else []
    names += chosen(*EFFECT_KEYS[1:])
    names += chosen("img2img_extra_noise") if request.hires else []
    return names + chosen("sd_vae_decode_method", "vae_decoder_tile")


def hypertile_keys(request: GenerationRequest) -> list[str]:
    """Names of HyperTile's options that do something to this request."""
    options, names = request.options, list[str]()
    if options.hypertile_enable_unet:
        names += ["hypertile_enable_unet"]
    elif request.hires and options.hypertile_enable_unet_secondpass:
        names += ["hypertile_enable_unet_secondpass"]
    parts = ["unet"] if names else []
    if options.hypertile_enable_vae:
        names += ["hypertile_enable_vae"]
        parts += ["vae"]
    return names + [f"hypertile_{name}_{part}" for part in parts for name in HYPERTILE_NUMBERS]


def weighs(text: str) -> bool:
    """Whether a text has brackets that A1111 could take for emphasis."""
    return "(" in text or "[" in text


def read_infotext(text: str) -> dict[str, Any]:
    """Valid request fields (`options` as a dict within) that an infotext of any program names."""
    return read_with_problems(text).fields


def read_with_problems(text: str) -> InfotextReading:
    """Request fields that an infotext of any program names, and what of it could not be used."""
    return read_fields(parse_fields(text))


def parse_infotext(text: str) -> GenerationRequest:
    """The request that an infotext describes; what it leaves out has its default. Raises InvalidRequest."""
    return make_request(**read_infotext(text))
