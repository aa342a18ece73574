"""Buttons for more work on pictures that are there: hires fix, decoding again, finishing what was cut off."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import gradio as gr
from gradio.components import Component

from webui.core.errors import WebuiError
from webui.core.model_file import ModelKind
from webui.core.work.kinds import WorkRequest
from webui.jobs.job import Delivery
from webui.jobs.services import Services
from webui.ui.components.again_fields import UnfinishedOffer
from webui.ui.components.model_lists import renew_on_load
from webui.ui.components.results import Results
from webui.ui.forms.form import Form
from webui.ui.handlers import INSTANT, Updates
from webui.ui.renewals import renewals_of
from webui.ui.tabs.generation_tab import delivery_of
from webui.ui.texts import notice, paragraph
from webui.ui.watching.gallery_requests import (
    beside,
    chosen,
    decode_request,
    hires_request,
    rest_request,
    unfinished,
)
from webui.ui.watching.job_view import ShownPicture, picture_to_work_on
from webui.ui.watching.pictures import PictureFiles


def submit_beside(
    services: Services,
    files: PictureFiles,
    delivery: Delivery,
    request: WorkRequest,
    picture: ShownPicture,
    selected: int,
) -> None:
    """Put work on a picture into the queue; its result appears beside the gallery's pictures."""
    services.submit(request, replace(delivery, earlier=beside(services, files, picture, selected)))


def wire_hires(services: Services, files: PictureFiles, tab: str, form: Form, results: Results) -> None:
    """The sparkle: a second pass for the picture that is selected."""

    def upscale(values: Mapping[Component, Any], browser: gr.Request) -> Updates:
        selected = int(values[results.selected] or 0)
        try:
            picture = chosen(picture_to_work_on(values[results.generation_info], selected))
            request = hires_request(services, picture, form.read(values))
            submit_beside(services, files, delivery_of(services, tab, browser), request, picture, selected)
        except WebuiError as error:
            return {results.log: notice(str(error))}
        return {results.log: ""}

    results.upscale.click(
        upscale,
        inputs={*form.components, results.generation_info, results.selected},
        outputs=[results.log],
        # Raw values, as for Generate.
        preprocess=False,
        **INSTANT,
    )


def wire_decoding(
    services: Services, files: PictureFiles, page: gr.Blocks, tab: str, results: Results
) -> None:
    """Decode the selected picture's latent with the chosen VAE."""

    def decode(info: str, selected: int, vae: str, browser: gr.Request) -> str:
        try:
            picture = chosen(picture_to_work_on(info, selected))
            request = decode_request(services, picture, vae)
            submit_beside(services, files, delivery_of(services, tab, browser), request, picture, selected)
        except WebuiError as error:
            return notice(str(error))
        return ""

    def vaes() -> list[str]:
        return ["Automatic", "None", *(file.name for file in services.catalog.files(ModelKind.VAE))]

    panel = results.decoding
    panel.decode.click(
        decode,
        inputs=[results.generation_info, results.selected, panel.vae],
        outputs=[results.log],
        **INSTANT,
    )
    renew_on_load(page, panel.vae, vaes)


def wire_unfinished(services: Services, page: gr.Blocks, offer: UnfinishedOffer) -> None:
    """Offer what was sampled but never saved, when the page opens."""

    def decode(browser: gr.Request) -> str:
        notices: list[str] = []
        for file in unfinished(services):
            try:
                batch = services.latents.open(file.id)
                tab = "img2img" if batch.request.is_img2img else "txt2img"
                services.submit(rest_request(file, batch), delivery_of(services, tab, browser))
            except WebuiError as error:
                services.latents.settle(file.id)
                notices.append(notice(str(error)))
        return "".join(notices)

    def dismiss() -> str:
        for file in unfinished(services):
            services.latents.settle(file.id)
        return ""

    renewals_of(page).add(
        offer.text, lambda: offer_html(sum(file.left for file in unfinished(services))), offer.text.value
    )
    offer.decode.click(decode, outputs=[offer.text], **INSTANT)
    offer.dismiss.click(dismiss, outputs=[offer.text], **INSTANT)


def offer_html(count: int) -> str:
    """The sentence on pictures that were not finished; nothing where there are none."""
    if not count:
        return ""
    words = "1 picture was" if count == 1 else f"{count} pictures were"
    sentence = f"{words} sampled but not finished. Nothing is lost: decode now?"
    return f'<div class="offer">{paragraph(sentence)}</div>'
