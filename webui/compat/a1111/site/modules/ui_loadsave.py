"""The fields of a page by A1111's paths. What they hold is kept by the browser, not in `ui-config.json`."""
# pyright: basic

import gradio as gr

KEPT = (gr.Slider, gr.Radio, gr.Checkbox, gr.Textbox, gr.Number, gr.Dropdown)
# What A1111 keeps of a field, where it has that.
ASPECTS = ("visible", "value", "minimum", "maximum", "step")


class UiLoadsave:
    def __init__(self, filename):
        self.filename = filename
        self.ui_settings = {}
        self.component_mapping = {}
        self.error_loading = False
        self.finalized_ui = False

    def add_component(self, path, x):
        """Note a field by `path/value` and its like; one that asks to be left out is."""
        if getattr(x, "do_not_save_to_config", False):
            return
        if isinstance(x, gr.Tabs):
            self.component_mapping[f"{path}/selected"] = x
        elif isinstance(x, KEPT):
            names = (name for name in ASPECTS if hasattr(x, name))
            self.component_mapping.update((f"{path}/{name}", x) for name in names)
        elif isinstance(x, gr.Button):
            self.component_mapping[f"{path}/visible"] = x

    def add_block(self, x, path=""):
        """Note all fields in a part of a page, by their labels."""
        if hasattr(x, "children"):
            if isinstance(x, gr.Tabs) and x.elem_id is not None:
                self.add_component(f"{path}/Tabs@{x.elem_id}", x)
            for child in x.children:
                self.add_block(child, path)
        elif getattr(x, "label", None) is not None:
            self.add_component(f"{path}/{x.label}", x)
        elif isinstance(x, gr.Button) and x.value is not None:
            self.add_component(f"{path}/{x.value}", x)

    def read_from_file(self):
        return {}

    def write_to_file(self, current_ui_settings):
        """Nothing."""

    def dump_defaults(self):
        """Nothing."""

    def iter_changes(self, current_ui_settings, values):
        return iter(())

    def setup_ui(self):
        """Nothing more can be added from now on."""
        self.finalized_ui = True


def of_page(page):
    """The fields of the program's page, each below the name of its tab. Gradio's Blocks -> UiLoadsave."""
    listed = UiLoadsave("ui-config.json")
    for block in page.blocks.values():
        name = str(block.elem_id or "")
        if name.startswith("tab_") and "tabitem" in (block.elem_classes or ()):
            listed.add_block(block, name.removeprefix("tab_"))
    listed.setup_ui()
    return listed
