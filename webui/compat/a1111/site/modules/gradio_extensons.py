"""How components are told of. The wrapping itself is done before the page is built."""
# pyright: basic

from webui.compat.a1111.gradio3.making import with_classes


def add_classes_to_gradio_component(comp):
    """The classes by which styles of A1111's know a component."""
    comp.elem_classes = with_classes(comp, list(comp.elem_classes or []))
