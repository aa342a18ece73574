"""Finished latents onto the disk before they are decoded, and back."""

from contextlib import AbstractContextManager

import torch
from torch import Tensor

from webui.core.request import GenerationRequest
from webui.core.request_infotext import PictureFacts
from webui.core.settings import Saving
from webui.models.loaded_model import LoadedModel
from webui.plugins.context import Context
from webui.store.pictures.latents import FinishedBatch, KeepLimits, StoredLatent

BYTES_PER_MB = 2**20


def store_latents(
    latent: Tensor,
    request: GenerationRequest,
    first: int,
    sd: LoadedModel,
    facts: PictureFacts,
    context: Context,
) -> AbstractContextManager[StoredLatent]:
    """Keep a finished latent (B, C, h, w) while its pictures are made; `first` is its first one's place.

    Tell `StoredLatent.done` after each picture was handed over, and put its `id` into the ImageReady.
    """
    # Little-endian, as every machine is that torch runs on.
    data = latent.detach().to("cpu", torch.float32).contiguous().numpy().tobytes()
    batch = FinishedBatch(request, first, tuple(latent.shape), data, sd.file.title, facts)
    return context.latents.store(batch, keep_limits(context.settings.saving))


def keep_limits(saving: Saving) -> KeepLimits:
    """What the settings allow."""
    return KeepLimits(saving.latents_kept, saving.latents_kept_mb * BYTES_PER_MB)


def read_latent(batch: FinishedBatch) -> Tensor:
    """The kept latent (B, C, h, w), float32, on the CPU."""
    # A copy, because torch writes where it likes and bytes may not be written.
    return torch.frombuffer(bytearray(batch.data), dtype=torch.float32).reshape(batch.shape)
