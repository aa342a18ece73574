"""What the fields of a preset name, and what of them has no effect here, in sentences."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pydantic import JsonValue, ValidationError

from webui.core.errors import InvalidRequest
from webui.core.image_options import INFOTEXT_FIELDS, OPTION_FIELDS, ImageOptions, option_key
from webui.core.model_file import ModelFile, ModelKind
from webui.core.preset import PRESET_VERSION, ModelName, Preset, PresetFields
from webui.core.sampling import find_sampler, find_schedule
from webui.core.settings import Settings
from webui.library.intake.arrival import NamedModel
from webui.library.intake.named_models import MARKS
from webui.library.recognise.kinds import noun
from webui.prompts.syntax import lift_networks
from webui.store.preset_files import KeptPreset

CHECKPOINT_FIELDS = ("hires_model", "refiner_model")
PROMPT_FIELDS = ("prompt", "negative_prompt", "hires_prompt", "hires_negative_prompt")
# What these fields say where the second pass does as the first.
AS_FIRST = "Use same "
NAMED_CHOICES: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("sampler", find_sampler),
    ("schedule", find_schedule),
    ("hires_sampler", find_sampler),
    ("hires_schedule", find_schedule),
)
# So many names of unknown things are told; a forged file may have thousands.
MOST_TOLD = 8


def models_of(fields: PresetFields) -> Iterator[ModelName]:
    """The models that fields name, each once: checkpoints of other passes, networks of the prompts."""
    known = fields.known()
    for field in CHECKPOINT_FIELDS:
        name = known.get(field)
        if name and not name.startswith(AS_FIRST):
            yield ModelName(kind=ModelKind.CHECKPOINT, name=name)
    text = "\n".join(known.get(field, "") for field in PROMPT_FIELDS)
    networks = {
        (kind, network.arguments[0].strip()): None
        for network in lift_networks(text)[1]
        if (kind := MARKS.get(network.kind.lower())) and network.arguments[0].strip()
    }
    # As many as a preset may name.
    for kind, name in list(networks)[:150]:
        yield ModelName(kind=kind, name=name[:1000])


def with_known_hash(model: ModelName, hashes: Mapping[str, str | None]) -> ModelName:
    """A model of the fields with the hash that the preset tells of it."""
    plain = model.name.partition(" [")[0]
    return model.model_copy(update={"hash": hashes.get(model.name) or hashes.get(plain)})


def title_of(file: ModelFile) -> str:
    """What the setting for a file of its kind holds."""
    return file.title if file.kind is ModelKind.CHECKPOINT else file.name


def said_of(found: NamedModel) -> str:
    """The sentence on a model that is not here, or in another version."""
    name = f"{found.name} [{found.hash}]" if found.hash else found.name
    if found.file is not None:
        return f"The {noun(found.kind)} {name} is here in another version."
    return f"The {noun(found.kind)} {name} is not here."


def told_of_version(kept: KeptPreset) -> Iterator[str]:
    """What of a preset this version does not know: kept in the file, with no effect."""
    preset = kept.preset
    if preset.version > PRESET_VERSION:
        yield "A later version of this program wrote the preset; what is new in it has no effect here."
    unknown = [*preset.fields.unknown(), *(preset.model_extra or ())]
    if unknown:
        yield f"Not known here, and without effect: {listed(unknown)}."
    if preset.parts:
        yield f"It has parts for extensions that are not installed: {listed(preset.parts)}."


def listed(names: Iterable[str]) -> str:
    """Some names, and how many others there are."""
    shown = [name if len(name) <= 40 else f"{name[:37]}..." for name in names]
    rest = len(shown) - MOST_TOLD
    return ", ".join(shown[:MOST_TOLD]) + (f" and {rest} more" if rest > 0 else "")


def drop_unknown_choices(fields: dict[str, Any]) -> list[str]:
    """Take samplers and schedules out that are not here; a sentence on each."""
    problems: list[str] = []
    for field, find in NAMED_CHOICES:
        name = fields.get(field)
        if not name or name.startswith(AS_FIRST):
            continue
        try:
            find(name)
        except InvalidRequest as error:
            del fields[field]
            problems.append(str(error))
    return problems


def options_of(settings: Settings) -> dict[str, JsonValue]:
    """Options that an infotext could tell and that are unlike the defaults, by A1111's keys."""
    image, usual = settings.image.model_dump(), ImageOptions().model_dump()
    names = dict.fromkeys(INFOTEXT_FIELDS.values())
    return {option_key(name): image[name] for name in names if image[name] != usual[name]}


def chips_of(preset: Preset, settings: Settings) -> tuple[list[str], list[str]]:
    """ "Key: value" for each option of a preset unlike the settings', and sentences on wrong ones."""
    wanted, problems = ImageOptions().model_dump(), list[str]()
    for key, value in preset.options.items():
        name = OPTION_FIELDS.get(key)
        if name is None:
            problems.append(f"There is no option {key[:60]!r} here; it has no effect.")
            continue
        try:
            wanted[name] = ImageOptions.model_validate({key: value}).model_dump()[name]
        except ValidationError:
            problems.append(f"The option {key!r} cannot be {str(value)[:60]!r}; it has no effect.")
    now = settings.image.model_dump()
    chips = [f"{key}: {wanted[name]}" for key, name in INFOTEXT_FIELDS.items() if wanted[name] != now[name]]
    return chips, problems[:MOST_TOLD]


def with_own_chips(chips: list[str], own: list[str]) -> list[str]:
    """The chips that the set-up was kept with, and those for options that these say nothing of."""
    keys = {chip.partition(":")[0].strip() for chip in own}
    return [*own, *(chip for chip in chips if chip.partition(":")[0] not in keys)]
