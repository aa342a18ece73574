"""The same as `gradio_extensons`, which is how A1111 spells it."""
# pyright: basic

from modules.gradio_extensons import add_classes_to_gradio_component

__all__ = ["add_classes_to_gradio_component"]
