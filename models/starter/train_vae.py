"""Trains the autoencoder on crops of drawings for some minutes and rescales it to SD1's factor."""

import argparse
import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn
from torch.nn import functional

from models.starter.bank import shard_path
from models.starter.networks import SCALE_FACTOR, make_vae
from models.starter.thumbnails import start_from_thumbnails

logger = logging.getLogger(__name__)

CROP = 64
BATCH = 8
LEARNING_RATE = 8e-4
WARMUP_STEPS = 50
# Weight of the divergence per latent element: enough to keep the latents smooth, too little to blur.
KL_WEIGHT = 2e-4
# Share of steps that must also decode a halved latent to a halved picture (after Kouzelis 2025, EQ-VAE).
SCALE_SHARE = 0.35
# Edges count beside colours: outlines and faces are thin.
EDGE_WEIGHT = 0.6
SAVE_EVERY_S = 120


# SD1's normalisations divide by the deviation of two channels (64 in 32 groups) over the whole picture, which
# loses its brightness. With this epsilon they hardly divide; `move_epsilon` moves it into the weights.
SOFT_EPSILON = 1.0
USUAL_EPSILON = 1e-6


def to_tensor(pictures: np.ndarray) -> Tensor:
    """Pictures (B, H, W, 3) uint8 to (B, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


def draw_crops(shards: list[Path], rng: np.random.Generator, count: int, crop: int) -> Tensor:
    """Random crops from one random shard, half of them from halved pictures: both training sizes are met."""
    pictures = np.load(shards[int(rng.integers(len(shards)))], mmap_mode="r")
    crops = []
    for index in rng.integers(len(pictures), size=count):
        reach = crop * (2 if rng.uniform() < 0.4 else 1)
        x, y = rng.integers(0, pictures.shape[1] - reach + 1, size=2)
        part = to_tensor(np.array(pictures[index, y : y + reach, x : x + reach])[None])
        crops.append(functional.avg_pool2d(part, 2) if reach > crop else part)
    return torch.cat(crops)


def difference(decoded: Tensor, picture: Tensor) -> Tensor:
    """Mean absolute difference of colours and of edges."""
    loss = functional.l1_loss(decoded, picture)
    for axis in (2, 3):
        loss = loss + EDGE_WEIGHT * functional.l1_loss(decoded.diff(dim=axis), picture.diff(dim=axis))
    return loss


def step_loss(vae: AutoencoderKL, pictures: Tensor, halve: bool) -> tuple[Tensor, Tensor]:
    """(loss, mean absolute difference) of one batch (B, 3, H, W) in [-1, 1]."""
    posterior = vae.encode(pictures).latent_dist
    latent = posterior.sample()
    if halve:
        latent, pictures = functional.avg_pool2d(latent, 2), functional.avg_pool2d(pictures, 2)
    decoded = vae.decode(latent).sample.float()
    divergence = (
        0.5 * (posterior.mean.float() ** 2 + posterior.var.float() - 1 - posterior.logvar.float()).mean()
    )
    return difference(decoded, pictures) + KL_WEIGHT * divergence, functional.l1_loss(
        decoded.detach(), pictures
    )


@torch.no_grad()
def move_epsilon(vae: AutoencoderKL, epsilon: float) -> None:
    """Give all normalisations another epsilon and what they read another size: the function stays the same.

    norm(x, eps) = norm(s x, s*s*eps). Weights that write into a residual stream (or between two norms of a
    block) change by s; of layers that pass a stream on only the bias does.
    """
    norms = [module for module in vae.modules() if isinstance(module, nn.GroupNorm)]
    scale = (epsilon / norms[0].eps) ** 0.5
    writers = (".conv1.", ".conv2.", ".to_out.0.")
    passers = (".conv_shortcut.", ".downsamplers.0.conv.", ".upsamplers.0.conv.")
    for name, parameter in vae.named_parameters():
        writes = any(part in name for part in writers) or name.split(".")[1] == "conv_in"
        passes = any(part in name for part in passers) and name.endswith(".bias")
        if writes or passes:
            parameter.mul_(scale)
    for norm in norms:
        norm.eps = epsilon


@torch.no_grad()
def rescale(vae: AutoencoderKL, pictures: Tensor) -> None:
    """Shift and scale the latents so that SCALE_FACTOR times each channel has mean 0 and deviation 1.

    The change goes into the two 1x1 convolutions around the latent; decoded pictures stay the same.
    """
    latent = torch.cat([vae.encode(part).latent_dist.mean for part in pictures.split(8)])
    mean, spread = latent.mean((0, 2, 3)), latent.std((0, 2, 3)) * SCALE_FACTOR
    quant, post = vae.quant_conv, vae.post_quant_conv
    post.bias += torch.einsum("oi,i->o", post.weight[:, :, 0, 0], mean)
    post.weight *= spread[None, :, None, None]
    quant.weight[:4] /= spread[:, None, None, None]
    quant.bias[:4] = (quant.bias[:4] - mean) / spread
    quant.bias[4:] -= 2 * spread.log()


def save_state(path: Path, state: dict[str, object]) -> None:
    """Write beside the place and rename."""
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def first_vae(folder: Path, decoder_only: bool) -> AutoencoderKL:
    """The autoencoder to start from: storing thumbnails, or finished and with its encoder fixed."""
    vae = make_vae()
    if decoder_only:
        vae.load_state_dict(torch.load(folder / "vae.pt", weights_only=True))
        vae.encoder.requires_grad_(False)
        vae.quant_conv.requires_grad_(False)
        move_epsilon(vae, SOFT_EPSILON)
        return vae
    start_from_thumbnails(vae)
    for module in vae.modules():
        if isinstance(module, nn.GroupNorm):
            module.eps = SOFT_EPSILON
    return vae


@dataclass(slots=True)
class Training:
    """An autoencoder on its way, and how long it has been trained."""

    vae: AutoencoderKL
    optimizer: torch.optim.Optimizer
    state_path: Path
    step: int = 0
    spent_s: float = 0.0

    @staticmethod
    def start(folder: Path, decoder_only: bool, device: torch.device) -> "Training":
        """A new training, or the one that was cut off."""
        vae = first_vae(folder, decoder_only).to(device)
        weights = [parameter for parameter in vae.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(
            weights, lr=LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.0, fused=True
        )
        path = folder / ("decoder-state.pt" if decoder_only else "vae-state.pt")
        training = Training(vae, optimizer, path)
        if path.exists():
            state = torch.load(path, map_location=device, weights_only=True)
            vae.load_state_dict(state["vae"])
            optimizer.load_state_dict(state["optimizer"])
            training.step, training.spent_s = state["step"], state["spent_s"]
        return training

    def save(self) -> None:
        """Write the whole state at once."""
        state = {"vae": self.vae.state_dict(), "optimizer": self.optimizer.state_dict()}
        save_state(self.state_path, {**state, "step": self.step, "spent_s": self.spent_s})

    def learn(self, loss: Tensor, done: float) -> None:
        """One step down the loss; `done` (0..1) is the share of the time that is over."""
        warmup = min(1.0, (self.step + 1) / WARMUP_STEPS)
        for group in self.optimizer.param_groups:
            group["lr"] = LEARNING_RATE * warmup * max(0.02, 0.5 + 0.5 * math.cos(math.pi * done))
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.vae.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1


def train(training: Training, folder: Path, minutes: float, seed: int) -> None:
    """Train until the minutes, counted over all runs, are over."""
    device = training.vae.device
    count = BATCH * (4 if device.type == "cuda" else 1)
    now = saved = time.monotonic()
    while training.spent_s < minutes * 60:
        rng = np.random.default_rng((seed, training.step))
        pictures = draw_crops(sorted((folder / "pictures").glob("*.npy")), rng, count, CROP).to(device)
        with torch.autocast(device.type, torch.bfloat16):
            loss, error = step_loss(training.vae, pictures, bool(rng.uniform() < SCALE_SHARE))
        training.learn(loss, training.spent_s / (minutes * 60))
        before, now = now, time.monotonic()
        training.spent_s += now - before
        if training.step % 50 == 0:
            spent = training.spent_s / 60
            logger.info("vae step %d, %.1f min, difference %.4f", training.step, spent, error.item())
        if now - saved > SAVE_EVERY_S:
            training.save()
            saved = now


def main() -> None:
    """Train, rescale, write `vae.pt`; with `--decoder-only` improve `vae.pt` and leave its latents alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--decoder-only", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    choice = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(choice.threads)
    torch.manual_seed(choice.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    training = Training.start(choice.folder, choice.decoder_only, device)
    train(training, choice.folder, choice.minutes, choice.seed)
    vae = training.vae.eval()
    pictures = to_tensor(np.load(shard_path(choice.folder, 0))[:96]).to(device)
    if not choice.decoder_only:
        rescale(vae, pictures)
    move_epsilon(vae, USUAL_EPSILON)
    with torch.no_grad():
        latents = [vae.encode(part).latent_dist.mean for part in pictures.split(8)]
        decoded = torch.cat([vae.decode(latent).sample.clamp(-1, 1) for latent in latents])
    logger.info("PSNR %.2f dB", -10 * torch.log10(((decoded - pictures) / 2).square().mean()))
    save_state(choice.folder / "vae.pt", vae.cpu().state_dict())


if __name__ == "__main__":
    main()
