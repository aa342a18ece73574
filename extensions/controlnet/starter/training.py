"""Trains a control network of the Starter beside its frozen U-Net; killed at any moment, it goes on."""

import argparse
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPTextModel

from extensions.controlnet.starter.data import DRAWN, Examples
from models.starter.captions import token_ids
from models.starter.networks import from_single_file
from models.starter.train import alphas_cumulative
from models.starter.train_vae import save_state

logger = logging.getLogger(__name__)

# With some captions empty the network learns to read the hint and not the words alone.
EMPTY_SHARE = 0.3
# As the Starter itself was trained: all noise levels weigh much the same.
SNR_LIMIT = 5.0
COARSE, LEAST_SNR, GUIDANCE = 4, 0.01, 3.0
WARMUP_STEPS = 50
# The share of the steps over which the rate falls to nothing.
COOLING_SHARE = 0.3
EMA_DECAY = 0.995
EMA_EVERY = 4
REFRESH_EVERY = 100
LOG_EVERY = 25
SAVE_EVERY_S = 120
FACTS = {
    "format": "pt",
    "licence": "Apache-2.0",
    "modelspec.sai_model_spec": "1.0.0",
    "modelspec.resolution": "256x256",
    "modelspec.license": "Apache-2.0",
}


@dataclass(frozen=True, slots=True)
class ControlRecipe:
    """What is learned and how.

    `hints` gives the hints (B, 3, H, W) in 0…1 of rows of the examples; `residuals` the U-Net's residual
    arguments of (network, noisy latent, timesteps, crossattn, hint). A larger `noise_bias` draws more steps
    of high noise: 0 draws all alike. Parameters whose names begin with one of `apart` learn
    at `apart_share` of the rate. With a `coarse_weight` the means of COARSE x COARSE latents of the clean
    picture count besides, as guidance makes them of the prompt's and the empty prompt's: colours are little
    of the noise's error and would be learned slowly, and guidance multiplies what the two differ in.
    """

    name: str
    facts: dict[str, str]
    make: Callable[[UNet2DConditionModel], nn.Module]
    hints: Callable[[Examples, np.ndarray, np.random.Generator], Tensor]
    residuals: Callable[[nn.Module, Tensor, Tensor, Tensor, Tensor], dict[str, object]]
    rate: float
    batch: int
    noise_bias: float
    apart: tuple[str, ...]
    apart_share: float
    coarse_weight: float = 0.0
    examples: tuple[str, ...] = (DRAWN,)


@dataclass(slots=True)
class Training:
    """The network, its running average and the optimiser; the Starter stays as it is."""

    unet: UNet2DConditionModel
    text_encoder: CLIPTextModel
    network: nn.Module
    average: dict[str, Tensor]
    optimizer: torch.optim.Optimizer
    step: int = 0

    def follow(self) -> None:
        """Move the running average towards the weights."""
        decay = min(EMA_DECAY, 1 - 1 / (2 + self.step * 0.1)) ** EMA_EVERY
        for key, value in self.network.state_dict().items():
            self.average[key].lerp_(value.detach(), 1 - decay)

    def save(self, folder: Path, recipe: ControlRecipe) -> None:
        """Write the state, and the average as a file to use; both at once."""
        folder.mkdir(parents=True, exist_ok=True)
        state = {
            "network": self.network.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
        }
        save_state(folder / f"{recipe.name}.pt", state)
        export(self.average, folder / f"{recipe.name}.safetensors", recipe.facts | {"steps": str(self.step)})


def export(weights: dict[str, Tensor], path: Path, facts: dict[str, str]) -> None:
    """Write float16 weights in one rename."""
    partial = path.with_suffix(".partial")
    save_file({key: value.half().contiguous() for key, value in weights.items()}, partial, FACTS | facts)
    partial.chmod(0o644)
    partial.replace(path)


def start(recipe: ControlRecipe, folder: Path, checkpoint: Path, seed: int) -> Training:
    """A new training, or the one saved in the folder."""
    torch.manual_seed(seed)
    unet, _, text_encoder = from_single_file(load_file(checkpoint))
    # With heads this thin the plain product of matrices is a third faster on a CPU than the fused one.
    unet.set_attn_processor(AttnProcessor())
    unet.requires_grad_(False)
    text_encoder.requires_grad_(False)
    network = recipe.make(unet).train()
    named = list(network.named_parameters())
    groups = [
        {
            "params": [value for key, value in named if key.startswith(recipe.apart) == is_apart],
            "share": share,
        }
        for is_apart, share in ((False, 1.0), (True, recipe.apart_share))
    ]
    optimizer = torch.optim.AdamW(groups, lr=recipe.rate, betas=(0.9, 0.99), weight_decay=1e-3, fused=True)
    average = {key: value.detach().clone() for key, value in network.state_dict().items()}
    training = Training(unet, text_encoder, network, average, optimizer)
    path = folder / f"{recipe.name}.pt"
    if path.exists():
        state = torch.serialization.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        training.average, training.step = state["average"], state["step"]
    for each in (unet, network):
        each.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    return training


def draw_timesteps(count: int, bias: float, rng: np.random.Generator) -> Tensor:
    """One timestep out of each of B equal ranges, shuffled: the loss wobbles less than with free draws."""
    spread = (rng.permutation(count) + rng.uniform(size=count)) / count
    return torch.from_numpy((spread ** (1 / (1 + bias)) * 1000).astype(np.int64)).clamp(max=999)


