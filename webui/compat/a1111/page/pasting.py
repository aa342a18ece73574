"""Infotexts as A1111's extensions read them, and the components that they fill."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from webui.compat.a1111.page.calls import call_extension
from webui.compat.a1111.page.reaching import site
from webui.compat.a1111.page.shared_options import file_of
from webui.core.infotext import parse_fields

# Field name of a form -> key of an infotext, for the fields that have both.
FORM_KEYS = {
    "prompt": "Prompt",
    "negative_prompt": "Negative prompt",
    "steps": "Steps",
    "sampler": "Sampler",
    "schedule": "Schedule type",
    "cfg_scale": "CFG scale",
    "width": "Size-1",
    "height": "Size-2",
    "batch_size": "Batch size",
    "seed": "Seed",
    "variation_seed": "Variation seed",
    "variation_strength": "Variation seed strength",
    "denoising_strength": "Denoising strength",
    "hires_upscaler": "Hires upscaler",
    "hires_scale": "Hires upscale",
    "hires_steps": "Hires steps",
    "hires_prompt": "Hires prompt",
    "hires_negative_prompt": "Hires negative prompt",
}


@dataclass(slots=True)
class PasteField:
    """A component, and the key or the function that gives its value of an infotext's fields."""

    component: Any
    label: str | None = None
    function: Callable[[dict[str, Any]], Any] | None = None
    api: str | None = None

    def __iter__(self) -> Any:  # noqa: ANN401 - a pair, as A1111's
        return iter((self.component, self.function or self.label))

    def __getitem__(self, place: int) -> Any:  # noqa: ANN401 - as above
        return (self.component, self.function or self.label)[place]

    def __len__(self) -> int:
        return 2


def as_fields(fields: Iterable[Any]) -> list[PasteField]:
    """Fields of either kind that extensions give: pairs, or objects."""
    found: list[PasteField] = []
    for each in fields:
        if hasattr(each, "component"):
            found.append(each)
        elif isinstance(each, tuple | list) and len(each) >= 2 and hasattr(each[0], "_id"):
            component, key = each[0], each[1]
            is_function = callable(key)
            found.append(PasteField(component, None if is_function else key, key if is_function else None))
    return found


def read_infotext(text: str) -> dict[str, Any]:
    """The fields of an infotext by A1111's keys, prompts and sides of sizes among them."""
    return dict(parse_fields(text))


def fill_fields(tab: str, infotext: str) -> dict[Any, Any]:
    """Updates of components by an infotext: of panels, and of the tab's own where a callback changed them."""
    fields = read_infotext(infotext)
    told = dict(fields)
    site("script_callbacks").infotext_pasted_callback(infotext, fields)
    updates: dict[Any, Any] = {}
    for field in as_fields(site("ui").paste_fields_of(tab)):
        own = field.label is not None and field.label in FORM_KEYS.values()
        if own and fields.get(str(field.label)) == told.get(str(field.label)):
            continue
        update = update_of(field, fields)
        if update is not None:
            updates[field.component] = update
    return updates


def update_of(field: PasteField, fields: dict[str, Any]) -> Any:  # noqa: ANN401 - Gradio's update
    """What a component shows of an infotext; None where it stays as it is."""
    import gradio as gr  # loaded where there is a page

    if field.function is not None:
        value = call_extension(file_of(field.function), "infotext_fields", field.function, fields)
    else:
        value = fields.get(str(field.label))
    if value is None:
        return None
    if isinstance(value, dict) and value.get("__type__") == "update":
        return value
    converted = as_kind(value, getattr(field.component, "value", None))
    return None if converted is None else gr.update(value=converted)


def as_kind(value: Any, model: Any) -> Any:  # noqa: ANN401 - whatever components hold
    """A value of an infotext as the component has its values; None where it cannot be one."""
    if isinstance(model, bool) and isinstance(value, str):
        return value.strip().lower() not in ("false", "0", "")
    if not isinstance(model, bool | int | float | str) or callable(model):
        return value
    try:
        number = float(value) if isinstance(model, int | float) else None
    except (TypeError, ValueError):
        return None
    if number is None:
        return str(value) if isinstance(model, str) else bool(value)
    return int(number) if number.is_integer() else number


def own_fields(form: Mapping[str, Any]) -> list[PasteField]:
    """The fields of a tab's own form that have a key in infotexts."""
    return [PasteField(form[name], key, api=name) for name, key in FORM_KEYS.items() if name in form]
