# pyright: basic
"""The LoRAs that there are and that are in use, as A1111's Lora extension knows them."""

import logging
import os
import re

import lora_patches
import network

from webui.compat.a1111.facades import prompt_networks
from webui.compat.a1111.facades.stand_ins import StandIn, absent
from webui.prompts.networks import LoraChoice

__all__ = ["logging", "network", "os", "re"]

# Tables that extensions look at and change; filled when they are first asked for.
available_networks = {}
available_network_aliases = {}
available_network_hash_lookup = {}
forbidden_network_aliases = {}
loaded_networks = []
loaded_bundle_embeddings = {}
networks_in_memory = {}
diffusers_weight_map = {}
module_types = []
extra_network_lora = None
lora_cache = {}


def list_available_networks() -> None:
    """List all LoRAs again."""
    fill(prompt_networks.lora_names(again=True))


def fill(names) -> None:
    for table in (available_networks, available_network_aliases, available_network_hash_lookup):
        table.clear()
    forbidden_network_aliases.clear()
    forbidden_network_aliases.update(dict.fromkeys(names.ambiguous, 1))
    for name, entry in names.by_name.items():
        found = network.NetworkOnDisk(name, entry.file.path, entry)
        available_networks[name] = found
        available_network_aliases[name] = found
        available_network_aliases[found.alias] = found
        if found.shorthash:
            available_network_hash_lookup[found.shorthash] = found


def find_on_disk(name):
    """The file of a name or alias; None if there is none."""
    if not available_networks:
        fill(prompt_networks.lora_names())
    return available_networks.get(name) or available_network_aliases.get(name)


def load_network(name, network_on_disk):
    return network.Network(name, network_on_disk)


def load_networks(names, te_multipliers=None, unet_multipliers=None, dyn_dims=None) -> None:
    """List LoRAs as in use, which they are for the batch whose networks are being activated."""
    found = [
        LoraChoice(
            name,
            te_multipliers[place] if te_multipliers else 1.0,
            unet_multipliers[place] if unet_multipliers else 1.0,
            dyn_dims[place] if dyn_dims else None,
        )
        for place, name in enumerate(names)
    ]
    load_choices(found)


def load_choices(choices) -> None:
    """The same for LoRAs as marks of a prompt have them; those that there are none of are left out."""
    loaded = []
    for choice in choices:
        found = find_on_disk(choice.name)
        if found is not None:
            net = load_network(choice.name, found)
            net.te_multiplier, net.unet_multiplier = choice.text_weight, choice.unet_weight
            net.dyn_dim = choice.rank
            net.mentioned_name = choice.name
            net.choice = choice
            loaded.append(net)
    loaded_networks[:] = loaded


def purge_networks_from_memory() -> None:
    """Nothing to do: the program minds its memory."""


def assign_network_names_to_compvis_modules(sd_model) -> None:
    """Nothing to do: layers have no such names here."""


def network_apply_weights(self) -> None:
    """Nothing to do: weights are changed before a pass."""


def network_forward(org_module, input, original_forward):
    """What the layer makes of its input."""
    return original_forward(org_module, input)


def network_restore_weights_from_backup(self) -> None:
    """Nothing to do."""


def network_reset_cached_weight(self) -> None:
    """Nothing to do."""


def infotext_pasted(infotext, params) -> None:
    """Nothing to do: LoRAs of an infotext are found by their hashes."""


convert_diffusers_name_to_compvis = StandIn("networks.convert_diffusers_name_to_compvis", network.LAYERS)
# LoRAs are in the weights when a pass begins: layers compute as torch's.
originals = lora_patches.LoraPatches()
for layer in ("Linear", "Conv2d", "GroupNorm", "LayerNorm", "MultiheadAttention"):
    for end in ("forward", "load_state_dict"):
        globals()[f"network_{layer}_{end}"] = getattr(originals, f"{layer}_{end}")


def __getattr__(name):
    absent("networks", name)


fill(prompt_networks.lora_names())
