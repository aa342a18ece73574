# pyright: basic
"""Hypernetworks of prompts: the run itself applies them."""

from modules import extra_networks
from webui.compat.a1111.facades.stand_ins import absent


class ExtraNetworkHypernet(extra_networks.OwnNetwork):
    def __init__(self):
        super().__init__("hypernet")


def __getattr__(name):
    absent("modules.extra_networks_hypernet", name)
