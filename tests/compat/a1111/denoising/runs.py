"""Runs of a toy network, and of tiny checkpoints, that A1111's extensions take part in."""

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from tests.diffusion.toy import ToyNetwork, prompt, prompts
from tests.extensions.running import with_extensions
from tests.pipelines.runs import request_of
from webui.compat.a1111.denoising.samplers import bind, make_sampler
from webui.core.events import ImageReady
from webui.core.request import GenerationRequest
from webui.diffusion.conditioning import Conditioning, EncodedPart, PromptEmbedding, ScheduledEmbedding
from webui.diffusion.denoising import Denoising
from webui.diffusion.guidance import Guidance
from webui.diffusion.noise import ImageNoise, NoiseOptions
from webui.diffusion.prediction import Prediction
from webui.plugins.batch import Batch

SEEDS = (5, 6)


def toy_denoising(sampler: str = "Euler", steps: int = 4, **changes: Any) -> Denoising:
    """A run of two pictures."""
    fields: dict[str, Any] = {
        "network": ToyNetwork(),
        "prediction": Prediction.make("eps"),
        "cond": prompts(0.2, 0.4),
        "uncond": prompts(0.1, 0.1),
        "noise": ImageNoise((4, 8, 8), SEEDS, NoiseOptions(source="CPU"), "cpu"),
        "sampler": sampler,
        "steps": steps,
        "guidance": Guidance(cfg_scale=5.0),
    }
    return Denoising(**fields | changes)


def toy_batch(denoising: Denoising) -> Batch:
    """The batch that it stands for."""
    request = request_of(batch_size=2, seed=SEEDS[0], sampler=denoising.sampler, steps=denoising.steps)
    return Batch.of(0, request)


def attached(denoising: Denoising, p: Any = None) -> Any:
    """The sampler of A1111's shape that takes part in a run."""
    batch = toy_batch(denoising)
    sampler = make_sampler(denoising, batch, p)
    bind(denoising, sampler, batch, p)
    return sampler


def finish(denoising: Denoising) -> Tensor:
    """The last latent."""
    *_, last = denoising.run()
    return last.latent


def processing(**fields: Any) -> Any:
    """What extensions have for `p` where nothing else is asked of it."""
    return SimpleNamespace(**{"cfg_scale": 5.0, "sampler": None} | fields)


def scheduled(*values: float, each: int = 2) -> EncodedPart:
    """A prompt that is another number every few evaluations."""
    entries = [
        ScheduledEmbedding((index + 1) * each - 1, PromptEmbedding(torch.full((3, 2), value)))
        for index, value in enumerate(values)
    ]
    return EncodedPart(1.0, tuple(entries))


def composed() -> Conditioning:
    """Two pictures, the first with two AND parts."""
    return Conditioning(((prompt(0.2, 0.7), prompt(0.5, 0.4)), (prompt(0.3),)))


def pictures(context: Any, **changes: Any) -> tuple[Tensor, list[ImageReady]]:
    """Latents and pictures of a run with the hooks of sampling."""
    from webui.compat.a1111.hooks import denoising as hooks
    from webui.pipelines.generate.generate import generate

    own, watcher = with_extensions(context)
    own.plugins.register(hooks, "a1111 denoising")
    request: GenerationRequest = request_of(**changes)
    made = [event for event in generate(request, own) if isinstance(event, ImageReady) and not event.aside]
    return torch.cat(watcher.latents), made
