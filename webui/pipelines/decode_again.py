"""Kept latents to pictures once more: with another VAE, or because the first time did not come to its end."""

from collections.abc import Generator
from dataclasses import replace

import torch

from webui.core.events import Event, Phase
from webui.core.work.kinds import DecodeRequest
from webui.pipelines.generate.kept_latents import read_latent
from webui.pipelines.generate.pictures import Making, finish_pictures, picture_facts, tell, use_upscaler
from webui.pipelines.img2img.img2img import originals_for
from webui.pipelines.setup import use_models
from webui.plugins.batch import Batch
from webui.plugins.context import Context


@torch.no_grad()
def decode_again(request: DecodeRequest, context: Context) -> Generator[Event]:
    """Decode, and finish as the pictures' own request says. Raises NotFound if the latent is gone."""
    kept_batch = context.latents.open(request.latent)
    own = kept_batch.request.model_copy(update={"vae": request.vae})
    yield Phase(name="Loading model")
    batch = Batch.of(kept_batch.first // own.batch_size, own)
    with use_models(own.model_copy(update={"model": kept_batch.model}), context) as sd:
        told = picture_facts(sd, own, context)
        facts = replace(kept_batch.facts, vae_name=told.vae_name, vae_hash=told.vae_hash)
        originals = originals_for(own, context, use_upscaler(own, context))
        places = [index - kept_batch.first for index in request.indexes or batch.indexes]
        known = [place for place in places if 0 <= place < kept_batch.count]
        with context.latents.resume(request.latent) as kept:
            making = Making(batch, sd, facts, context, originals, kept)
            yield from finish_pictures(read_latent(kept_batch), known, making)
        yield from tell(sd.take_messages())