@dataclass(frozen=True, slots=True)
class ControlBatch:
    """Noisy latents and their noise (B, 4, h, w), timesteps and signal to noise (B,), tokens, and hints."""

    noisy: Tensor
    noise: Tensor
    timesteps: Tensor
    snr: Tensor
    tokens: Tensor
    hint: Tensor


def draw_batch(
    recipe: ControlRecipe, examples: Examples, alphas: Tensor, rng: np.random.Generator
) -> ControlBatch:
    """Some captions are empty; with a coarse weight the second half is the first with empty captions."""
    count = recipe.batch // 2 if recipe.coarse_weight else recipe.batch
    rows = rng.integers(len(examples.tokens), size=count)
    tokens = examples.tokens[rows, rng.integers(examples.tokens.shape[1], size=count)].astype(np.int64)
    timesteps = draw_timesteps(count, recipe.noise_bias, rng)
    latent = torch.from_numpy(examples.latents[rows].astype(np.float32))
    noise = torch.from_numpy(rng.standard_normal(latent.shape, np.float32))
    hint = recipe.hints(examples, rows, rng)
    if recipe.coarse_weight:
        tokens = np.concatenate([tokens, np.broadcast_to(token_ids("").astype(np.int64), tokens.shape)])
        timesteps = timesteps.repeat(2)
        latent, noise, hint = (torch.cat([each, each]) for each in (latent, noise, hint))
    else:
        tokens[rng.uniform(size=count) < EMPTY_SHARE] = token_ids("")
    alpha = alphas[timesteps]
    noisy = alpha.sqrt().view(-1, 1, 1, 1) * latent + (1 - alpha).sqrt().view(-1, 1, 1, 1) * noise
    return ControlBatch(noisy, noise, timesteps, alpha / (1 - alpha), torch.from_numpy(tokens), hint)


def loss_of(training: Training, recipe: ControlRecipe, batch: ControlBatch) -> Tensor:
    """The weighted error of the predicted noise for one batch, and of coarse colours where asked."""
    with torch.autocast("cpu", torch.bfloat16):
        crossattn = training.text_encoder(batch.tokens).last_hidden_state
        residuals = recipe.residuals(training.network, batch.noisy, batch.timesteps, crossattn, batch.hint)
        predicted = training.unet(
            batch.noisy, batch.timesteps, encoder_hidden_states=crossattn, **residuals
        ).sample
    error = predicted.float() - batch.noise
    weight = batch.snr.clamp(max=SNR_LIMIT).sqrt() / batch.snr
    loss = (weight * error.square().mean((1, 2, 3))).mean()
    if not recipe.coarse_weight:
        return loss
    clean = error / batch.snr.clamp(min=LEAST_SNR).sqrt().view(-1, 1, 1, 1)
    cond, uncond = functional.avg_pool2d(clean, COARSE).chunk(2)
    guided = uncond + GUIDANCE * (cond - uncond)
    return loss + recipe.coarse_weight * guided.square().mean()


def rate_at(step: int, last_step: int) -> float:
    """Share of the learning rate: a short warm-up, a plateau, at last straight to nothing."""
    return min(1.0, (step + 1) / WARMUP_STEPS, (last_step - step) / (COOLING_SHARE * last_step))


def train(training: Training, recipe: ControlRecipe, folder: Path, last_step: int, seed: int) -> None:
    """Steps up to `last_step`; new shards are taken in as they are drawn."""
    alphas = alphas_cumulative()
    saved = logged = time.monotonic()
    losses: list[float] = []
    examples: Examples | None = None
    while training.step < last_step:
        if examples is None or training.step % REFRESH_EVERY == 0:
            examples = Examples.read(folder, recipe.examples)
        rng = np.random.default_rng((seed, training.step))
        loss = loss_of(training, recipe, draw_batch(recipe, examples, alphas, rng))
        training.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(training.network.parameters(), 1.0)
        for group in training.optimizer.param_groups:
            group["lr"] = group["share"] * recipe.rate * rate_at(training.step, last_step)
        training.optimizer.step()
        training.step += 1
        if training.step % EMA_EVERY == 0:
            training.follow()
        losses.append(loss.item())
        now = time.monotonic()
        if training.step % LOG_EVERY == 0:
            seconds = (now - logged) / LOG_EVERY
            logger.info("step %d, loss %.4f, %.2f s", training.step, float(np.mean(losses)), seconds)
            losses, logged = [], now
        if now - saved > SAVE_EVERY_S:
            training.save(folder, recipe)
            saved = now
    training.save(folder, recipe)


def run(recipe: ControlRecipe, description: str | None) -> None:
    """The command line of a recipe."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("folder", type=Path, help="where data.py put its shards; the state goes there too")
    parser.add_argument("--checkpoint", type=Path, default=Path("models/starter/starter.safetensors"))
    parser.add_argument("--last-step", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    choice = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    training = start(recipe, choice.folder, choice.checkpoint, choice.seed)
    count = sum(value.numel() for value in training.average.values())
    logger.info("Training %s from step %d, %d numbers", recipe.name, training.step, count)
    train(training, recipe, choice.folder, choice.last_step, choice.seed)
