# pyright: basic
"""Networks that prompts name: `<lora:name:1>` and its kin, and kinds that extensions register."""

import json
import logging
import os
import re
from collections import defaultdict
from pathlib import Path

from webui.compat.a1111 import host
from webui.compat.a1111.facades.stand_ins import absent
from webui.compat.a1111.facades.upscaler_classes import file_of
from webui.prompts.networks import LORA_KINDS
from webui.prompts.syntax import lift_networks
from webui.store.files.regular_files import read_regular
from webui.store.sidecars import MAX_BYTES

__all__ = ["defaultdict", "json", "logging", "os", "re"]

extra_network_registry = {}
extra_network_aliases = {}
re_extra_net = re.compile(r"<(\w+):([^>]+)>")


class ExtraNetworkParams:
    """One mark of a prompt: its pieces, by place and by name."""

    def __init__(self, items=None):
        self.items = items or []
        self.positional = [item for item in self.items if str(item).count("=") != 1]
        self.named = dict(item.split("=") for item in self.items if str(item).count("=") == 1)

    def __eq__(self, other):
        return isinstance(other, ExtraNetworkParams) and self.items == other.items

    def __hash__(self):
        return hash(tuple(self.items))


class ExtraNetwork:
    """What extensions derive a kind from."""

    def __init__(self, name):
        self.name = name

    def activate(self, p, params_list):
        """A batch's prompts name it so: `params_list` has one entry a mark, none where it is not named."""
        raise NotImplementedError

    def deactivate(self, p):
        """The batch is done."""
        raise NotImplementedError


class OwnNetwork(ExtraNetwork):
    """LoRAs and hypernetworks: the run itself applies them."""

    def activate(self, p, params_list):
        """Nothing to do."""

    def deactivate(self, p):
        """Nothing to do."""


def initialize() -> None:
    """Forget what extensions registered."""
    extra_network_registry.clear()
    extra_network_aliases.clear()
    register_default_extra_networks()


def register_extra_network(extra_network) -> None:
    extra_network_registry[extra_network.name] = extra_network


def register_extra_network_alias(extra_network, alias) -> None:
    extra_network_aliases[alias] = extra_network


def register_default_extra_networks() -> None:
    from extra_networks_lora import ExtraNetworkLora

    from modules.extra_networks_hypernet import ExtraNetworkHypernet

    register_extra_network(ExtraNetworkHypernet())
    own = ExtraNetworkLora()
    register_extra_network(own)
    for alias in LORA_KINDS[1:]:
        register_extra_network_alias(own, alias)


def lookup_extra_networks(extra_network_data):
    """Each registered network that is named, with its marks; an alias counts for its network."""
    found = {}
    for kind, marks in list(extra_network_data.items()):
        network = extra_network_registry.get(kind) or extra_network_aliases.get(kind)
        if network is not None:
            found.setdefault(network, []).extend(marks)
    return found


def call(network, method, *arguments) -> None:
    function = getattr(network, method)
    with host.current().health.watch(file_of(function), f"extra network {network.name} {method}"):
        function(*arguments)


def activate(p, extra_network_data) -> None:
    """Let each network that is named act, then tell the others that they are not."""
    named = lookup_extra_networks(extra_network_data)
    for network, marks in named.items():
        call(network, "activate", p, marks)
    for network in extra_network_registry.values():
        if network not in named:
            call(network, "activate", p, [])


def deactivate(p, extra_network_data) -> None:
    """The batch is done: all are told, those that are named first."""
    named = lookup_extra_networks(extra_network_data)
    for network in dict.fromkeys((*named, *extra_network_registry.values())):
        call(network, "deactivate", p)


def parse_prompt(prompt):
    """A prompt without its marks, and these by kind."""
    text, marks = lift_networks(prompt)
    found = defaultdict(list)
    for mark in marks:
        found[mark.kind].append(ExtraNetworkParams(items=list(mark.arguments)))
    return text, found


def parse_prompts(prompts):
    """Prompts without their marks, and those of the first one that was looked at."""
    texts, data = [], None
    for prompt in prompts:
        text, found = parse_prompt(prompt)
        data = found if data is None else data
        texts.append(text)
    return texts, data


def get_user_metadata(filename, lister=None):
    """What the file beside a model holds (its card); {} without one."""
    if filename is None:
        return {}
    beside = Path(filename).with_suffix(".json")
    try:
        found = json.loads(read_regular(beside, MAX_BYTES).decode("utf8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def __getattr__(name):
    absent("modules.extra_networks", name)


register_default_extra_networks()
