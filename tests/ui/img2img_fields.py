"""A request as the img2img form would show it, for round trips through the form."""

from typing import Any

from webui.core.request import GenerationRequest
from webui.ui.forms.img2img import (
    INPAINT,
    LOOPBACK_FIELDS,
    RESIZE_TO,
    fields_of_outpainting,
    inpainting_fields,
)
from webui.ui.generation import fields_of_request


def fields_of_img2img_request(request: GenerationRequest) -> dict[str, Any]:
    """What the form shows for a request; the pictures themselves stay in the browser that had them."""
    fields = fields_of_request(request) | {
        "resize_mode": request.resize_mode,
        "resize_tab": RESIZE_TO,
        "denoising_strength": request.denoising_strength,
        "outpainting": request.outpainting is not None,
        "loopback": request.loopback is not None,
    }
    if request.outpainting:
        fields |= fields_of_outpainting(request.outpainting)
    if request.loopback:
        fields |= {key: getattr(request.loopback, name) for key, name in LOOPBACK_FIELDS.items()}
    if request.inpainting:
        fields |= {"mode": INPAINT} | inpainting_fields(request.inpainting)
    return fields
