# pyright: basic
"""LoRAs of prompts: the run itself applies them."""

from modules import extra_networks

from webui.compat.a1111.facades.stand_ins import absent


class ExtraNetworkLora(extra_networks.OwnNetwork):
    def __init__(self):
        super().__init__("lora")
        self.errors = {}


def __getattr__(name):
    absent("extra_networks_lora", name)
