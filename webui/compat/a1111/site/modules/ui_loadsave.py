"""Values of components in `ui-config.json`; here the browser keeps them."""
# pyright: basic


class UiLoadsave:
    def __init__(self, filename):
        self.filename = filename
        self.ui_settings = {}
        self.component_mapping = {}
        self.finalized_ui = False

    def add_component(self, path, x):
        self.component_mapping[path] = x

    def add_block(self, x, path=""):
        """Nothing."""

    def read_from_file(self):
        return {}

    def write_to_file(self, current_ui_settings):
        """Nothing."""

    def dump_defaults(self):
        """Nothing."""
