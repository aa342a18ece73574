"""Cards of Textual Inversion; the page draws its own."""
# pyright: basic

from modules.ui_extra_networks import ExtraNetworksPage


class ExtraNetworksPageTextualInversion(ExtraNetworksPage):
    def __init__(self):
        super().__init__("Textual Inversion")
