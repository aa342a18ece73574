"""What extensions build on: hooks, request parts, scripts, and the types they are given.

Names are loaded when they are first used, so that importing this is quick and brings no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from webui.core.errors import InvalidRequest, NotFound, UnusableFile, WebuiError
    from webui.core.events import Event, ImageReady, Message, Phase, Preview, Progress, SaveAs
    from webui.core.image_options import Number
    from webui.core.model_file import Family, ModelFile, ModelKind
    from webui.core.request import GenerationRequest, make_request
    from webui.core.request_infotext import format_infotext
    from webui.core.request_parts import Frozen, ImageRef, Inpainting
    from webui.core.run_plan import PlannedPicture, RunPlan
    from webui.core.settings import Settings
    from webui.diffusion.adapters.base import Adapter
    from webui.diffusion.conditioning import Conditioning, EmbeddingBatch, EncodedPart
    from webui.diffusion.denoising import Denoising
    from webui.diffusion.guidance import (
        DenoisingNetwork,
        Guidance,
        GuidedNetwork,
        NetworkInput,
        NetworkOutput,
        Row,
        combine,
    )
    from webui.diffusion.prediction import TimestepPreconditioning
    from webui.plugins.batch import Batch
    from webui.plugins.context import Context
    from webui.plugins.moments import BatchImages, PictureMoment, SavingMoment
    from webui.plugins.parts import RequestPart
    from webui.plugins.scripts import Script
    from webui.plugins.specs import hookimpl

HOMES = {
    "webui.core.errors": ("InvalidRequest", "NotFound", "UnusableFile", "WebuiError"),
    "webui.core.events": ("Event", "ImageReady", "Message", "Phase", "Preview", "Progress", "SaveAs"),
    "webui.core.image_options": ("Number",),
    "webui.core.model_file": ("Family", "ModelFile", "ModelKind"),
    "webui.core.request": ("GenerationRequest", "make_request"),
    "webui.core.request_infotext": ("format_infotext",),
    "webui.core.request_parts": ("Frozen", "ImageRef", "Inpainting"),
    "webui.core.run_plan": ("PlannedPicture", "RunPlan"),
    "webui.core.settings": ("Settings",),
    "webui.diffusion.adapters.base": ("Adapter",),
    "webui.diffusion.conditioning": ("Conditioning", "EmbeddingBatch", "EncodedPart"),
    "webui.diffusion.denoising": ("Denoising",),
    "webui.diffusion.guidance": (
        "DenoisingNetwork", "Guidance", "GuidedNetwork", "NetworkInput", "NetworkOutput", "Row", "combine",
    ),
    "webui.diffusion.prediction": ("TimestepPreconditioning",),
    "webui.plugins.batch": ("Batch",),
    "webui.plugins.context": ("Context",),
    "webui.plugins.moments": ("BatchImages", "PictureMoment", "SavingMoment"),
    "webui.plugins.parts": ("RequestPart",),
    "webui.plugins.scripts": ("Script",),
    "webui.plugins.specs": ("hookimpl",),
}  # fmt: skip
HOME_OF = {name: module for module, names in HOMES.items() for name in names}
__all__ = [
    "Adapter",
    "Batch",
    "BatchImages",
    "Conditioning",
    "Context",
    "Denoising",
    "DenoisingNetwork",
    "EmbeddingBatch",
    "EncodedPart",
    "Event",
    "Family",
    "Frozen",
    "GenerationRequest",
    "Guidance",
    "GuidedNetwork",
    "ImageReady",
    "ImageRef",
    "Inpainting",
    "InvalidRequest",
    "Message",
    "ModelFile",
    "ModelKind",
    "NetworkInput",
    "NetworkOutput",
    "NotFound",
    "Number",
    "Phase",
    "PictureMoment",
    "PlannedPicture",
    "Preview",
    "Progress",
    "RequestPart",
    "Row",
    "RunPlan",
    "SaveAs",
    "SavingMoment",
    "Script",
    "Settings",
    "TimestepPreconditioning",
    "UnusableFile",
    "WebuiError",
    "combine",
    "format_infotext",
    "hookimpl",
    "make_request",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever is exported
    module = HOME_OF.get(name)
    if module is None:
        raise AttributeError(f"webui.plugins exports no {name!r}. Its names are listed in docs/hooks.md.")
    return getattr(import_module(module), name)
