"""Trains the UNet and the text encoder together; killed at any moment, it goes on from its last state."""

import argparse
import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPTextModel

from models.starter.cache import SIZES, latent_path, token_path
from models.starter.captions import token_ids
from models.starter.guide import SideGuide
from models.starter.networks import make_text_encoder, make_unet
from models.starter.train_vae import save_state

logger = logging.getLogger(__name__)

SMALL, NATIVE = SIZES
LEARNING_RATE = 6e-4
WARMUP_STEPS = 150
# From here on the rate falls with the square root of the steps, and over the last steps to nothing.
STEADY_STEPS = 12000
COOLING_STEPS = 1000
# The text encoder's share of the rate: at the whole of it, its residuals grow until words drown in them.
TEXT_RATE = 0.4
# Weight of what the side words' attention is asked for.
GUIDANCE = 0.01
EMPTY_SHARE = 0.10
# Hang 2023, "Min-SNR weighting", in its root: with the weight itself, the levels that decide what stands
# where (sigma above 2) make a tenth of the loss: things come out double. So all levels weigh much the same.
SNR_LIMIT = 5.0
# SD1's betas never reach pure noise; noise common to all cells ties brightness to words (Guttenberg 2023).
OFFSET_NOISE = 0.08
EMA_DECAY = 0.9985
EMA_EVERY = 4
REFRESH_EVERY = 100
SAVE_EVERY_S = 180
THREADS_EVERY = 20
# Load by others from which one thread is faster than several.
BUSY = 0.7


