"""A request and A1111's infotext: which keys a picture carries, in A1111's order, and back."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from webui.core.image_options import A1111_DEFAULTS, INFOTEXT_FIELDS, infotext_key
from webui.core.infotext import join_fields, parse_fields
from webui.core.request import GenerationRequest, make_request
from webui.core.sampling import AUTOMATIC, find_sampler, find_schedule, split_legacy_name

CHURN_KEYS = ("s_churn", "s_tmin", "s_tmax", "s_noise")
UNIPC_KEYS = ("uni_pc_variant", "uni_pc_skip_type", "uni_pc_order", "uni_pc_lower_order_final")
# A1111 writes one spelling and reads the other.
OTHER_SPELLINGS = {"Beta scheduler alpha": "beta_dist_alpha", "Beta scheduler beta": "beta_dist_beta"}
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
    # Infotext keys of options that took effect ("NGMS", "Pad conds" …), and further entries.
    effects: frozenset[str] = frozenset()
    entries: dict[str, str] = field(default_factory=dict[str, str])


def format_infotext(request: GenerationRequest, index: int, facts: PictureFacts) -> str:
    """The text that goes into picture `index` of the run."""
    return join_fields(request.prompt, request.negative_prompt, fields_of_picture(request, index, facts))


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
        "Size": f"{request.width}x{request.height}",
        "Model hash": facts.model_hash or None,
        "Model": facts.model_name.replace(",", "").replace(":", "") or None,
        "VAE hash": facts.vae_hash or None,
        "VAE": facts.vae_name.replace(",", "").replace(":", "") or None,
        "Variation seed": request.variation_seed_of(index) if varied else None,
        "Variation seed strength": request.variation_strength if varied else None,
        "Seed resize from": f"{request.seed_resize_width}x{request.seed_resize_height}" if resized else None,
        "Clip skip": options.clip_skip if options.clip_skip > 1 else None,
        "ENSD": options.eta_noise_seed_delta or None if uses_ensd(request) else None,
        "Token merging ratio": options.token_merging_ratio or None,
        "RNG": options.randn_source if options.randn_source != "GPU" else None,
        "Tiling": True if request.tiling else None,
    }
    return fields | option_fields(request, facts.effects) | facts.entries | {"Version": facts.version or None}


def uses_ensd(request: GenerationRequest) -> bool:
    """Whether the seed delta changes the noise of this request's sampler."""
    return find_sampler(request.sampler).uses_ensd and request.options.eta_ancestral != 0


def option_fields(request: GenerationRequest, effects: Iterable[str]) -> dict[str, Any]:
    """Options that differ from A1111's defaults and that this request's sampler and schedule read."""
    effects, written = set(effects), written_options(request)
    return {
        key: getattr(request.options, name)
        for name in written
        if (key := infotext_key(name)) and (name not in EFFECT_KEYS or key in effects)
    }


def written_options(request: GenerationRequest) -> list[str]:
    """Names of the option fields that belong in the infotext, effects included, in A1111's order."""
    sampler, schedule = find_sampler(request.sampler), find_schedule(request.effective_schedule)
    on_sigmas = not sampler.uses_timesteps

    def chosen(*names: str) -> list[str]:
        return [n for n in names if getattr(request.options, n) != getattr(A1111_DEFAULTS, n)]

    names = chosen("use_downcasted_alpha_bar", "sd_noise_schedule")
    names += chosen("use_old_scheduling")
    names += chosen("emphasis") if weighs(request.prompt) or weighs(request.negative_prompt) else []
    if on_sigmas:
        discards = sampler.discards_next_to_last_sigma
        names += [] if discards else chosen("always_discard_next_to_last_sigma")
        names += chosen("sigma_min", "sigma_max") if schedule.label != AUTOMATIC else []
        names += chosen("rho") if schedule.default_rho not in (-1, request.options.rho) else []
        names += ["beta_dist_alpha", "beta_dist_beta"] if schedule.label == "Beta" else []
        names += chosen("sgm_noise_multiplier")
    names += chosen(*[name for name in ("eta_ddim", "eta_ancestral", *CHURN_KEYS) if name in sampler.options])
    names += chosen(*UNIPC_KEYS) if "uni_pc_order" in sampler.options else []
    return names + chosen(*EFFECT_KEYS[1:])


def weighs(text: str) -> bool:
    """Whether a text has brackets that A1111 could take for emphasis."""
    return "(" in text or "[" in text


def read_infotext(text: str) -> dict[str, Any]:
    """Request fields (`options` as a dict within) that an infotext of A1111 or ours names."""
    return request_fields(parse_fields(text))


def parse_infotext(text: str) -> GenerationRequest:
    """The request that an infotext describes; what it leaves out has its default. Raises InvalidRequest."""
    return make_request(**read_infotext(text))


def request_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Request fields from the fields that `parse_fields` gives."""
    found: dict[str, Any] = {}
    for key, (name, convert) in FIELDS.items():
        value = fields.get(key)
        if value not in (None, "") or key in ("Prompt", "Negative prompt"):
            found[name] = convert(value if value is not None else "")
    found |= sampler_fields(fields)
    model, model_hash = fields.get("Model"), fields.get("Model hash")
    if model or model_hash:
        found["model"] = f"{model} [{model_hash}]" if model and model_hash else model or model_hash
    options = {
        name: as_option(fields[key])
        for key, name in INFOTEXT_FIELDS.items()
        if fields.get(key) not in (None, "")
    }
    return found | {"options": options}


def sampler_fields(fields: dict[str, Any]) -> dict[str, str]:
    """Sampler and schedule; older names hold both."""
    if not (written := fields.get("Sampler")):
        return {}
    sampler, schedule = split_legacy_name(str(written))
    named = str(fields.get("Schedule type") or AUTOMATIC)
    chosen = schedule if schedule and named == AUTOMATIC else named
    return {"sampler": sampler, "schedule": chosen}


def number(value: object) -> int | float:
    """A number in the form it was written."""
    text = str(value)
    return int(text) if text.lstrip("+-").isdigit() else float(text)


def as_option(value: object) -> object:
    """True, False or a number where the text is one."""
    text = str(value)
    if text in ("True", "False"):
        return text == "True"
    try:
        return number(text)
    except ValueError:
        return text


FIELDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "Prompt": ("prompt", str),
    "Negative prompt": ("negative_prompt", str),
    "Steps": ("steps", number),
    "CFG scale": ("cfg_scale", number),
    "Seed": ("seed", number),
    "Size-1": ("width", number),
    "Size-2": ("height", number),
    "VAE": ("vae", str),
    "Variation seed": ("variation_seed", number),
    "Variation seed strength": ("variation_strength", number),
    "Seed resize from-1": ("seed_resize_width", number),
    "Seed resize from-2": ("seed_resize_height", number),
    "Tiling": ("tiling", as_option),
}
