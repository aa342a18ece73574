"""Makes what a ControlNet adds to the U-Net stronger or weaker: the weight at which it is used by default."""

import argparse
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from extensions.controlnet.starter.training import export

# The layers that a ControlNet ends with.
OUTPUTS = ("controlnet_down_blocks.", "controlnet_mid_block.")


def strengthen(weights: dict[str, Tensor], factor: float) -> dict[str, Tensor]:
    """The weights of a network whose outputs are `factor` times as strong."""
    return {
        key: value.float() * factor if key.startswith(OUTPUTS) else value for key, value in weights.items()
    }


def main() -> None:
    """Write the file anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("given", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--factor", type=float, default=1.5)
    choice = parser.parse_args()
    with safe_open(choice.given, "pt") as file:
        facts = file.metadata() or {}
    export(strengthen(load_file(choice.given), choice.factor), choice.result, facts)


if __name__ == "__main__":
    main()
