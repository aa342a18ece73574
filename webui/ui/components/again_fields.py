"""Under the gallery: decoding a picture again; above it: pictures that were never finished."""

from dataclasses import dataclass

import gradio as gr


@dataclass(frozen=True, slots=True)
class DecodeFields:
    """Which VAE, and go."""

    vae: gr.Dropdown
    decode: gr.Button


@dataclass(frozen=True, slots=True)
class UnfinishedOffer:
    """What is offered, and the two answers."""

    text: gr.HTML
    decode: gr.Button
    dismiss: gr.Button


def make_decode_fields(tab: str) -> DecodeFields:
    """A folded panel."""
    with (
        gr.Accordion("Decode again with another VAE", open=False, elem_id=f"{tab}_decode_again"),
        gr.Row(elem_classes=["fields", "decode-again"]),
    ):
        vae = gr.Dropdown(
            ["Automatic", "None"],
            value="Automatic",
            label="VAE",
            show_label=False,
            container=False,
            elem_id=f"{tab}_decode_vae",
            allow_custom_value=True,
            min_width=160,
            scale=3,
        )
        decode = gr.Button("Decode", elem_id=f"{tab}_decode", size="md", min_width=90, scale=0)
    return DecodeFields(vae, decode)


def make_unfinished_offer(tab: str) -> UnfinishedOffer:
    """A notice with buttons. css/results.css hides it while there is nothing to offer."""
    with gr.Row(elem_id=f"{tab}_unfinished", elem_classes=["unfinished"], equal_height=False):
        text = gr.HTML("", elem_id=f"{tab}_unfinished_text")
        decode = gr.Button(
            "Decode them", elem_id=f"{tab}_unfinished_decode", size="sm", min_width=110, scale=0
        )
        dismiss = gr.Button(
            "Leave them", elem_id=f"{tab}_unfinished_dismiss", size="sm", min_width=100, scale=0
        )
    return UnfinishedOffer(text, decode, dismiss)
