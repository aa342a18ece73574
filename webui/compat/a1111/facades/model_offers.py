"""What extensions offer among our upscalers and face restorers, and files that they load themselves."""

import sys
from pathlib import Path
from typing import Any

import torch

from webui.compat.a1111.facades import reaching, restorer_classes, upscaler_classes
from webui.compat.a1111.facades.upscaler_classes import UpscalerData
from webui.core.errors import UnusableFile
from webui.library.catalog.added_networks import AddedRestorer, AddedUpscaler
from webui.models.files.tensors import open_tensors


def list_upscalers() -> list[UpscalerData]:
    """Ours, then those of extensions; `None` first and never empty."""
    kinds = [
        kind
        for kind in upscaler_classes.every_subclass(upscaler_classes.Upscaler)
        if kind not in upscaler_classes.NATIVE and not issubclass(kind, upscaler_classes.NATIVE)
    ]
    native = upscaler_classes.native_choices()
    names = {choice.name for choice in native}
    added = [choice for choice in upscaler_classes.added_choices(kinds) if choice.name not in names]
    return [*native, *added]


def offer_all() -> None:
    """Offer them, and list them in `shared.sd_upscalers`."""
    choices, shared = offer_upscalers(), sys.modules.get("modules.shared")
    if shared is not None:
        vars(shared)["sd_upscalers"] = choices


def offer_upscalers() -> list[UpscalerData]:
    """The same, and let our lists and runs have those of extensions."""
    choices, ready = list_upscalers(), reaching.services()
    if ready is not None:
        ready.catalog.added.replace_all(added_upscalers(choices), added_restorers())
    return choices


def added_upscalers(choices: list[UpscalerData]) -> list[AddedUpscaler]:
    """Those that are extensions'."""
    return [
        upscaler_classes.as_added(choice)
        for choice in choices
        if not isinstance(choice.scaler, upscaler_classes.NATIVE)
    ]


def added_restorers() -> list[AddedRestorer]:
    """Those that extensions put into `shared.face_restorers`."""
    shared = sys.modules.get("modules.shared")
    known: list[Any] = list(getattr(shared, "face_restorers", ())) if shared else []
    others = [
        each
        for each in known
        if type(each) is not restorer_classes.BaseRestorer
        and not isinstance(each, restorer_classes.OwnRestorer)
    ]
    return [restorer_classes.as_added(each) for each in others]


def load_descriptor(
    path: Path, device: torch.device | str, *, half: bool, dtype: torch.dtype | None, expected: str | None
) -> Any:  # noqa: ANN401 - spandrel's ModelDescriptor
    """A file's network as spandrel describes it. Raises UnusableFile."""
    # Brings every architecture; only extensions that load networks need it.
    from spandrel import ModelLoader, UnsupportedModelError

    from webui.models.images.image_network import registry, strip_prefixes

    try:
        loader = ModelLoader(torch.device(device), registry=registry())
        descriptor = loader.load_from_state_dict(strip_prefixes(open_tensors(path)))
    except UnsupportedModelError as error:
        raise UnusableFile(f"{path.name} has an unknown architecture. Choose another file.") from error
    found = descriptor.architecture.name
    if expected and found != expected:
        raise UnusableFile(f"{path.name} is {found}, not {expected}. Choose another file.")
    descriptor.model.eval()
    if half and descriptor.supports_half:
        descriptor.model.half()
    elif dtype is not None:
        descriptor.model.to(dtype=dtype)
    return descriptor
