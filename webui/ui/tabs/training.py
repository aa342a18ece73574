"""The Train tab: one place, which scripts of the page fill when the tab is first shown.

The page is ready no later for it: `assets/js/training.js` brings the scripts and styles, and all of it talks
to `/v1/datasets`, `/v1/captioning` and `/v1/training`.
"""

import gradio as gr

PLACE = '<div id="train_place" class="train"></div>'


def make_training() -> None:
    """Build the tab's inside."""
    gr.HTML(PLACE, elem_id="train_holder")
