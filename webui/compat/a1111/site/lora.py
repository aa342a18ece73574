# pyright: basic
"""The same under the names of A1111's first Lora extension."""

import networks

from webui.compat.a1111.facades.stand_ins import StandIn, absent

list_available_loras = networks.list_available_networks
available_loras = networks.available_networks
available_lora_aliases = networks.available_network_aliases
available_lora_hash_lookup = networks.available_network_hash_lookup
forbidden_lora_aliases = networks.forbidden_network_aliases
loaded_loras = networks.loaded_networks
loras_in_memory = networks.networks_in_memory
lora_in_memory = networks.networks_in_memory
load_loras = networks.load_networks
for layer in ("Linear", "Conv2d", "MultiheadAttention"):
    for end in ("forward", "load_state_dict"):
        globals()[f"lora_{layer}_{end}"] = StandIn(f"lora.lora_{layer}_{end}", networks.network.LAYERS)


def __getattr__(name):
    absent("lora", name)
