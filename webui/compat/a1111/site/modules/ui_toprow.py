"""The top of a tab: prompts, Generate, small buttons, styles."""
# pyright: basic, reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false
# pyright: reportMissingImports=false, reportOptionalMemberAccess=false

import gradio as gr

from modules import shared
from modules.ui_components import ToolButton
from modules.ui_prompt_styles import UiPromptStyles

PASTE, CLEAR, RESTORE = "\u2199\ufe0f", "\U0001f5d1\ufe0f", "\U0001f300"


class Toprow:
    """The top of a tab of an extension's own."""

    prompt = None
    prompt_img = None
    negative_prompt = None
    button_interrogate = None
    button_deepbooru = None
    interrupt = None
    interrupting = None
    skip = None
    submit = None
    paste = None
    clear_prompt_button = None
    apply_styles = None
    restore_progress_button = None
    token_counter = None
    token_button = None
    negative_token_counter = None
    negative_token_button = None
    ui_styles = None
    submit_box = None

    def __init__(self, is_img2img, is_compact=False, id_part=None):
        self.id_part = id_part or ("img2img" if is_img2img else "txt2img")
        self.is_img2img, self.is_compact = is_img2img, is_compact
        if not is_compact:
            self.create_classic_toprow()

    def create_classic_toprow(self):
        """Everything in one row."""
        with gr.Row(elem_id=f"{self.id_part}_toprow", variant="compact"):
            with gr.Column(elem_id=f"{self.id_part}_prompt_container", scale=6):
                self.create_prompts()
            with gr.Column(scale=1, elem_id=f"{self.id_part}_actions_column"):
                self.create_submit_box()
                self.create_tools_row()
                self.create_styles_ui()

    def create_inline_toprow_prompts(self):
        """Prompts and styles, where Generate stands elsewhere."""
        if self.is_compact:
            self.create_prompts()
            with gr.Row(elem_classes=["toprow-compact-stylerow"]):
                with gr.Column(elem_classes=["toprow-compact-tools"]):
                    self.create_tools_row()
                with gr.Column():
                    self.create_styles_ui()

    def create_inline_toprow_image(self):
        """Generate, where the prompts stand elsewhere."""
        if self.is_compact:
            self.create_submit_box(is_inline=True)

    def create_prompts(self):
        """Both prompts."""
        for name, label in (("prompt", "Prompt"), ("negative_prompt", "Negative prompt")):
            part = "neg_prompt" if name == "negative_prompt" else "prompt"
            with gr.Row(elem_id=f"{self.id_part}_{part}_row", elem_classes=["prompt-row"]):
                box = gr.Textbox(
                    label=label,
                    elem_id=f"{self.id_part}_{part}",
                    show_label=False,
                    lines=3,
                    placeholder=label,
                    elem_classes=["prompt"],
                )
            setattr(self, name, box)
        self.prompt_img = gr.File(
            label="",
            elem_id=f"{self.id_part}_prompt_image",
            file_count="single",
            type="binary",
            visible=False,
        )

    def create_submit_box(self, is_inline=False):
        """Generate, Interrupt and Skip."""
        classes = ["generate-box"] + (["generate-box-compact"] if is_inline else [])
        with gr.Row(elem_id=f"{self.id_part}_generate_box", elem_classes=classes) as self.submit_box:
            for name in ("interrupt", "skip", "interrupting"):
                button = gr.Button(
                    name.capitalize() if name != "interrupting" else "Interrupting...",
                    elem_id=f"{self.id_part}_{name}",
                    elem_classes=[f"generate-box-{name}"],
                )
                setattr(self, name, button)
            self.submit = gr.Button("Generate", elem_id=f"{self.id_part}_generate", variant="primary")
        self.interrupt.click(fn=shared.state.interrupt, inputs=[], outputs=[])
        self.skip.click(fn=shared.state.skip, inputs=[], outputs=[])

    def create_tools_row(self):
        """Small buttons, and the counts of tokens."""
        with gr.Row(elem_id=f"{self.id_part}_tools"):
            self.paste = ToolButton(value=PASTE, elem_id="paste", tooltip="Read generation parameters")
            self.clear_prompt_button = ToolButton(
                value=CLEAR, elem_id=f"{self.id_part}_clear_prompt", tooltip="Clear the prompt"
            )
            self.restore_progress_button = ToolButton(
                value=RESTORE, elem_id=f"{self.id_part}_restore_progress", visible=False
            )
            for name in ("token", "negative_token"):
                counter = gr.HTML(
                    "<span>0/75</span>", elem_id=f"{self.id_part}_{name}_counter", visible=False
                )
                button = gr.Button(visible=False, elem_id=f"{self.id_part}_{name}_button")
                setattr(self, f"{name}_counter", counter)
                setattr(self, f"{name}_button", button)
        if self.prompt is not None:
            texts = [self.prompt, self.negative_prompt]
            self.clear_prompt_button.click(fn=lambda: ("", ""), inputs=[], outputs=texts)

    def create_styles_ui(self):
        """The dropdown of styles."""
        self.ui_styles = UiPromptStyles(self.id_part, self.prompt, self.negative_prompt)
        self.apply_styles = self.ui_styles.materialize
