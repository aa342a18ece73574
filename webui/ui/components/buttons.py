"""Small buttons with a picture instead of a word; the word is their tooltip and what a screen reader says."""

import gradio as gr


def icon_button(
    icon: str, label: str, elem_id: str, *, visible: bool = True, classes: tuple[str, ...] = ()
) -> gr.Button:
    """A square button. `icon` names a class of css/buttons.css; hidden ones stay in the page."""
    return gr.Button(
        label,
        elem_id=elem_id,
        elem_classes=["tool", f"icon-{icon}", *classes],
        size="sm",
        min_width=34,
        scale=0,
        visible=visible or "hidden",
    )
