"""From the fields of the generation form to those of a request, and from requests and infotext back."""

from collections.abc import Mapping
from typing import Any

from webui.core.errors import InvalidRequest
from webui.core.image_options import INFOTEXT_FIELDS, infotext_key, option_key
from webui.core.infotext_fields import as_option
from webui.core.infotext_layouts import split_infotext
from webui.core.request import MAX_SEED, GenerationRequest
from webui.core.request_infotext import read_with_problems
from webui.core.sampling import AUTOMATIC, effective_schedule, find_sampler
from webui.core.settings import Settings
from webui.plugins.host import Plugins
from webui.ui.extension_field import FIELD, field_of_infotext, field_of_request, request_of_extensions
from webui.ui.generation_parts import PART_DEFAULTS, fields_of_parts, request_of_parts

# Chips that stand for fields of the request.
MODEL_CHIPS = {"Model hash": "model", "Model": "model", "VAE": "vae"}
# Fields that the form and the request call the same and mean the same by.
PLAIN = (
    "prompt",
    "negative_prompt",
    "sampler",
    "schedule",
    "steps",
    "width",
    "height",
    "batch_count",
    "batch_size",
    "cfg_scale",
    "tiling",
    "restore_faces",
    "denoising_strength",
)
EXTRA_SEED = ("variation_strength", "seed_resize_width", "seed_resize_height")
FORM_DEFAULTS: dict[str, Any] = {
    "prompt": "",
    "negative_prompt": "",
    "styles": [],
    "sampler": "DPM++ 2M",
    "schedule": "Automatic",
    "steps": 20,
    "width": 512,
    "height": 512,
    "batch_count": 1,
    "batch_size": 1,
    "cfg_scale": 7,
    "tiling": False,
    "restore_faces": False,
    # A1111's for hires fix; img2img begins with 0.75.
    "denoising_strength": 0.7,
    "seed": "-1",
    "extra_seed": False,
    "variation_seed": "-1",
    "variation_strength": 0,
    "seed_resize_width": 0,
    "seed_resize_height": 0,
    "override_settings": [],
    FIELD: "",
    **PART_DEFAULTS,
}


