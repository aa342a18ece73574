"""Options that a request brings along, and how clients write their values."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from webui.api.sdapi.bodies import GenerationBody, Img2ImgBody
from webui.api.sdapi.lenient import truncate
from webui.core.errors import InvalidRequest
from webui.core.image_options import OPTION_FIELDS
from webui.core.request_infotext import read_infotext
from webui.core.settings import Api, Settings, section_type
from webui.jobs.services import Services
from webui.plugins.controls import FurtherOptions

# Fields of the body that are options of the sampler, by option key. A1111 lets a field win over the option.
SAMPLER_FIELDS = ("s_min_uncond", "s_churn", "s_tmin", "s_tmax", "s_noise")
# Above all noise: A1111's clients that mean "no limit" send the largest number there is.
HIGHEST_SIGMA = 999.0
SECTIONS = {name: section_type(field.annotation) for name, field in Settings.model_fields.items()}


def keep_known_options(options: dict[str, Any]) -> dict[str, Any]:
    """Those options that are settings of ours; A1111's others have no meaning here and are passed over.

    `null` is as if an option were not named; whole numbers may be written with a point or in quotes.
    """
    keys = Settings.keys()
    return {
        key: plain_value(keys[key], value)
        for key, value in options.items()
        if key in keys and value is not None
    }


def further_options(services: Services) -> list[FurtherOptions]:
    """The options that each extension has. One that gives anything else has none."""
    found = services.plugins.call("further_options")
    return [each for each in found if isinstance(each, FurtherOptions)]


def values_of_extensions(found: Iterable[FurtherOptions]) -> dict[str, Any]:
    """The options that extensions have, by key, as JSON knows them; one that it does not know is a text."""
    values = {key: value for each in found for key, value in each.values.items()}
    return json.loads(json.dumps(values, default=str))


def refuse_restricted(
    options: dict[str, Any], current: Settings, further: Sequence[FurtherOptions] = ()
) -> None:
    """Raise InvalidRequest if an option would change that API calls cannot change."""
    fixed = {key: getattr(current.api, key) for key in Api.model_fields}
    fixed |= {key: each.values.get(key) for each in further for key in each.fixed}
    for key, value in fixed.items():
        if options.get(key) not in (None, value):
            raise InvalidRequest(
                f"The option {key} cannot be changed by an API call. The server's owner changes it in the "
                "settings."
            )


def plain_value(place: tuple[str, str], value: object) -> object:
    """A value in the form that its setting has."""
    section, name = place
    return truncate(value) if SECTIONS[section].model_fields[name].annotation is int else value


def overrides_of(body: GenerationBody) -> dict[str, Any]:
    """The options of a body, by key: those of its infotext, under those that it names itself."""
    named = {key: value for key, value in (body.override_settings or {}).items() if value is not None}
    return infotext_options(body) | named


def infotext_options(body: GenerationBody) -> dict[str, Any]:
    """The options that the body's infotext names, by option key; those it leaves out stay as they are set."""
    if not body.infotext:
        return {}
    options = read_infotext(body.infotext).get("options", {})
    key_of = {name: key for key, name in OPTION_FIELDS.items()}
    return {key_of[name]: value for name, value in options.items()}


def picture_options(body: GenerationBody, overrides: dict[str, Any]) -> dict[str, Any]:
    """Picture options of this request alone, by field name."""
    known = keep_known_options(overrides)
    options = {OPTION_FIELDS[key]: value for key, value in known.items() if key in OPTION_FIELDS}
    for name in SAMPLER_FIELDS:
        if (value := getattr(body, name)) is not None:
            options[name] = value
    if body.s_tmax is not None and body.s_tmax > HIGHEST_SIGMA:
        options["s_tmax"] = 0.0
    if isinstance(body, Img2ImgBody) and body.initial_noise_multiplier is not None:
        options["initial_noise_multiplier"] = body.initial_noise_multiplier
    if body.eta is not None:
        options |= {"eta_ancestral": body.eta, "eta_ddim": body.eta}
    return options
