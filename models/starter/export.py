"""Writes the running averages of a training and its autoencoder as one file in the SD1 layout."""

import argparse
import logging
from pathlib import Path

import torch
from safetensors.torch import save_file

from models.starter.networks import to_single_file

logger = logging.getLogger(__name__)

LIMIT_BYTES = 45_000_000
# As the ModelSpec standard names it; pages take the default picture size from here.
FACTS = {
    "format": "pt",
    "licence": "Apache-2.0",
    "modelspec.sai_model_spec": "1.0.0",
    "modelspec.title": "Starter",
    "modelspec.architecture": "stable-diffusion-v1",
    "modelspec.implementation": "sgm",
    "modelspec.prediction_type": "epsilon",
    "modelspec.resolution": "256x256",
    "modelspec.license": "Apache-2.0",
}


def export(folder: Path, target: Path) -> int:
    """Write `target` (in one rename) from `state.pt` and `vae.pt`; the number of steps it was trained."""
    state = torch.load(folder / "state.pt", map_location="cpu", weights_only=True)
    vae = torch.load(folder / "vae.pt", map_location="cpu", weights_only=True)
    tensors = to_single_file(state["averages"]["unet"], vae, state["averages"]["text_encoder"])
    partial = target.with_suffix(".partial")
    save_file(
        tensors, partial, metadata={"format": "pt", "steps": str(state["step"]), "licence": "Apache-2.0"}
    )
    assert partial.stat().st_size <= LIMIT_BYTES
    # safetensors writes files that only their owner may read.
    partial.chmod(0o644)
    partial.replace(target)
    return state["step"]


def main() -> None:
    """Export a training folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("target", type=Path)
    choice = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    step = export(choice.folder, choice.target)
    logger.info(
        "Wrote %s after %d steps, %.1f MB", choice.target.name, step, choice.target.stat().st_size / 1e6
    )


if __name__ == "__main__":
    main()