def request_parts(fields: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the form asks for: fields for a new request, and option keys that differ for it alone.

    Seeds of -1 stand for drawn ones. Raises InvalidRequest for a text that is no seed or an unknown chip.
    """
    wanted = {name: fields[name] for name in PLAIN if name in fields}
    wanted["styles"] = list(fields.get("styles") or [])
    wanted["seed"] = seed_of(fields.get("seed"), "seed")
    if fields.get("extra_seed"):
        wanted |= {name: fields[name] for name in EXTRA_SEED if name in fields}
        wanted["variation_seed"] = seed_of(fields.get("variation_seed"), "variation seed")
    models, overrides = read_chips(list(fields.get("override_settings") or []))
    return wanted | request_of_parts(fields) | request_of_extensions(fields) | models, overrides


def seed_of(written: object, name: str) -> int:
    """The seed in a text; -1 for nothing. Raises InvalidRequest."""
    text = str(written if written is not None else "").strip() or "-1"
    try:
        seed = int(text)
    except ValueError:
        seed = -2
    if not -1 <= seed <= MAX_SEED:
        raise InvalidRequest(
            f"The {name} is {text[:60]!r}, but it should be a whole number from 0 to {MAX_SEED}, or -1."
        )
    return seed


def read_chips(chips: list[str]) -> tuple[dict[str, str], dict[str, Any]]:
    """Checkpoint and VAE, and other options by key, from "Key: value" chips. Raises InvalidRequest."""
    models: dict[str, str] = {}
    overrides: dict[str, Any] = {}
    for chip in chips:
        key, _, value = (part.strip() for part in chip.partition(":"))
        if key in MODEL_CHIPS:
            models[MODEL_CHIPS[key]] = value
        elif key in INFOTEXT_FIELDS:
            overrides[option_key(INFOTEXT_FIELDS[key])] = as_option(value)
        else:
            raise InvalidRequest(
                f"There is no setting {key!r} to override. Remove {chip!r} from Override settings."
            )
    return models, overrides


def fields_of_request(request: GenerationRequest) -> dict[str, Any]:
    """What the form shows for a request."""
    values = request.model_dump()
    shown = {name: values[name] for name in PLAIN}
    fields = shown | seed_fields(values) | fields_of_parts(values) | {"styles": []}
    return fields | field_of_request(request)


def fields_of_infotext(text: str, settings: Settings, plugins: Plugins | None = None) -> dict[str, Any]:
    """What the form shows for an infotext: its fields, and chips for options unlike the settings."""
    reading = read_with_problems(text)
    found = reading.fields
    prompts = {name: found[name] for name in ("prompt", "negative_prompt") if name in found}
    if not reading.tells_how:
        return prompts
    fields = {name: found[name] for name in PLAIN if name in found} | seed_fields(found)
    if is_usual_schedule(found):
        fields["schedule"] = AUTOMATIC
    switches = {name: bool(found.get(name, False)) for name in ("tiling", "restore_faces")}
    extensions, claimed = field_of_infotext(text, plugins) if plugins else ({}, set[str]())
    # What a part of the form says need not be said twice.
    told = [chip for chip in chips_of(found, settings) if chip.partition(":")[0] not in claimed]
    chips = {"override_settings": told}
    return fields | fields_of_parts(found) | switches | chips | extensions


def is_usual_schedule(found: Mapping[str, Any]) -> bool:
    """Whether "Automatic" stands for the schedule of an infotext's fields, in the second pass as well."""
    if "sampler" not in found or found.get("schedule") != find_sampler(found["sampler"]).default_schedule:
        return False
    hires = found.get("hires") or {}
    # A second pass that names no schedule has the first's. "Automatic" may be another with its sampler.
    follows = bool(hires.get("sampler")) and not hires.get("schedule")
    return not follows or effective_schedule(hires["sampler"], AUTOMATIC) == found["schedule"]


def prompt_of_infotext(text: str) -> str:
    """What stands above the fields of an infotext, whatever it is."""
    return split_infotext(text).prompt


def infotext_problems(text: str) -> str:
    """What of an infotext could not be used as it is written, in sentences; empty if all could."""
    return " ".join(read_with_problems(text).problems)


def seed_fields(found: Mapping[str, Any]) -> dict[str, Any]:
    """The seed's fields from those of a request; the extra ones are shown only where they do something."""
    extra = bool(found.get("variation_strength")) or bool(found.get("seed_resize_width"))
    fields = {"seed": str(found["seed"])} if "seed" in found else {}
    if not extra:
        return fields | {"extra_seed": False}
    kept = {name: found.get(name, 0) for name in EXTRA_SEED}
    return fields | kept | {"extra_seed": True, "variation_seed": str(found.get("variation_seed", -1))}


def chips_of(found: Mapping[str, Any], settings: Settings) -> list[str]:
    """ "Key: value" for options, VAE and checkpoint of an infotext that are not what the settings say."""
    chips = []
    if not settings.interface.disable_weights_auto_swap and (model := found.get("model")):
        chips += [] if same_model(model, settings.models.sd_model_checkpoint) else [f"Model: {model}"]
    if (vae := found.get("vae")) and vae != settings.models.sd_vae:
        chips.append(f"VAE: {vae}")
    for name, value in found.get("options", {}).items():
        if value != getattr(settings.image, name) and (key := infotext_key(name)):
            chips.append(f"{key}: {value}")
    return chips


def same_model(one: str, other: str) -> bool:
    """Whether two titles name the same checkpoint, as far as names and hashes tell."""

    def parts(title: str) -> tuple[str, str]:
        name, _, rest = title.partition(" [")
        return name.rsplit("/", 1)[-1].rsplit(".", 1)[0], rest.rstrip("]")

    (name, short), (other_name, other_short) = parts(one), parts(other)
    return short == other_short if short and other_short else name == other_name
