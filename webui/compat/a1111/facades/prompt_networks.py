"""The networks that prompts name, as A1111's modules know them: kinds of extensions, LoRAs of our catalog."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from webui.compat.a1111.facades import reaching
from webui.core.errors import UnusableFile
from webui.core.model_file import Family, ModelFile, ModelKind
from webui.core.request import GenerationRequest
from webui.library.catalog.lora_files import SHORT_HASH_DIGITS, LoraEntry, LoraNames
from webui.library.files.headers import read_header
from webui.plugins.batch import Batch
from webui.prompts.networks import HYPERNETWORK_KIND, LORA_KINDS, LoraChoice, NetworkChoices, find_loras
from webui.prompts.syntax import ExtraNetwork

OWN_KINDS = frozenset({*LORA_KINDS, HYPERNETWORK_KIND})


def registered_kinds() -> set[str]:
    """What extensions have for `<kind:…>`, beside our own."""
    module = sys.modules.get("modules.extra_networks")
    if module is None:
        return set()
    known: Sequence[str] = [*module.extra_network_registry, *module.extra_network_aliases]
    return set(known) - OWN_KINDS


def without_registered(warnings: tuple[str, ...]) -> tuple[str, ...]:
    """Warnings of unknown kinds, without those that an extension knows."""
    starts = tuple(f"<{kind}:" for kind in registered_kinds())
    return tuple(
        text for text in warnings if not (starts and text.startswith(starts) and "of the kind" in text)
    )


def note_used(choices: NetworkChoices) -> None:
    """Let `networks.loaded_networks` tell which LoRAs a pass uses."""
    module = sys.modules.get("networks")
    if module is not None:
        module.load_choices(choices.loras)


def with_given_embeddings(choices: NetworkChoices) -> NetworkChoices:
    """The choices with the embeddings that extensions registered and that lie in no file."""
    module = sys.modules.get("modules.sd_hijack")
    database = None if module is None else module.model_hijack.known_database
    given = () if database is None else database.list_given()
    return replace(choices, embeddings=(*choices.embeddings, *given)) if given else choices


def is_lora_replaced() -> bool:
    """Whether an extension has a class of its own for `<lora:…>`."""
    module = sys.modules.get("modules.extra_networks")
    if module is None:
        return False
    kinds = module.extra_network_registry, module.extra_network_aliases
    found = [table[kind] for table in kinds for kind in LORA_KINDS if kind in table]
    return any(type(each) is not sys.modules["extra_networks_lora"].ExtraNetworkLora for each in found)


def choices_of(params: Iterable[Any]) -> tuple[LoraChoice, ...]:
    """LoRAs of A1111's marks, which extensions may have changed."""
    return find_loras(
        ExtraNetwork(
            LORA_KINDS[0],
            (*map(str, each.positional), *(f"{key}={value}" for key, value in each.named.items())),
        )
        for each in params
    )


def with_loaded(choices: NetworkChoices) -> NetworkChoices:
    """The choices with the LoRAs that stand in `networks.loaded_networks`, as they stand there now."""
    module = sys.modules.get("networks")
    if module is None:
        return choices
    missing = [each for each in choices.loras if module.find_on_disk(each.name) is None]
    loras = (*(choice_of(each) for each in module.loaded_networks), *missing)
    warnings = choices.warnings
    if is_lora_replaced():
        # What its marks say is for the extension to read.
        starts = tuple(f"<{kind}:" for kind in LORA_KINDS)
        warnings = tuple(text for text in warnings if not text.startswith(starts))
    return replace(choices, loras=loras, warnings=warnings)


def choice_of(network: Any) -> LoraChoice:  # noqa: ANN401 - `network.Network`
    """A LoRA in use as it is to be applied."""
    written = network.choice or LoraChoice(network.name)
    text, unet, rank = float(network.te_multiplier), float(network.unet_multiplier), network.dyn_dim
    if (text, unet, rank) == (written.text_weight, written.unet_weight, written.rank):
        return written
    return replace(written, text_weight=text, unet_weight=unet, rank=None if rank is None else int(rank))


def activate(p: Any, batch: Batch) -> None:  # noqa: ANN401 - A1111's processing object, or None
    """Let the kinds that extensions registered act on a pass's prompts; without an object nothing is done."""
    if p is None or getattr(p, "disable_extra_networks", False):
        return
    module = sys.modules["modules.extra_networks"]
    first = batch.pictures[0]
    prompt = (first.hires_prompt if batch.is_second_pass else "") or first.prompt
    p.extra_network_data = module.parse_prompt(prompt)[1]
    module.activate(p, p.extra_network_data)


def deactivate(p: Any, request: GenerationRequest) -> None:  # noqa: ANN401 - as above
    """Tell them that the run is done."""
    if p is None or getattr(p, "disable_extra_networks", False):
        return
    module = sys.modules["modules.extra_networks"]
    module.deactivate(p, getattr(p, "extra_network_data", None) or module.parse_prompt(request.prompt)[1])


def lora_names(*, again: bool = False) -> LoraNames:
    """Every LoRA by its names; none before the program is built. `again`: the folders are scanned first."""
    services = reaching.services()
    if services is None:
        return LoraNames.of([])
    if again:
        services.catalog.scan()
    else:
        services.catalog.settle(ModelKind.LORA)
    return services.loras.names()


def metadata_of(file: ModelFile) -> dict[str, Any]:
    """What its trainer wrote into a LoRA, all of it."""
    try:
        return dict(read_header(file.path).metadata)
    except (OSError, UnusableFile):
        return dict(file.metadata)


def known_hash(entry: LoraEntry) -> str:
    """The whole hash by which A1111 knows a LoRA, "" while it is not computed."""
    services = reaching.services()
    written = entry.file.metadata.get("sshs_model_hash")
    known = services.catalog.known_data_hash(entry.file) if services else None
    return written or known or ""


def short_hash(entry: LoraEntry) -> str:
    """Its first 12 digits, computed if need be. Raises OSError."""
    services = reaching.services()
    return services.loras.short_hash(entry) if services else known_hash(entry)[:SHORT_HASH_DIGITS]


def family_of(file: ModelFile) -> str:
    """A1111's word for the architecture: "SD1", "SD2", "SDXL" or "Unknown"."""
    words = {Family.SD1: "SD1", Family.SD2: "SD2", Family.SDXL: "SDXL"}
    return words.get(file.family, "Unknown")


def entry_of_path(path: Path, names: LoraNames) -> LoraEntry | None:
    """The catalog's entry of a file."""
    wanted = path.absolute()
    return next((entry for entry in names.entries if entry.file.path == wanted), None)
