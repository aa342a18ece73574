"""What extensions build on: hooks, request parts, scripts, and the types they are given.

Names are loaded when they are first used, so that importing this is quick and brings no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from webui.core.errors import InvalidRequest, NotFound, UnusableFile, WebuiError
    from webui.core.events import (
        Event,
        ImageReady,
        Message,
        Phase,
        Planned,
        Preview,
        Progress,
        SaveAs,
        Withdrawn,
    )
    from webui.core.image_options import Number
    from webui.core.infotext_syntax import encode_value
    from webui.core.model_file import Family, ModelFile, ModelKind
    from webui.core.request import GenerationRequest, make_request
    from webui.core.request_infotext import format_infotext
    from webui.core.request_parts import LATENT_UPSCALERS, Frozen, ImageRef, Inpainting, Loopback, Outpainting
    from webui.core.run_plan import PlannedPicture, RunPlan
    from webui.core.sampling import AddedSampler, SamplerInfo, all_samplers, all_schedules
    from webui.core.settings import Settings
    from webui.diffusion.adapters.base import Adapter
    from webui.diffusion.conditioning import Conditioning, EmbeddingBatch, EncodedPart
    from webui.diffusion.denoising import Denoising
    from webui.diffusion.guidance import (
        DenoisingNetwork,
        Guidance,
        GuidedNetwork,
        Hooks,
        NetworkInput,
        NetworkOutput,
        Row,
        combine,
    )
    from webui.diffusion.prediction import SigmaPreconditioning, TimestepPreconditioning
    from webui.diffusion.step import SamplerOptions, Step
    from webui.library.catalog.upscaler_names import find_upscaler, upscaler_names
    from webui.library.files.headers import read_header
    from webui.models.architectures.unet import RESIDUAL_NAMES, UNET_NAMES
    from webui.models.captioning.transformers_folder import without_bars
    from webui.models.files.tensors import fill_module, open_tensors, shapes_of
    from webui.plugins.axes import AddedAxis
    from webui.plugins.batch import Batch
    from webui.plugins.context import Context
    from webui.plugins.controls import FurtherOptions, GenerationControls, SettingsControls
    from webui.plugins.extras_picture import ExtrasPicture
    from webui.plugins.health_report import HealthReport, ReportedFailure
    from webui.plugins.moments import BatchImages, PictureMoment, SavingMoment
    from webui.plugins.parts import RequestPart, read_text, write_value
    from webui.plugins.scripts import Script
    from webui.plugins.specs import hookimpl
    from webui.plugins.trainables import AddedTrainable
    from webui.prompts.networks import EmbeddingChoice, LoraChoice, NetworkChoices
    from webui.store.pictures.grid import grid_of, grid_rows
    from webui.store.pictures.picture_spool import PictureSpool
    from webui.store.reading import open_picture

HOMES = {
    "webui.core.errors": (
        "InvalidRequest",
        "NotFound",
        "UnusableFile",
        "WebuiError",
    ),
    "webui.core.events": (
        "Event",
        "ImageReady",
        "Message",
        "Phase",
        "Planned",
        "Preview",
        "Progress",
        "SaveAs",
        "Withdrawn",
    ),
    "webui.core.image_options": ("Number",),
    "webui.core.infotext_syntax": ("encode_value",),
    "webui.core.model_file": (
        "Family",
        "ModelFile",
        "ModelKind",
    ),
    "webui.core.request": (
        "GenerationRequest",
        "make_request",
    ),
    "webui.core.request_infotext": ("format_infotext",),
    "webui.core.request_parts": (
        "Frozen",
        "ImageRef",
        "Inpainting",
        "LATENT_UPSCALERS",
        "Loopback",
        "Outpainting",
    ),
    "webui.core.run_plan": (
        "PlannedPicture",
        "RunPlan",
    ),
    "webui.core.sampling": (
        "AddedSampler",
        "SamplerInfo",
        "all_samplers",
        "all_schedules",
    ),
    "webui.core.settings": ("Settings",),
    "webui.diffusion.adapters.base": ("Adapter",),
    "webui.diffusion.conditioning": (
        "Conditioning",
        "EmbeddingBatch",
        "EncodedPart",
    ),
    "webui.diffusion.denoising": ("Denoising",),
    "webui.diffusion.guidance": (
        "DenoisingNetwork",
        "Guidance",
        "GuidedNetwork",
        "Hooks",
        "NetworkInput",
        "NetworkOutput",
        "Row",
        "combine",
    ),
    "webui.diffusion.prediction": (
        "SigmaPreconditioning",
        "TimestepPreconditioning",
    ),
    "webui.diffusion.step": (
        "SamplerOptions",
        "Step",
    ),
    "webui.library.catalog.upscaler_names": (
        "find_upscaler",
        "upscaler_names",
    ),
    "webui.library.files.headers": ("read_header",),
    "webui.models.architectures.unet": ("RESIDUAL_NAMES", "UNET_NAMES"),
    "webui.models.captioning.transformers_folder": ("without_bars",),
    "webui.models.files.tensors": ("fill_module", "open_tensors", "shapes_of"),
    "webui.plugins.axes": ("AddedAxis",),
    "webui.plugins.batch": ("Batch",),
    "webui.plugins.context": ("Context",),
    "webui.plugins.controls": ("FurtherOptions", "GenerationControls", "SettingsControls"),
    "webui.plugins.extras_picture": ("ExtrasPicture",),
    "webui.plugins.health_report": ("HealthReport", "ReportedFailure"),
    "webui.plugins.moments": (
        "BatchImages",
        "GridMoment",
        "PictureMoment",
        "SavingMoment",
    ),
    "webui.plugins.parts": ("RequestPart", "read_text", "write_value"),
    "webui.plugins.scripts": ("Script",),
    "webui.plugins.specs": ("hookimpl",),
    "webui.plugins.trainables": ("AddedTrainable",),
    "webui.prompts.networks": (
        "EmbeddingChoice",
        "LoraChoice",
        "NetworkChoices",
    ),
    "webui.store.pictures.grid": (
        "grid_of",
        "grid_rows",
    ),
    "webui.store.pictures.picture_spool": ("PictureSpool",),
    "webui.store.reading": ("open_picture",),
}
HOME_OF = {name: module for module, names in HOMES.items() for name in names}
__all__ = [
    "LATENT_UPSCALERS",
    "RESIDUAL_NAMES",
    "UNET_NAMES",
    "Adapter",
    "AddedAxis",
    "AddedSampler",
    "AddedTrainable",
    "Batch",
    "BatchImages",
    "Conditioning",
    "Context",
    "Denoising",
    "DenoisingNetwork",
    "EmbeddingBatch",
    "EmbeddingChoice",
    "EncodedPart",
    "Event",
    "ExtrasPicture",
    "Family",
    "Frozen",
    "FurtherOptions",
    "GenerationControls",
    "GenerationRequest",
    "Guidance",
    "GuidedNetwork",
    "HealthReport",
    "Hooks",
    "ImageReady",
    "ImageRef",
    "Inpainting",
    "InvalidRequest",
    "Loopback",
    "LoraChoice",
    "Message",
    "ModelFile",
    "ModelKind",
    "NetworkChoices",
    "NetworkInput",
    "NetworkOutput",
    "NotFound",
    "Number",
    "Outpainting",
    "Phase",
    "PictureMoment",
    "PictureSpool",
    "Planned",
    "PlannedPicture",
    "Preview",
    "Progress",
    "ReportedFailure",
    "RequestPart",
    "Row",
    "RunPlan",
    "SamplerInfo",
    "SamplerOptions",
    "SaveAs",
    "SavingMoment",
    "Script",
    "Settings",
    "SettingsControls",
    "SigmaPreconditioning",
    "Step",
    "TimestepPreconditioning",
    "UnusableFile",
    "WebuiError",
    "Withdrawn",
    "all_samplers",
    "all_schedules",
    "combine",
    "encode_value",
    "fill_module",
    "find_upscaler",
    "format_infotext",
    "grid_of",
    "grid_rows",
    "hookimpl",
    "make_request",
    "open_picture",
    "open_tensors",
    "read_header",
    "read_text",
    "shapes_of",
    "upscaler_names",
    "without_bars",
    "write_value",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever is exported
    module = HOME_OF.get(name)
    if module is None:
        raise AttributeError(f"webui.plugins exports no {name!r}. Its names are listed in docs/hooks.md.")
    return getattr(import_module(module), name)
