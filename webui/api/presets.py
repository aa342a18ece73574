"""/v1/presets: whole set-ups by name."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from webui.core.preset import MAX_NAME, Preset
from webui.jobs.services import Services
from webui.library.presets.presets import PresetReading
from webui.store.preset_files import KeptPreset

# Letters of a prompt that a list shows.
MOST_SHOWN = 200


class PresetSummary(BaseModel):
    """A preset in a list; `modified` is a time in s, `prompt` its beginning."""

    name: str
    tab: str
    checkpoint: str | None
    prompt: str
    modified: float


class PresetList(BaseModel):
    """All presets by name; `problems` names the files that are damaged."""

    presets: list[PresetSummary]
    problems: list[str]


class NewName(BaseModel):
    """What something is to be called."""

    name: str = Field(max_length=MAX_NAME * 4)


class PresetName(BaseModel):
    """What a preset is called now: characters that no file name has become "_"."""

    name: str


class DeletedPreset(BaseModel):
    """By which id a deleted preset comes back."""

    id: str


def routes(services: Services) -> APIRouter:
    """The routes, bound to the server's services."""
    router = APIRouter()
    presets = services.library.presets

    @router.get("/v1/presets")
    def list_presets() -> PresetList:
        """What set-ups are kept."""
        kept, problems = presets.files.all()
        return PresetList(presets=[summary(each) for each in kept], problems=problems)

    @router.get("/v1/presets/{name}", response_model_exclude_none=True)
    def get_preset(name: str) -> PresetReading:
        """A set-up, and what of it can be filled in here."""
        return presets.read(name, services.settings.current, services.requests.styles().names)

    @router.put("/v1/presets/{name}")
    def put_preset(name: str, body: Preset, replace: bool = False) -> PresetName:
        """Keep a set-up. What it does not say of checkpoint, VAE and options is as the settings are now."""
        whole = presets.complete(body, services.settings.current)
        return PresetName(name=presets.files.save(name, whole, replace=replace).name)

    @router.post("/v1/presets/{name}/rename")
    def rename_preset(name: str, body: NewName) -> PresetName:
        """Call it otherwise."""
        return PresetName(name=presets.files.rename(name, body.name).name)

    @router.delete("/v1/presets/{name}")
    def delete_preset(name: str) -> DeletedPreset:
        """Delete it; it can be put back."""
        return DeletedPreset(id=presets.files.delete(name))

    @router.post("/v1/presets/deleted/{identity}/restore")
    def restore_preset(identity: str) -> PresetName:
        """Put a deleted one back."""
        return PresetName(name=presets.files.restore(identity))

    return router


def summary(kept: KeptPreset) -> PresetSummary:
    """As a list has it."""
    preset = kept.preset
    return PresetSummary(
        name=kept.name,
        tab=preset.tab,
        checkpoint=preset.checkpoint.name if preset.checkpoint else None,
        prompt=(preset.fields.prompt or "")[:MOST_SHOWN],
        modified=kept.modified,
    )
