"""What a run's presets go by: the data's size, the checkpoint's architecture, the device. Loads no torch."""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from webui.core.model_file import Family, ModelFile
from webui.library.files.headers import Header, read_header
from webui.library.recognise.checkpoint_layouts import find_layout
from webui.library.recognise.identify import identify
from webui.store.files.regular_files import is_regular, read_regular

# Sides of the square pictures that networks of a family were trained on.
NATIVE_SIDES: Mapping[Family, int] = MappingProxyType({Family.SD2: 768, Family.SDXL: 1024})
USUAL_SIDE, SMALL_SIDE = 512, 256
# A U-Net with fewer weights learns at other rates; SD1's has 860 million.
SMALL_NETWORK = 200_000_000
MOST_DEFAULTS_BYTES = 1 << 20
GIGABYTE = 1 << 30


@dataclass(frozen=True, slots=True)
class RunFacts:
    """`pictures` are those of the data set with their repeats, 0 while it is not read; `captions` some of
    theirs. `native` is the side of the checkpoint's pictures in pixels, `network` and `text` how many weights
    U-Net and text encoders have. `prediction` None: known when it is loaded. `memory_bytes` is the device's,
    0 where it is not known. `half` is the format in which the device computes fast, if there is one.
    """

    family: Family = Family.SD1
    pictures: int = 0
    captions: tuple[str, ...] = ()
    native: int = USUAL_SIDE
    network: int = 860_000_000
    text: int = 123_000_000
    prediction: Literal["eps", "v"] | None = "eps"
    is_zero_snr: bool = False
    memory_bytes: int = 0
    half: Literal["bf16", "fp16"] | None = None

    @property
    def is_small(self) -> bool:
        """Whether the network is far smaller than the published ones."""
        return self.network < SMALL_NETWORK

    @property
    def memory(self) -> Literal["low", "medium", "high"]:
        """How much room the device has for such a network."""
        if self.is_small or not self.memory_bytes:
            return "medium"
        needed = 2 if self.family is Family.SDXL else 1
        gigabytes = self.memory_bytes / GIGABYTE / needed
        return "low" if gigabytes < 9 else "medium" if gigabytes < 20 else "high"


def read_facts(file: ModelFile) -> RunFacts:
    """What a checkpoint's header tells. Raises UnusableFile."""
    header = read_header(file.path)
    identity, layout = identify(header), find_layout(header)
    network = count_numbers(header, layout.network) if layout else 0
    text = sum(count_numbers(header, part.prefix) for part in layout.text_encoders) if layout else 0
    said = identity.prediction or ("eps" if identity.family is Family.SD1 else None)
    return RunFacts(
        family=identity.family,
        native=find_native_side(file.path, identity.family, network),
        network=network,
        text=text,
        prediction="v" if said == "v" else "eps" if said else None,
        is_zero_snr=identity.has_zero_snr,
    )


def count_numbers(header: Header, prefix: str) -> int:
    """How many numbers a file has below a prefix."""
    return sum(math.prod(info.shape) for name, info in header.tensors.items() if name.startswith(prefix))


def find_native_side(path: Path, family: Family, network: int) -> int:
    """The side of the pictures that a checkpoint makes best: as its defaults say, else its family's."""
    defaults = path.with_suffix(".defaults.json")
    if is_regular(defaults):
        try:
            said = json.loads(read_regular(defaults, MOST_DEFAULTS_BYTES).decode("utf-8"))["defaults"]
            return max(64, min(int(said["width"]), int(said["height"]), 2048))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            # It is the author's; a run does without.
            pass
    if 0 < network < SMALL_NETWORK:
        return SMALL_SIDE
    return NATIVE_SIDES.get(family, USUAL_SIDE)


def machine_memory_bytes() -> int:
    """The machine's own memory; 0 where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0
