"""The editor of a card; the page has its own."""
# pyright: basic


class UserMetadataEditor:
    def __init__(self, ui, tabname, page):
        self.ui = ui
        self.tabname = tabname
        self.page = page

    def create_editor(self):
        """Nothing."""

    def create_extra_default_items_in_left_column(self):
        """Nothing."""

    def create_default_editor_elems(self):
        """Nothing."""

    def get_user_metadata(self, name):
        return {}
