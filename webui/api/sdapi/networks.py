"""A1111's lists of LoRAs, embeddings and hypernetworks."""

import json
from typing import Any

from fastapi import APIRouter

from webui.api.sdapi.answers import EmbeddingItem, EmbeddingsResponse, HypernetworkItem
from webui.core.errors import UnusableFile
from webui.core.model_file import ModelFile, ModelKind
from webui.jobs.services import Services
from webui.library.catalog.hypernetwork_files import hypernetwork_files
from webui.library.catalog.lora_files import LoraEntry
from webui.library.files.headers import read_header
from webui.library.recognise.checkpoint_layouts import text_width

# A1111 shows these first, then the others as they stand in the file.
METADATA_ORDER = {
    "ss_sd_model_name": 1,
    "ss_resolution": 2,
    "ss_clip_skip": 3,
    "ss_num_train_images": 10,
    "ss_tag_frequency": 20,
}
LAST = 999
# Pictures inside metadata, megabytes as text.
LEFT_OUT = "ssmd_cover_images"


def add_network_routes(router: APIRouter, services: Services) -> None:
    """GET lists, which wait until all is known, and POST to look at the folders again."""

    @router.get("/loras")
    def list_loras() -> list[dict[str, Any]]:
        services.catalog.settle(ModelKind.LORA)
        return [describe_lora(entry) for entry in services.loras.names().by_name.values()]

    @router.get("/hypernetworks")
    def list_hypernetworks() -> list[HypernetworkItem]:
        services.catalog.settle(ModelKind.HYPERNETWORK)
        return [
            HypernetworkItem(name=name, path=file.path_text)
            for name, file in hypernetwork_files(services.catalog).items()
        ]

    @router.get("/embeddings")
    def list_embeddings() -> EmbeddingsResponse:
        services.catalog.settle(ModelKind.EMBEDDING)
        return describe_embeddings(services)

    @router.post("/refresh-loras")
    def refresh_loras() -> None:
        services.catalog.scan()

    @router.post("/refresh-embeddings")
    def refresh_embeddings() -> None:
        services.catalog.scan()


def describe_lora(entry: LoraEntry) -> dict[str, Any]:
    """A LoRA as A1111 lists it."""
    return {
        "name": entry.name,
        "alias": entry.alias,
        "path": entry.file.path_text,
        "metadata": read_whole_metadata(entry.file),
    }


def read_whole_metadata(file: ModelFile) -> dict[str, Any]:
    """What the trainer wrote, tables among it taken apart."""
    try:
        written = read_header(file.path).metadata
    except UnusableFile:
        return {}
    ordered = sorted(written.items(), key=lambda item: METADATA_ORDER.get(item[0], LAST))
    return {key: parse_table(value) for key, value in ordered if key != LEFT_OUT}


def parse_table(value: str) -> Any:  # noqa: ANN401 - a JSON value
    """A table that is written as JSON; other values as they are."""
    if not value.startswith("{"):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def describe_embeddings(services: Services) -> EmbeddingsResponse:
    """Embeddings that fit the selected checkpoint, and those that do not."""
    # Loads torch, which the other lists do without.
    from webui.models.files.embeddings import Embeddings

    found = EmbeddingsResponse(loaded={}, skipped={})
    width = find_selected_width(services)
    known = Embeddings(services.catalog)
    for name, entry in known.entries().items():
        if (embedding := known.read(entry)) is None:
            continue
        fitting = found.loaded if embedding.width == width else found.skipped
        fitting[name] = EmbeddingItem(
            step=embedding.step,
            sd_checkpoint=embedding.sd_checkpoint,
            sd_checkpoint_name=embedding.sd_checkpoint_name,
            shape=embedding.width,
            vectors=embedding.count,
        )
    return found


def find_selected_width(services: Services) -> int:
    """Width of the text that the selected checkpoint reads; 0 if there is none."""
    selected = services.settings.current.models.sd_model_checkpoint
    if not services.catalog.files():
        return 0
    return text_width(read_header(services.catalog.find_checkpoint(selected).path))
