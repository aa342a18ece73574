"""Networks and runs for tests of what is trained."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tests.models.small_checkpoints import model_file
from webui.core.work.training_run import Method, TrainingRun
from webui.models.cpu.precision import EXACT
from webui.training.data.batch import ShownSize, TrainingBatch
from webui.training.methods.trainable import Trainable
from webui.training.networks import TrainingNetworks

CHECKPOINTS = ("tiny-sd15", "tiny-sd2v", "tiny-sdxl")
CAPTION = "a red fox on snow, sunset"


def load_networks(models: Path, name: str) -> TrainingNetworks:
    """A golden checkpoint in 32 bits, for one test."""
    return TrainingNetworks.load(model_file(models / f"{name}.safetensors"), torch.device("cpu"), EXACT)


def make_run(method: Method, **fields: Any) -> TrainingRun:
    """A filled run, as far as methods look at it."""
    given: dict[str, Any] = {
        "rank": 4, "alpha": 2.0, "conv_rank": 0, "conv_alpha": 1.0, "factor": -1, "dropout": 0.0,
        "train_unet": True, "train_text": True, "seed": 7, "save_format": "fp32", "clip_skip": 1,
    }  # fmt: skip
    return TrainingRun(method=method, checkpoint="c", name="thing", data="d", **(given | fields))


def make_batch(caption: str = CAPTION, hints: Tensor | None = None) -> TrainingBatch:
    """One picture of 64 pixels."""
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(3))
    size = ShownSize(64, 64, 0, 0, 64, 64)
    return TrainingBatch(latents, (caption,), (size,), torch.ones(1), ("a.png",), hints=hints)


def answer(networks: TrainingNetworks, trainable: Trainable, batch: TrainingBatch) -> tuple[Tensor, Tensor]:
    """What the networks say to a batch: the U-Net's output and the text's states."""
    captions = [trainable.read_caption(caption) for caption in batch.captions]
    text = networks.tell_sizes(networks.encode_text(captions), batch.sizes)
    timestep = torch.tensor([500])
    residuals = trainable.residuals(batch.latents, timestep, text, batch)
    return networks.predict(batch.latents, timestep, text, **residuals), text.crossattn


def take_steps(
    networks: TrainingNetworks,
    trainable: Trainable,
    count: int = 2,
    rate: float = 1e-2,
    hints: Tensor | None = None,
) -> None:
    """Some steps of gradient descent, so that every parameter moves."""
    parameters = [each for group in trainable.groups for each in group.parameters]
    optimizer = torch.optim.Adam(parameters, lr=rate)
    with trainable.attach():
        for step in range(count):
            trainable.generator.manual_seed(step)
            output, _ = answer(networks, trainable, make_batch(hints=hints))
            output.square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()
            trainable.after_step()
