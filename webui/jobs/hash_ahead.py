"""The SHA-256 of checkpoints for the infotext, computed beside the device instead of after the sampling."""

import logging
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from webui.core.errors import WebuiError
from webui.core.model_file import ModelFile
from webui.core.request import GenerationRequest
from webui.core.settings import Settings
from webui.core.work.kinds import DecodeRequest, WorkRequest
from webui.core.work.series import Series
from webui.library.catalog.catalog import Catalog

logger = logging.getLogger(__name__)


def hash_ahead(catalog: Catalog, request: WorkRequest, settings: Settings) -> threading.Thread | None:
    """Begin to hash what the request's infotexts will name, about 1 s a GB; None where all is known.

    Whoever asks the catalog for the same hash meanwhile waits for this one.
    """
    unknown = [file for file in files_in_infotexts(catalog, request, settings) if not file.sha256]
    if not unknown:
        return None
    thread = threading.Thread(target=hash_files, args=(catalog, unknown), name="hashing", daemon=True)
    thread.start()
    return thread


def hash_files(catalog: Catalog, files: Iterable[ModelFile]) -> None:
    """Compute and remember. A file that cannot be read is told by the job that needs it."""
    try:
        for file in files:
            catalog.sha256(file)
    except (OSError, WebuiError) as error:
        logger.debug("Could not hash ahead: %s", error)


def files_in_infotexts(catalog: Catalog, request: WorkRequest, settings: Settings) -> list[ModelFile]:
    """Checkpoints and VAEs whose hash the infotexts of a request will hold, each once."""
    saving, found = settings.saving, dict[Path, ModelFile]()
    for model, vae in {(each.model, each.vae) for each in generations(request)}:
        # What cannot be found is told when the job comes to it.
        with suppress(WebuiError):
            checkpoint = catalog.find_checkpoint(model)
            if saving.add_model_hash_to_info:
                found[checkpoint.path] = checkpoint
            if saving.add_vae_hash_to_info and (file := catalog.vae_for(checkpoint, vae)):
                found[file.path] = file
    return list(found.values())


def generations(request: WorkRequest) -> tuple[GenerationRequest, ...]:
    """The requests for pictures in a piece of work."""
    if isinstance(request, GenerationRequest):
        return (request,)
    if isinstance(request, DecodeRequest):
        return (request.generation,)
    return request.requests if isinstance(request, Series) else ()
