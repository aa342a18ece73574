"""Files of control networks: found by name, loaded, and held in the one budget."""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from extensions.controlnet.networks.clip_vision import ClipVision, load_clip_vision, to_transformers_names
from extensions.controlnet.networks.control_lora import encoder_tensors, fingerprint, load_control_lora
from extensions.controlnet.networks.controlnet import load_controlnet
from extensions.controlnet.networks.ip_adapter import IPAdapter, load_ip_adapter
from extensions.controlnet.networks.lllite import load_lllite
from extensions.controlnet.networks.t2i_adapter import load_t2i_adapter
from webui.plugins import (
    Context,
    Denoising,
    Family,
    InvalidRequest,
    ModelFile,
    ModelKind,
    NotFound,
    UnusableFile,
    open_tensors,
)

KINDS = (
    ModelKind.CONTROLNET,
    ModelKind.CONTROL_LORA,
    ModelKind.LLLITE,
    ModelKind.T2I_ADAPTER,
    ModelKind.IP_ADAPTER,
)
NOUNS: Mapping[ModelKind, str] = {
    ModelKind.CONTROLNET: "ControlNet",
    ModelKind.CONTROL_LORA: "Control-LoRA",
    ModelKind.LLLITE: "ControlNet-LLLite",
    ModelKind.T2I_ADAPTER: "T2I-Adapter",
    ModelKind.IP_ADAPTER: "IP-Adapter",
}
# Its features say the same of the whole picture, as its authors trained it.
SHUFFLE = "shuffle"
TRAILING_HASH = re.compile(r"\s*\[[0-9a-fA-F]+\]$")
ENCODER_PLACE = "Put it into models/ControlNetPreprocessor."


class Loaded(Protocol):
    """A network of ours, on the processor as it comes from its loader."""

    @property
    def size_bytes(self) -> int:
        """What its weights take."""
        ...

    def modules(self) -> list[nn.Module]:
        """Whom they belong to."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A network as the manager holds it, and what brings it to the device."""

    network: Any  # whichever kind it is
    resident: Any = None  # of the floor of models

    @property
    def size_bytes(self) -> int:
        """What its weights take."""
        return int(self.network.size_bytes)

    def modules(self) -> list[nn.Module]:
        """Whom they belong to."""
        return self.network.modules()

    def using(self) -> AbstractContextManager[None]:
        """It is on the device while the context is open."""
        return self.resident.using() if self.resident is not None else nullcontext()


def find_model(name: str, context: Context) -> ModelFile:
    """The control network of a name, with or without hash, folder and suffix.

    Raises NotFound that names one like it, and UnusableFile for a file that cannot be used.
    """
    catalog = context.models.catalog
    catalog.settle(*KINDS)
    known = [file for kind in KINDS for file in catalog.files(kind) if is_named(file, name)]
    if known:
        return known[0]
    refusals: list[NotFound | UnusableFile] = []
    for kind in KINDS:
        try:
            return catalog.find(kind, name)
        except (NotFound, UnusableFile) as error:
            refusals.append(error)
    unusable = next((error for error in refusals if isinstance(error, UnusableFile)), None)
    own = [file for kind in KINDS for file in catalog.all_files(kind) if name in (file.stem, file.name)]
    if own and own[0].reason:
        raise UnusableFile(f"{own[0].name} cannot be used. {own[0].reason}")
    hints = [error for error in refusals if "Did you mean" in str(error)]
    raise unusable or (hints or refusals)[0]


def is_named(file: ModelFile, name: str) -> bool:
    """Whether a name, in any case, is a file's: with or without folder, suffix and hash."""
    names = {file.name, file.title, file.file_name, file.stem, file.name.removesuffix(file.path.suffix)}
    wanted = TRAILING_HASH.sub("", name).strip().casefold()
    return wanted in {each.casefold() for each in names}


def assert_fits(file: ModelFile, family: str) -> None:
    """Raise InvalidRequest for a network of another family than the checkpoint's."""
    if not file.fits(Family(family) if family else Family.UNKNOWN):
        raise InvalidRequest(
            f"{file.stem} is a {NOUNS[file.kind]} for {file.family.value}, the checkpoint is {family}. "
            f"Choose one for {family}, or a checkpoint of {file.family.value}."
        )


