"""/v1/defaults and /v1/first-models: what the form begins with for a checkpoint, and which to begin with."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from webui.core.checkpoint_defaults import CheckpointDefaults
from webui.core.errors import InvalidRequest, NotFound
from webui.core.model_file import ModelFile, ModelKind
from webui.jobs.services import Services
from webui.library.cards.card import card_id
from webui.library.defaults.resolving import Source
from webui.library.fetch.first_models import FIRST_MODELS, FirstModel
from webui.store.sidecars import DEFAULTS, read_card


class DefaultsAnswer(BaseModel):
    """A checkpoint's defaults, and where each comes from; `examples` are prompts that it draws well.

    `card` is the id of its card, which stays when the title gets its hash.
    """

    card: str
    title: str
    stem: str
    values: CheckpointDefaults
    sources: dict[str, Source]
    examples: list[str]


class KeptDefaults(BaseModel):
    """Values to keep as a checkpoint's defaults; the checkpoint that is selected where none is named."""

    checkpoint: str = Field("", max_length=1000)
    values: CheckpointDefaults


class FirstModelsAnswer(BaseModel):
    """Checkpoints to begin with. `wanted`: only the Starter is here."""

    wanted: bool
    models: list[FirstModel]


def routes(services: Services) -> APIRouter:
    """The routes, bound to the server's services."""
    router = APIRouter()
    add_default_routes(router, services)

    @router.get("/v1/first-models")
    def first_models() -> FirstModelsAnswer:
        """Checkpoints to begin with; asks no other host."""
        return FirstModelsAnswer(wanted=has_only_starter(services), models=list(FIRST_MODELS))

    return router


def add_default_routes(router: APIRouter, services: Services) -> None:
    """Defaults of checkpoints."""

    @router.get("/v1/defaults")
    def defaults(checkpoint: str = "") -> DefaultsAnswer | None:
        """What the form begins with for a checkpoint, or for the one that is selected; null if none is."""
        try:
            file = find_checkpoint(services, checkpoint)
        except NotFound:
            if checkpoint:
                raise
            return None
        return defaults_answer(services, file)

    @router.put("/v1/defaults")
    def keep(body: KeptDefaults) -> DefaultsAnswer:
        """Keep values on the checkpoint's card, in place of those kept before."""
        said = body.values.said()
        if not said:
            raise InvalidRequest("There is nothing to keep. Name at least one value, such as steps.")
        file = find_checkpoint(services, body.checkpoint)
        # A1111's cards have a place of their own for the VAE.
        vae = {"vae": said.pop("vae")} if "vae" in said else {}
        return write_defaults(services, file, {DEFAULTS: said} | vae)

    @router.delete("/v1/defaults")
    def forget(checkpoint: str = "") -> DefaultsAnswer:
        """Forget what was kept; what the file and its family say counts again."""
        return write_defaults(services, find_checkpoint(services, checkpoint), {DEFAULTS: {}})


def find_checkpoint(services: Services, name: str) -> ModelFile:
    """A checkpoint by title, name or hash; the selected one for no name. Raises NotFound."""
    return services.catalog.find_checkpoint(name or services.settings.current.models.sd_model_checkpoint)


def write_defaults(services: Services, file: ModelFile, values: dict[str, Any]) -> DefaultsAnswer:
    """Change a card. Any: JSON values."""
    services.library.cards.write(card_id(file.path), values)
    return defaults_answer(services, file)


def defaults_answer(services: Services, file: ModelFile) -> DefaultsAnswer:
    """As an answer."""
    resolved = services.library.defaults_of(file)
    return DefaultsAnswer(
        card=card_id(file.path),
        title=file.title,
        stem=file.stem,
        values=resolved.values,
        sources=resolved.sources,
        examples=list(read_card(file.path).examples),
    )


def has_only_starter(services: Services) -> bool:
    """Whether no other checkpoint than the bundled one is here."""
    starter = services.catalog.folders.starter
    return all(
        starter is not None and starter in file.path.parents
        for file in services.catalog.files(ModelKind.CHECKPOINT)
    )
