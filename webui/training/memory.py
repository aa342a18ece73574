"""About how much memory a run takes, before anything is loaded. Loads no torch.

Weights, what is trained with its gradients and the optimizer's state, and activations. Activations are
measured: a LoRA step of SD1.5 at 512x512 takes 3.5 GiB of them in 32 bits (benchmarks/training_step.py).
They grow with the pixels, the batch, and the network's width, which is about the root of its weights.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from webui.core.work.training_run import TrainingRun
from webui.library.files.headers import Header
from webui.library.recognise.checkpoint_layouts import find_layout
from webui.training.facts import GIGABYTE, RunFacts
from webui.training.presets import ADAPTERS, WHOLE

FLOAT_BYTES = 4
LATENT_PIXELS = 8
# Bytes for each pixel of a latent and each unit of a network's width, as measured (see above).
USUAL_NETWORK = 860e6
ACTIVATION_BYTES = 3.5 * GIGABYTE / (64 * 64 * math.sqrt(USUAL_NETWORK))
# Half as wide numbers for most activations under autocast; the inputs of blocks alone with checkpointing.
HALF_SHARE, CHECKPOINTED_SHARE = 0.6, 0.25
# A second answer for half of the batch, with gradients, and one without.
PRESERVED_SHARE = 0.5
# Bytes of an optimizer's state for each number that is trained.
STATE_BYTES: Mapping[str, float] = MappingProxyType(
    {"adamw": 8.0, "adamw8bit": 2.2, "prodigy": 16.0, "adafactor": 0.1, "lion": 4.0}
)
# The VAE's share of the U-Net's weights; SD1's has 84 million, and is not trained.
VAE_SHARE = 0.1
# Matrices that LoRAs are laid beside: in the U-Net's transformers, in text encoders.
ATTENTION = re.compile(r"transformer_blocks\.|\.proj_(in|out)\.")
CONVOLUTION = re.compile(r"\.(in_layers|out_layers|conv\d?|op|skip_connection|conv_shortcut)\.")
TEXT_LAYER = re.compile(r"\.(self_attn|mlp|attn)\.")
CLIP_WIDTHS = (768, 1024, 1280)
KERNEL_DIMENSIONS = 4


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """Bytes of all weights, of what is trained with gradients and the optimizer's state, of activations."""

    weights: int
    trained: int
    activations: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.trained + self.activations

    def explain(self) -> str:
        """The parts in words."""
        return (
            f"{in_gigabytes(self.weights)} for the weights, {in_gigabytes(self.trained)} for what is trained "
            f"with its gradients and the optimizer's state, {in_gigabytes(self.activations)} for activations"
        )

    def warn(self, run: TrainingRun, facts: RunFacts) -> list[str]:
        """A sentence where the device has less than that."""
        if not facts.memory_bytes or self.total <= facts.memory_bytes:
            return []
        advice = {
            "the memory preset low": run.memory != "low",
            "gradient checkpointing": not run.checkpointing,
            "a batch of 1 with more accumulation": (run.batch_size or 1) > 1,
            "the optimizer adafactor": run.optimizer != "adafactor" and self.trained > self.activations,
            "a lower resolution": True,
        }
        wanted = " or ".join([words for words, helps in advice.items() if helps][:3])
        return [
            f"The run takes about {in_gigabytes(self.total)} of memory ({self.explain()}), and there are "
            f"{in_gigabytes(facts.memory_bytes)}. Choose {wanted}."
        ]


def in_gigabytes(size: float) -> str:
    """Such as "3.7 GiB"."""
    return f"{size / GIGABYTE:.1f} GiB" if size >= GIGABYTE / 10 else f"{size / 2**20:.0f} MiB"


def estimate_memory(run: TrainingRun, facts: RunFacts, header: Header) -> MemoryNeed:
    """Of a run whose fields are filled, on a checkpoint with this header."""
    networks = facts.network + facts.text
    numbers = count_trained(run, facts, header)
    is_whole = run.method in WHOLE and not run.as_lora
    own = 0 if is_whole and run.method != "controlnet" else FLOAT_BYTES
    if is_whole and run.preserve:
        # The weights as they were, which the network is asked with.
        own += FLOAT_BYTES
    average = FLOAT_BYTES if run.ema else 0
    each = own + FLOAT_BYTES + average + STATE_BYTES.get(run.optimizer or "adamw", 8.0)
    return MemoryNeed(
        weights=round(FLOAT_BYTES * (networks + VAE_SHARE * facts.network)),
        trained=round(numbers * each),
        activations=round(estimate_activations(run, facts)),
    )


def estimate_activations(run: TrainingRun, facts: RunFacts) -> float:
    """Bytes that a forward pass keeps for the backward pass."""
    pixels = ((run.resolution or facts.native) / LATENT_PIXELS) ** 2
    size = ACTIVATION_BYTES * pixels * (run.batch_size or 1) * math.sqrt(facts.network)
    if run.precision in {"bf16", "fp16"}:
        size *= HALF_SHARE
    if run.checkpointing:
        size *= CHECKPOINTED_SHARE
    return size * (1 + PRESERVED_SHARE) if run.preserve else size


def count_trained(run: TrainingRun, facts: RunFacts, header: Header) -> int:
    """How many numbers a run trains, about."""
    if run.method == "textual_inversion":
        return (run.vectors or 1) * sum(CLIP_WIDTHS)
    if run.method == "controlnet":
        # The U-Net's encoder and middle.
        return round(0.42 * facts.network)
    if run.method == "hypernetwork":
        return count_hypernetwork(run.layers or (1.0, 2.0, 1.0), facts.network)
    if run.method in ADAPTERS or run.as_lora:
        return round(sum(count_layer(run, shape) for shape in adapted_shapes(run, header)))
    parts = (facts.network, run.train_unet), (facts.text, run.train_text)
    return sum(count for count, is_trained in parts if is_trained)


def count_hypernetwork(layers: tuple[float, ...], network: int) -> int:
    """A1111's: two networks for each of four widths, which are SD1's scaled by the network's size."""
    widths = [width * min(1.0, math.sqrt(network / USUAL_NETWORK)) for width in (320, 640, 768, 1280)]
    pairs = list(pairwise(layers))
    return round(sum(2 * width * width * first * second for width in widths for first, second in pairs))


def adapted_shapes(run: TrainingRun, header: Header) -> Iterator[tuple[int, ...]]:
    """Shapes of the weights that layers are laid beside."""
    layout = find_layout(header)
    if layout is None:
        return
    for name, info in header.tensors.items():
        if not name.endswith("weight") or len(info.shape) < 2:
            continue
        is_text = any(name.startswith(part.prefix) for part in layout.text_encoders)
        if is_text and run.train_text and TEXT_LAYER.search(name):
            yield info.shape
        if not name.startswith(layout.network) or is_text or run.train_unet is False:
            continue
        if ATTENTION.search(name) or (run.conv_rank and CONVOLUTION.search(name)):
            yield info.shape


def count_layer(run: TrainingRun, shape: tuple[int, ...]) -> float:
    """Numbers of a change of one weight (out, in, …)."""
    outputs, inputs = shape[0], math.prod(shape[1:])
    has_kernel = len(shape) == KERNEL_DIMENSIONS and shape[2] > 1
    rank = (run.conv_rank if has_kernel else run.rank) or 1
    low = rank * (outputs + inputs)
    if run.method == "loha":
        return 2 * low
    if run.method == "lokr":
        factor = max(run.factor or 1, 1)
        return min(low / factor, outputs * inputs / factor**2) + factor**2
    return low + shape[1] if run.method == "dora" else low
