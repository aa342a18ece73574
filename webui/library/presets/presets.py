"""Presets and the models here: which of those that a set-up names are here, and what they are called."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, JsonValue

from webui.core.errors import WebuiError
from webui.core.model_file import ModelKind
from webui.core.preset import PRESET_VERSION, ModelName, Preset, read_preset
from webui.core.request_parts import LATENT_UPSCALERS
from webui.core.settings import Settings
from webui.library.catalog.catalog import AUTOMATIC, NONE, Catalog
from webui.library.catalog.lora_files import LoraFiles
from webui.library.catalog.upscaler_names import find_upscaler
from webui.library.intake.arrival import Arrival, NamedModel
from webui.library.intake.named_models import TITLE, Named, found_model
from webui.library.presets.fields import (
    CHECKPOINT_FIELDS,
    MOST_TOLD,
    PROMPT_FIELDS,
    chips_of,
    drop_unknown_choices,
    models_of,
    options_of,
    said_of,
    title_of,
    told_of_version,
    with_known_hash,
    with_own_chips,
)
from webui.prompts.networks import rename_networks
from webui.store.preset_files import PresetFiles

CHECKPOINT_OPTION, VAE_OPTION = "sd_model_checkpoint", "sd_vae"
NO_FILES = (AUTOMATIC, NONE, "")
# What a form shows where the checkpoint of a field is not here.
WITHOUT = {
    "hires_model": {"hires_model": "Use same checkpoint"},
    "refiner_model": {"refiner": False, "refiner_model": ""},
}


class PresetReading(BaseModel):
    """A preset as it can be applied here.

    `fields` are those for the form; `choose` the settings to change with it by option key, and `before` what
    these are now; `problems` says in sentences what is left out.
    """

    name: str
    preset: Preset
    fields: dict[str, JsonValue]
    choose: dict[str, str]
    before: dict[str, str]
    problems: list[str]


class Presets:
    """What the doors need of presets. Any thread."""

    def __init__(self, files: PresetFiles, catalog: Catalog, loras: LoraFiles) -> None:
        self.files = files
        self._catalog = catalog
        self._loras = loras

    def complete(self, preset: Preset, settings: Settings) -> Preset:
        """A set-up as the page tells it, with checkpoint, VAE, options and hashes as they are here now."""
        fields = preset.fields.without_moment()
        selected = self._catalog.known_checkpoint(settings.models.sd_model_checkpoint)
        title = selected.title if selected else settings.models.sd_model_checkpoint
        checkpoint = preset.checkpoint or ModelName(kind=ModelKind.CHECKPOINT, name=title)
        vae = preset.vae or ModelName(kind=ModelKind.VAE, name=settings.models.sd_vae)
        return preset.model_copy(
            update={
                "version": PRESET_VERSION,
                "fields": fields,
                "checkpoint": self._with_hash(checkpoint) if checkpoint.name else None,
                "vae": self._with_hash(vae),
                "models": tuple(self._with_hash(model) for model in models_of(fields)),
                "options": preset.options if "options" in preset.model_fields_set else options_of(settings),
            }
        )

    def read(self, name: str, settings: Settings, styles: Iterable[str]) -> PresetReading:
        """What to fill in for a preset here. Raises NotFound or UnusableFile."""
        kept = self.files.find(name)
        preset, problems = self._with_new_hashes(kept.preset), list(told_of_version(kept))
        fields = preset.fields.known()
        problems += self._use_local_names(preset, fields)
        problems += drop_unknown_choices(fields)
        problems += self._drop_unknown_upscaler(fields)
        known_styles = set(styles)
        problems += [
            f"There is no style {style!r} here; it has no effect."
            for style in fields.get("styles", ())[:MOST_TOLD]
            if style not in known_styles
        ]
        chips, wrong = chips_of(preset, settings)
        fields["override_settings"] = with_own_chips(chips, fields.get("override_settings", []))
        choose, missing = self._choices(preset)
        now = {CHECKPOINT_OPTION: settings.models.sd_model_checkpoint, VAE_OPTION: settings.models.sd_vae}
        choose = {key: title for key, title in choose.items() if title != now[key]}
        return PresetReading(
            name=kept.name,
            preset=preset,
            fields=fields,
            choose=choose,
            before={key: now[key] for key in choose},
            problems=[*missing, *problems, *wrong],
        )

    def take(self, file_name: str, data: bytes) -> Arrival:
        """Keep a preset that came as a file; nothing is replaced. Raises UnusableFile for a damaged one."""
        preset = read_preset(data, file_name)
        name, is_new = self.files.add(preset, Path(file_name).stem)
        named = self.named_models(preset)
        missing = sum(model.state != "here" for model in named)
        sentence = f"The preset {name!r} " + ("was kept." if is_new else "is here already.")
        if missing:
            sentence += f" {missing} of its models {'is' if missing == 1 else 'are'} not here."
        return Arrival(outcome="preset", name=file_name, sentence=sentence, named=named, added=(name,))

    def named_models(self, preset: Preset) -> tuple[NamedModel, ...]:
        """Every model that a preset names, with what is here of it."""
        self._catalog.settle()
        named = [preset.checkpoint, preset.vae, *preset.models]
        return tuple(
            found
            for model in named
            if model is not None and model.name not in NO_FILES and (found := self._find(model)) is not None
        )

    def _find(self, model: ModelName) -> NamedModel | None:
        if model.kind not in list(ModelKind):
            return None
        title = TITLE.fullmatch(model.name)
        name = (title[1] if title else model.name).strip() or model.name
        digest = model.hash or (title[2] if title else None)
        kind = ModelKind(model.kind)
        if kind is ModelKind.LORA:
            return self._find_lora(name, digest)
        return found_model(Named(kind, name, digest.lower() if digest else None, "Preset"), self._catalog)

    def _find_lora(self, name: str, digest: str | None) -> NamedModel:
        """By the hash of its tensors, which is the one that A1111 writes."""
        local = self._loras.local_names({name: digest}).get(name, name) if digest else name
        entry = self._loras.names().find(local)
        return NamedModel(
            kind=ModelKind.LORA,
            name=name,
            hash=digest,
            where="Preset",
            state="here" if entry else "missing",
            file=entry.file if entry else None,
        )

    def _with_hash(self, model: ModelName) -> ModelName:
        """The model's plain name, and its hash where the file is here and was hashed."""
        found = self._find(model) if model.name not in NO_FILES else None
        if found is None:
            return model
        if found.file is None:
            return model.model_copy(update={"name": found.name, "hash": found.hash})
        if found.kind is ModelKind.LORA:
            entry = self._loras.names().find(found.file.stem)
            return model.model_copy(update={"hash": self._loras.short_hash(entry) if entry else found.hash})
        return model.model_copy(update={"name": found.file.name, "hash": found.file.short_hash or found.hash})

    def _with_new_hashes(self, preset: Preset) -> Preset:
        """With the hashes of checkpoint and VAE that were not known yet when it was kept."""
        unhashed = {
            part: self._with_hash(model)
            for part, model in (("checkpoint", preset.checkpoint), ("vae", preset.vae))
            if model is not None and model.hash is None
        }
        return preset.model_copy(update=unhashed)

    def _choices(self, preset: Preset) -> tuple[dict[str, str], list[str]]:
        """The titles of checkpoint and VAE here, and sentences on those that are missing."""
        choose: dict[str, str] = {}
        missing: list[str] = []
        for option, model in ((CHECKPOINT_OPTION, preset.checkpoint), (VAE_OPTION, preset.vae)):
            if model is None:
                continue
            if model.name in NO_FILES:
                choose |= {option: model.name} if option == VAE_OPTION and model.name else {}
            elif (found := self._find(model)) is not None and found.file is not None:
                choose[option] = title_of(found.file)
                missing += [said_of(found)] if found.state != "here" else []
            elif found is not None:
                missing.append(said_of(found))
        return choose, missing

    def _use_local_names(self, preset: Preset, fields: dict[str, Any]) -> list[str]:
        """Call checkpoints and LoRAs in the fields as they are called here; sentences on missing ones."""
        hashes = {model.name: model.hash for model in preset.models}
        found = [
            (model.name, here)
            for model in models_of(preset.fields)
            if (here := self._find(with_known_hash(model, hashes))) is not None
        ]
        self._rename_loras(fields, found)
        checkpoints = {written: here for written, here in found if here.kind is ModelKind.CHECKPOINT}
        for field in CHECKPOINT_FIELDS:
            here = checkpoints.get(fields.get(field, ""))
            if here is not None and here.file is not None:
                fields[field] = here.file.title
            elif here is not None:
                # A choice of what is not there could not be generated with.
                fields |= WITHOUT[field]
        said = [said_of(here) for _, here in found if here.file is None or here.state != "here"]
        return list(dict.fromkeys(said))[:MOST_TOLD]

    def _rename_loras(self, fields: dict[str, Any], found: Iterable[tuple[str, NamedModel]]) -> None:
        names: dict[str, str] = {}
        for written, here in found:
            if here.kind is ModelKind.LORA and here.file is not None:
                entry = self._loras.names().find(written)
                if entry is None or entry.file.path != here.file.path:
                    names[written] = here.file.stem
        for field in PROMPT_FIELDS if names else ():
            if field in fields:
                fields[field] = rename_networks(fields[field], names)

    def _drop_unknown_upscaler(self, fields: dict[str, Any]) -> list[str]:
        name = fields.get("hires_upscaler")
        if not name or name in LATENT_UPSCALERS:
            return []
        try:
            find_upscaler(self._catalog, name)
        except WebuiError as error:
            del fields["hires_upscaler"]
            return [str(error)]
        return []
