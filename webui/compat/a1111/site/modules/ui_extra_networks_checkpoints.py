"""Cards of Checkpoints; the page draws its own."""
# pyright: basic

from modules.ui_extra_networks import ExtraNetworksPage


class ExtraNetworksPageCheckpoints(ExtraNetworksPage):
    def __init__(self):
        super().__init__("Checkpoints")
