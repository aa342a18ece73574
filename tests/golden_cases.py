"""The goldens: what A1111 1.10.1 made of requests, and how ours is held against it. See goldens/README.md."""

import base64
import io
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

GOLDENS = Path(__file__).parent / "goldens"
FAMILIES = {"sd15": "tiny-sd15", "sdxl": "tiny-sdxl", "sd2v": "tiny-sd2v"}
# Networks in prompts, which tests of a text encoder alone have to leave out.
NETWORKS = re.compile(r"<(lora|lyco|hypernet):|\bti-(pt|st|diff|xl)\b")
# Goldens that ours is not held against, and what it would need. No other one is left out, and one of these
# that begins to run fails a test until it is taken out of here (tests/api/test_goldens.py).
NOT_RUN: dict[str, str] = {}


@dataclass(frozen=True)
class GoldenCase:
    """One request and what came of it."""

    family: str
    data: dict[str, Any]

    def __str__(self) -> str:
        """For the names of tests."""
        return f"{self.family}-{self.data['id']}"

    @property
    def payload(self) -> dict[str, Any]:
        """What was posted, with the pictures that "@name.png" stands for in it."""
        payload = dict(self.data["payload"])
        if "init_images" in payload:
            payload["init_images"] = [asset(name) for name in payload["init_images"]]
        if "mask" in payload:
            payload["mask"] = asset(payload["mask"])
        return payload

    @property
    def pictures(self) -> list[np.ndarray]:
        """The pictures, (H, W, 3) int16."""
        names = self.data["images"]
        return [pixels(Image.open(GOLDENS / self.family / name)) for name in names]

    @property
    def latent(self) -> np.ndarray:
        """What went into the last VAE decode, (B, 4, H/8, W/8) float32."""
        return np.load(GOLDENS / self.family / self.data["latent"])

    @property
    def infotexts(self) -> list[str]:
        """Without the version of the program."""
        return [without_version(text) for text in self.data["info"]["infotexts"]]


def all_golden_cases() -> list[GoldenCase]:
    """Every golden."""
    return [
        GoldenCase(family, data)
        for family in FAMILIES
        for data in json.loads((GOLDENS / family / "cases.json").read_text("utf-8"))
    ]


def golden_cases() -> list[GoldenCase]:
    """Every golden whose features are there."""
    return [case for case in all_golden_cases() if str(case) not in NOT_RUN]


def asset(name: str) -> str:
    """The base64 of a picture that a payload names "@name.png"."""
    return base64.b64encode((GOLDENS / "assets" / name.removeprefix("@")).read_bytes()).decode()


def make_golden_models(destination: Path) -> Path:
    """Write the tiny checkpoints with their sidecars, once; a few seconds."""
    subprocess.run(
        [sys.executable, GOLDENS / "make_checkpoints.py", destination], check=True, capture_output=True
    )
    for sidecar in GOLDENS.glob("tiny-*.yaml"):
        (destination / sidecar.name).write_bytes(sidecar.read_bytes())
    return destination


def make_golden_networks(models: Path, destination: Path) -> Path:
    """Write the LoRA family's files for the tiny checkpoints, once; a second."""
    if not (destination / "Lora-xl").is_dir():
        command = [sys.executable, GOLDENS / "make_networks.py", models, destination]
        subprocess.run(command, check=True, capture_output=True)
    return destination


def pixels(image: Image.Image) -> np.ndarray:
    """(H, W, 3) int16."""
    return np.asarray(image.convert("RGB"), np.int16)


def decoded(picture: str) -> Image.Image:
    """A picture of an API's answer."""
    return Image.open(io.BytesIO(base64.b64decode(picture)))


def without_version(infotext: str) -> str:
    """The text without the version, the only part in which ours may differ.

    The DoRA file's hash is left out too: its lengths are computed when the file is made, and their last bits
    depend on torch's version.
    """
    return re.sub(r"\bdora: [0-9a-f]{12}", "dora", re.sub(r", Version: [^,\n]*$", "", infotext))
