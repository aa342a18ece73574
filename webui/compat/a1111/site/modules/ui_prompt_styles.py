"""The dropdown of styles of a tab."""
# pyright: basic, reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false
# pyright: reportMissingImports=false, reportOptionalMemberAccess=false

import gradio as gr

from modules import shared
from modules.ui_components import ToolButton
from webui.compat.a1111.gradio3.choices import style_choices

styles_edit_symbol = "\U0001f58c\ufe0f"
styles_materialize_symbol = "\U0001f4cb"
styles_copy_symbol = "\U0001f4dd"


def select_style(name):
    """The texts of a style, and what may be done with it."""
    style = shared.prompt_styles.styles.get(name)
    exists = style is not None
    return style.prompt if exists else "", style.negative_prompt if exists else "", gr.update(visible=exists)


def materialize_styles(prompt, negative_prompt, styles):
    """The texts with styles written into them, and no style chosen."""
    prompt = shared.prompt_styles.apply_styles_to_prompt(prompt, styles)
    negative_prompt = shared.prompt_styles.apply_negative_styles_to_prompt(negative_prompt, styles)
    return [prompt, negative_prompt, gr.update(value=[])]


def refresh_styles():
    """The dropdowns of styles as the files of styles are now."""
    shared.prompt_styles.reload()
    return gr.update(choices=style_choices(shared.prompt_styles))


class UiPromptStyles:
    """The dropdown and the buttons beside it."""

    def __init__(self, tabname, main_ui_prompt, main_ui_negative_prompt):
        self.tabname = tabname
        self.main_ui_prompt, self.main_ui_negative_prompt = main_ui_prompt, main_ui_negative_prompt
        with gr.Row(elem_id=f"{tabname}_styles_row"):
            self.dropdown = gr.Dropdown(
                label="Styles",
                show_label=False,
                elem_id=f"{tabname}_styles",
                choices=style_choices(shared.prompt_styles),
                value=[],
                multiselect=True,
            )
            self.materialize = ToolButton(
                value=styles_materialize_symbol,
                elem_id=f"{tabname}_style_apply",
                tooltip="Write the chosen styles into the prompt",
            )
        if main_ui_prompt is not None:
            texts = [main_ui_prompt, main_ui_negative_prompt, self.dropdown]
            self.materialize.click(fn=materialize_styles, inputs=texts, outputs=texts, show_progress=False)

    def setup_apply_button(self, button):
        """Have another button write the styles into the prompt."""
        texts = [self.main_ui_prompt, self.main_ui_negative_prompt, self.dropdown]
        button.click(fn=materialize_styles, inputs=texts, outputs=texts, show_progress=False)
