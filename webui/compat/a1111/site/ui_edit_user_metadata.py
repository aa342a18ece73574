"""The editor of a LoRA's card; the page has its own."""
# pyright: basic

from modules.ui_extra_networks_user_metadata import UserMetadataEditor


class LoraUserMetadataEditor(UserMetadataEditor):
    def __init__(self, ui, tabname, page):
        super().__init__(ui, tabname, page)
        self.select_sd_version = None
        self.taginfo = None
        self.edit_activation_text = None
        self.slider_preferred_weight = None
        self.edit_notes = None
