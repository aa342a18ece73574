"""Cards of LoRAs; the page draws its own."""
# pyright: basic

from modules.ui_extra_networks import ExtraNetworksPage


class ExtraNetworksPageLora(ExtraNetworksPage):
    def __init__(self):
        super().__init__("Lora")
        self.allow_negative_prompt = True
