# pyright: basic
"""LoRAs of prompts, which a run applies as `networks.loaded_networks` has them."""

from modules import extra_networks

from webui.compat.a1111.facades.stand_ins import absent


class ExtraNetworkLora(extra_networks.OwnNetwork):
    def __init__(self):
        super().__init__("lora")
        self.errors = {}

    def activate(self, p, params_list):
        """Take the LoRAs that a batch names, with the weights that the marks have now."""
        import networks

        networks.load_choices(networks.prompt_networks.choices_of(params_list))


def __getattr__(name):
    absent("extra_networks_lora", name)
