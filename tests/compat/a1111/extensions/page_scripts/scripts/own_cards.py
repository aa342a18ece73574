"""A page of cards among those of the models."""

from modules.script_callbacks import on_before_ui
from modules.ui_extra_networks import ExtraNetworksPage, quote_js, register_page


class OwnCards(ExtraNetworksPage):
    def __init__(self):
        super().__init__("Own cards")
        self.extra_networks_tabname = "own-cards"
        self.names = ["blue <b>", "red"]

    def refresh(self):
        self.names = ["blue <b>", "red", "red again"]

    def list_items(self):
        for name in self.names:
            yield {"name": name, "prompt": quote_js(f'{name} "light"'), "search_terms": [f"/colours/{name}"]}

    def allowed_directories_for_previews(self):
        return []


on_before_ui(lambda: register_page(OwnCards()))
