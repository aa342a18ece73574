# pyright: basic
"""LoRAs as A1111's Lora extension knows them."""

import enum
from collections import namedtuple
from functools import cached_property
from pathlib import Path

from webui.compat.a1111.facades import prompt_networks
from webui.compat.a1111.facades.stand_ins import StandIn, absent, refuse
from webui.core.model_file import ModelFile
from webui.library.catalog.lora_files import OUTPUT_NAME

NetworkWeights = namedtuple("NetworkWeights", ["network_key", "sd_key", "w", "sd_module"])
metadata_tags_order = {
    "ss_sd_model_name": 1,
    "ss_resolution": 2,
    "ss_clip_skip": 3,
    "ss_num_train_images": 10,
    "ss_tag_frequency": 20,
}
LAYERS = (
    "LoRAs are applied by the program. Per-layer weights are written <lora:name:1:lbw=…> (the extension "
    "lora_blocks), and change_networks (docs/hooks.md) changes a pass's LoRAs."
)


class SdVersion(enum.Enum):
    Unknown = 1
    SD1 = 2
    SD2 = 3
    SDXL = 4


class NetworkOnDisk:
    """A LoRA's file."""

    def __init__(self, name, filename, entry=None):
        self.name = name
        self.filename = str(filename)
        self.is_safetensors = Path(self.filename).suffix.lower() == ".safetensors"
        names = prompt_networks.lora_names
        self._entry = entry or prompt_networks.entry_of_path(Path(filename), names())
        self.alias = str(self._entry.file.metadata.get(OUTPUT_NAME, name) if self._entry else name)
        self.hash = ""
        self.shorthash = ""
        self.set_hash(prompt_networks.known_hash(self._entry) if self._entry else "")
        self.sd_version = self.detect_version()

    @cached_property
    def metadata(self):
        """All that its trainer wrote, read when it is asked for."""
        return self.read_metadata()

    @property
    def file(self) -> ModelFile | None:
        return self._entry.file if self._entry else None

    def detect_version(self):
        return SdVersion[prompt_networks.family_of(self.file)] if self.file else SdVersion.Unknown

    def read_metadata(self):
        return prompt_networks.metadata_of(self.file) if self.file else {}

    def set_hash(self, v):
        self.hash = v
        self.shorthash = self.hash[:12] if v else ""

    def read_hash(self):
        """Compute the hash, if it is not known."""
        if not self.hash and self._entry:
            self.set_hash(prompt_networks.short_hash(self._entry))

    def get_alias(self):
        import networks
        from modules import shared

        by_file = getattr(shared.opts, "lora_preferred_name", "") == "Filename"
        is_ambiguous = self.alias.lower() in networks.forbidden_network_aliases
        return self.name if by_file or is_ambiguous else self.alias


class Network:
    """A LoRA in use. Its multipliers and `dyn_dim` are read anew before each evaluation of the network."""

    # As its mark in the prompt has it.
    choice = None

    def __init__(self, name, network_on_disk):
        self.name = name
        self.network_on_disk = network_on_disk
        self.te_multiplier = 1.0
        self.unet_multiplier = 1.0
        self.dyn_dim = None
        self.modules = {}
        self.bundle_embeddings = {}
        self.mtime = None
        self.mentioned_name = None


class NetworkModule:
    def __init__(self, net, weights):
        self.network = net
        self.network_key = getattr(weights, "network_key", "")
        self.sd_key = getattr(weights, "sd_key", "")
        self.sd_module = getattr(weights, "sd_module", None)
        self.shape = getattr(getattr(self.sd_module, "weight", None), "shape", None)
        self.dim = self.bias = self.alpha = self.scale = self.dora_scale = None

    def multiplier(self):
        """How strong it is: text encoders have a strength of their own."""
        is_text = "transformer" in str(self.sd_key)[:20]
        return self.network.te_multiplier if is_text else self.network.unet_multiplier

    def calc_scale(self):
        if self.scale is not None:
            return self.scale
        return self.alpha / self.dim if self.dim and self.alpha is not None else 1.0

    def calc_updown(self, target):
        refuse("network.NetworkModule.calc_updown", LAYERS)

    def finalize_updown(self, updown, orig_weight, output_shape, ex_bias=None):
        refuse("network.NetworkModule.finalize_updown", LAYERS)

    def forward(self, x, y):
        refuse("network.NetworkModule.forward", LAYERS)


class ModuleType:
    def create_module(self, net, weights):
        return None


module_types = StandIn("network.module_types", LAYERS)


def __getattr__(name):
    absent("network", name)