def alphas_cumulative() -> Tensor:
    """SD1's schedule: betas linear in their square roots from 0.00085 to 0.012, 1000 steps (1000,)."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, 0).float()


@dataclass(frozen=True, slots=True)
class Cache:
    """Everything drawn so far at one size: latents (N, 4, h, w) and tokens (N, captions, 77), in memory."""

    latents: NDArray[np.float16]
    tokens: NDArray[np.uint16]

    @staticmethod
    def read(folder: Path, size: int) -> "Cache":
        """All shards that have tokens and latents at that size (pixels)."""
        stems = [{p.stem for p in (folder / n).glob("*.npy")} for n in ("tokens", f"latents-{size}")]
        numbers = sorted(int(stem) for stem in stems[0] & stems[1])
        latents = np.concatenate([np.load(latent_path(folder, size, n)) for n in numbers])
        return Cache(latents, np.concatenate([np.load(token_path(folder, n)) for n in numbers]))

    def batch(self, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """(latents (B, 4, h, w), token ids (B, 77)); one caption in ten is empty."""
        rows = rng.integers(len(self.tokens), size=count)
        tokens = self.tokens[rows, rng.integers(self.tokens.shape[1], size=count)].astype(np.int64)
        tokens[rng.uniform(size=count) < EMPTY_SHARE] = token_ids("")
        return torch.from_numpy(self.latents[rows].astype(np.float32)), torch.from_numpy(tokens)


@dataclass(slots=True)
class Training:
    """The networks, their running averages and the optimiser."""

    unet: UNet2DConditionModel
    text_encoder: CLIPTextModel
    averages: dict[str, dict[str, Tensor]]
    optimizer: torch.optim.Optimizer
    guide: SideGuide
    step: int

    def networks(self) -> dict[str, nn.Module]:
        """The two networks by name."""
        return {"unet": self.unet, "text_encoder": self.text_encoder}

    def average(self) -> None:
        """Move the running averages towards the weights."""
        decay = min(EMA_DECAY, 1 - 1 / (2 + self.step * 0.05)) ** EMA_EVERY
        for name, network in self.networks().items():
            for key, value in network.state_dict().items():
                if value.is_floating_point():
                    self.averages[name][key].lerp_(value.detach(), 1 - decay)

    def save(self, path: Path) -> None:
        """Write the whole state at once."""
        weights = {name: network.state_dict() for name, network in self.networks().items()}
        state = {
            "weights": weights,
            "averages": self.averages,
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
        }
        save_state(path, state)


def start(path: Path, device: torch.device, seed: int) -> Training:
    """A new training, or the one saved at `path`."""
    torch.manual_seed(seed)
    unet, text_encoder = make_unet().to(device), make_text_encoder().to(device).train()
    if device.type == "cpu":
        # With heads this thin the plain product of matrices is a third faster on a CPU than the fused one.
        unet.set_attn_processor(AttnProcessor())
    groups = [
        {"params": list(unet.parameters()), "share": 1.0},
        {"params": list(text_encoder.parameters()), "share": TEXT_RATE},
    ]
    optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=(0.9, 0.99), weight_decay=0.0, fused=True)
    networks = {"unet": unet, "text_encoder": text_encoder}
    averages = {
        name: {k: v.detach().clone() for k, v in net.state_dict().items()} for name, net in networks.items()
    }
    training = Training(unet, text_encoder, averages, optimizer, SideGuide(unet), 0)
    if path.exists():
        state = torch.load(path, map_location=device, weights_only=True)
        for name, network in networks.items():
            network.load_state_dict(state["weights"][name])
        training.averages = state["averages"]
        optimizer.load_state_dict(state["optimizer"])
        training.step = state["step"]
    return training


def loss_of(
    training: Training, latent: Tensor, tokens: Tensor, alphas: Tensor, generator: torch.Generator
) -> Tensor:
    """The weighted error of the predicted noise for a batch of latents (B, 4, h, w) and tokens (B, 77)."""
    training.guide.expect(tokens)
    count, device = len(latent), latent.device
    # One timestep out of each of B equal ranges: the loss wobbles less than with free draws.
    spread = (torch.randperm(count, generator=generator) + torch.rand(count, generator=generator)) / count
    timesteps = (spread * 1000).long().clamp(max=999).to(device)
    noise = torch.randn(latent.shape, generator=generator)
    noise = (noise + OFFSET_NOISE * torch.randn((count, 4, 1, 1), generator=generator)).to(device)
    alpha = alphas[timesteps].view(-1, 1, 1, 1)
    noisy = alpha.sqrt() * latent + (1 - alpha).sqrt() * noise
    with torch.autocast(device.type, torch.bfloat16):
        conditioning = training.text_encoder(tokens).last_hidden_state
        predicted = training.unet(noisy, timesteps, encoder_hidden_states=conditioning).sample
    snr = alpha.flatten() / (1 - alpha.flatten())
    weight = snr.clamp(max=SNR_LIMIT).sqrt() / snr
    return (weight * functional.mse_loss(predicted.float(), noise, reduction="none").mean((1, 2, 3))).mean()


def rate_at(step: int, last_step: int) -> float:
    """Learning rate: warm-up, a plateau, falling with the root of the steps, at last straight to nothing."""
    rate = LEARNING_RATE * min(1.0, (step + 1) / WARMUP_STEPS) * min(1.0, (STEADY_STEPS / (step + 1)) ** 0.5)
    return rate * min(1.0, (last_step - step) / COOLING_STEPS)


def free_threads(limit: int, used: int) -> int:
    """How many threads not to be in others' way with: `limit` on an idle machine, else one.

    Threads wait for each other after every layer, so two on one and a half cores are slower than one alone.
    """
    others = os.getloadavg()[0] - used
    return limit if others < BUSY else 1


def train(
    training: Training, folder: Path, small_steps: int, last_step: int, batch: int, seed: int, threads: int
) -> None:
    """Steps up to `last_step`: halved pictures for `small_steps`, then the native size."""
    device = training.unet.device
    alphas = alphas_cumulative().to(device)
    saved = logged = time.monotonic()
    losses: list[float] = []
    asked: list[float] = []
    seen = 0
    cache: Cache | None = None
    while training.step < last_step:
        size = SMALL if training.step < small_steps else NATIVE
        if cache is None or training.step % REFRESH_EVERY == 0 or training.step == small_steps:
            cache = Cache.read(folder, size)
        rng = np.random.default_rng((seed, training.step))
        latent, tokens = (part.to(device) for part in cache.batch(batch, rng))
        generator = torch.Generator().manual_seed(seed * 1_000_003 + training.step)
        loss = loss_of(training, latent, tokens, alphas, generator)
        guided = training.guide.loss()
        training.optimizer.zero_grad()
        (loss + GUIDANCE * guided).backward()
        for group in training.optimizer.param_groups:
            group["lr"] = group["share"] * rate_at(training.step, last_step)
            torch.nn.utils.clip_grad_norm_(group["params"], 1.0)
        training.optimizer.step()
        training.step += 1
        seen += batch
        if training.step % EMA_EVERY == 0:
            training.average()
        losses.append(loss.item())
        asked.append(guided.item())
        if training.step % THREADS_EVERY == 0:
            torch.set_num_threads(free_threads(threads, torch.get_num_threads()))
        if training.step % 50 == 0:
            now = time.monotonic()
            mean, speed = float(np.mean(losses)), seen / (now - logged)
            logger.info(
                "step %d, loss %.4f, guided %.3f, %.1f pictures/s, %d scenes",
                training.step,
                mean,
                float(np.mean(asked)),
                speed,
                len(cache.tokens),
            )
            losses, asked, seen, logged = [], [], 0, now
        if time.monotonic() - saved > SAVE_EVERY_S:
            training.save(folder / "state.pt")
            saved = time.monotonic()
    training.save(folder / "state.pt")


def main() -> None:
    """Train, going on from `state.pt` in the folder when there is one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--small-steps", type=int, default=11500)
    parser.add_argument("--last-step", type=int, default=60000)
    parser.add_argument("--batch", type=int, default=0, help="0: 32 on a CPU, 128 on a GPU")
    parser.add_argument("--threads", type=int, default=1, help="at most; one while others work")
    parser.add_argument("--seed", type=int, default=0)
    choice = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    batch = choice.batch or (128 if device.type == "cuda" else 32)
    training = start(choice.folder / "state.pt", device, choice.seed)
    logger.info("Training on %s from step %d, %d pictures a step", device, training.step, batch)
    train(training, choice.folder, choice.small_steps, choice.last_step, batch, choice.seed, choice.threads)


if __name__ == "__main__":
    main()