def open_network(file: ModelFile, denoising: Denoising, context: Context, stack: ExitStack) -> Held:
    """A control network for a pass's U-Net; `stack` gives it back. Raises WebuiError."""
    dtype = number_format(denoising)
    tells_encoder = ()
    if file.kind is ModelKind.CONTROL_LORA:
        tells_encoder = (fingerprint(denoising.network.get_submodule("unet")),)
    return lease(file, dtype, tells_encoder, context, stack, lambda: load(file, denoising, dtype))


def load(file: ModelFile, denoising: Denoising, dtype: torch.dtype) -> Loaded:
    """A network of a file, by its kind. Raises UnusableFile and UnusableFile."""
    tensors = open_tensors(file.path)
    common: dict[str, Any] = {"name": file.stem, "family": network_family(file, denoising), "dtype": dtype}
    match file.kind:
        case ModelKind.CONTROL_LORA:
            base = encoder_tensors(denoising.network.get_submodule("unet"))
            return load_control_lora(tensors, base, **common)
        case ModelKind.T2I_ADAPTER:
            return load_t2i_adapter(tensors, **common)
        case ModelKind.LLLITE:
            return load_lllite(tensors, **common)
        case ModelKind.IP_ADAPTER:
            return load_ip_adapter(tensors, **common)
        case _:
            pooled = SHUFFLE in file.stem.lower()
            return load_controlnet(tensors, **common, pools_globally=pooled)


def network_family(file: ModelFile, denoising: Denoising) -> str:
    """The file's family, or the checkpoint's where the file does not tell."""
    return denoising.family if file.family is Family.UNKNOWN else file.family.value


def number_format(denoising: Denoising) -> torch.dtype:
    """The format in which the U-Net computes."""
    return getattr(denoising.network, "dtype", torch.float32)


def lease(
    file: ModelFile,
    dtype: torch.dtype,
    more: tuple[str, ...],
    context: Context,
    stack: ExitStack,
    load: Callable[[], Loaded],
) -> Held:
    """A network of a file as the manager holds it. Raises UnusableFile with the loader's sentence."""
    residency = context.models.holder.residency

    def place(device: torch.device) -> Held:
        network = load()
        for module in network.modules():
            module.to(device)
        return Held(network, residency.add(network.modules()))

    key = ("controlnet", str(file.path), file.size, file.mtime_ns, dtype, *more)
    try:
        return stack.enter_context(context.lease(key, place, file.name, file.size))
    except UnusableFile as error:
        raise UnusableFile(f"ControlNet: {error}") from error


def open_encoder(adapter: IPAdapter, denoising: Denoising, context: Context, stack: ExitStack) -> Held:
    """The image encoder that an IP-Adapter reads by. Raises NotFound with what is needed."""
    catalog = context.models.catalog
    catalog.settle(ModelKind.IMAGE_ENCODER)
    dtype = number_format(denoising)
    for file in ordered_encoders(catalog.files(ModelKind.IMAGE_ENCODER)):
        tensors = open_tensors(file.path)
        if not fits_adapter(tensors, adapter):
            continue
        return lease(
            file, dtype, (), context, stack,
            lambda tensors=tensors, file=file: load_clip_vision(tensors, name=file.stem, dtype=dtype),
        )  # fmt: skip
    part = "hidden layer" if adapter.reads_hidden else "embedding"
    raise NotFound(
        f"{adapter.name} reads pictures with a CLIP image encoder whose {part} is {adapter.feature_width} "
        f"wide ({describe_encoder(adapter)}), and there is none. {ENCODER_PLACE}"
    )


def ordered_encoders(files: Iterable[ModelFile]) -> list[ModelFile]:
    """The smallest first: of two that fit, it is the one to take."""
    return sorted(files, key=lambda file: file.size)


def fits_adapter(tensors: Mapping[str, Tensor], adapter: IPAdapter) -> bool:
    """Whether an encoder's output is what an IP-Adapter reads."""
    named = to_transformers_names(tensors)
    hidden = named.get("vision_model.embeddings.class_embedding")
    projected = named.get("visual_projection.weight")
    if hidden is None or projected is None:
        return False
    return (hidden.numel() if adapter.reads_hidden else projected.shape[0]) == adapter.feature_width


def describe_encoder(adapter: IPAdapter) -> str:
    """The published encoder that an IP-Adapter was made with."""
    if adapter.feature_width in {1664} or (adapter.feature_width == 1280 and not adapter.reads_hidden):
        return "CLIP-ViT-bigG"
    return "CLIP-ViT-H"


__all__ = ["ClipVision", "Held", "assert_fits", "find_model", "open_encoder", "open_network"]
