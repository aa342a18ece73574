"""The networks of a prompt on a loaded checkpoint: found, read, applied; and what to tell of it."""

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from webui.core.errors import UnusableFile
from webui.core.model_file import Family, ModelFile
from webui.diffusion.adapters.hypernetwork import WeightedHypernetwork
from webui.models.catalog import Catalog
from webui.models.embeddings import BundledEmbedding, Embeddings
from webui.models.hypernetworks import Hypernetworks
from webui.models.lora import (
    Layer,
    Lora,
    LoraReport,
    WeightedLora,
    layer_names,
    load_lora,
    recipes,
)
from webui.models.lora_files import LoraEntry, LoraFiles
from webui.models.lora_keys import LayerNames
from webui.models.patched_weights import PatchedWeights
from webui.prompts.networks import HypernetworkChoice, LoraChoice, NetworkChoices

if TYPE_CHECKING:
    from webui.models.loader import LoadedModel

# LoRAs that stay matched after their use; their tensors are mapped, not copied.
KEPT_LORAS = 8
# A LoRA of which less than this share fits is probably for something else.
ODD_SHARE = 0.5


class NetworksInUse:
    """What LoRAs change in one loaded checkpoint."""

    def __init__(self) -> None:
        """None yet."""
        self.patches = PatchedWeights()
        self._in_use: tuple[WeightedLora, ...] = ()
        self._kept: OrderedDict[Hashable, Lora] = OrderedDict()
        self._names: LayerNames[Layer] | None = None

    @property
    def text_key(self) -> Hashable:
        """What decides the changes to the text encoders."""
        return tuple(
            (file_key(each.lora.file), each.text_weight, each.rank)
            for each in self._in_use
            if each.text_weight and each.lora.has_text
        )

    def lora(self, file: ModelFile, model: "LoadedModel") -> Lora:
        """A LoRA matched to the checkpoint. Raises UnusableFile."""
        if self._names is None:
            self._names = layer_names(model.network, model.text_encoder, model.numbers.text)
        key = file_key(file)
        if key not in self._kept:
            self._kept[key] = load_lora(file, self._names)
        self._kept.move_to_end(key)
        return self._kept[key]

    def use(self, loras: Sequence[WeightedLora], model: "LoadedModel") -> int:
        """Apply just these; returns how many tensors had to be computed."""
        if model.network.fell_back:
            self.patches.widen()
        # Equal LoRAs with equal weights leave nothing to do, and nothing is looked at.
        if (wanted := tuple(loras)) == self._in_use:
            return 0
        computed = self.patches.use(recipes(wanted))
        self._in_use = wanted
        used = {file_key(each.lora.file) for each in wanted}
        for key in [key for key in self._kept if key not in used][: max(len(self._kept) - KEPT_LORAS, 0)]:
            del self._kept[key]
        return computed


@dataclass(frozen=True, slots=True)
class Activated:
    """What the networks of a prompt came to.

    `lora_hashes` are by the names in the prompt; `embeddings` came along in LoRAs.
    """

    lora_hashes: Mapping[str, str] = field(default_factory=dict[str, str])
    embeddings: Mapping[str, BundledEmbedding] = field(default_factory=dict[str, BundledEmbedding])
    hypernetworks: tuple[WeightedHypernetwork, ...] = ()
    reports: tuple[LoraReport, ...] = ()
    warnings: tuple[str, ...] = ()


class Networks:
    """Finds the networks that prompts name and applies them. Belongs to the device thread."""

    def __init__(self, catalog: Catalog) -> None:
        """Looks at the catalog when a prompt names a network."""
        self.loras = LoraFiles(catalog)
        self.embeddings = Embeddings(catalog)
        self.hypernetworks = Hypernetworks(catalog)

    def activate(self, model: "LoadedModel", choices: NetworkChoices) -> Activated:
        """Apply the LoRAs of a prompt to a checkpoint, and take away all others; read its hypernetworks."""
        if model.family is Family.SDXL_REFINER:
            # LoRAs are made for the base; where the refiner's layers happen to fit they would do harm.
            model.networks.use((), model)
            return Activated()
        hashes: dict[str, str] = {}
        embeddings: dict[str, BundledEmbedding] = {}
        weighted: list[WeightedLora] = []
        warnings = list(choices.warnings)
        for choice in choices.loras:
            found = self._lora(choice, model, warnings)
            if found is None:
                continue
            entry, lora = found
            hashes[choice.name] = self.loras.short_hash(entry)
            weighted.append(WeightedLora(lora, choice.text_weight, choice.unet_weight, choice.rank))
            embeddings |= {
                name: BundledEmbedding(choice.name, file_key(entry.file), tensors)
                for name, tensors in lora.embeddings.items()
            }
        model.networks.use(weighted, model)
        reports = tuple(dict.fromkeys(each.lora.report for each in weighted))
        warnings += [text for report in reports if (text := complaint(report, model.family))]
        read = [self._hypernetwork(choice, model, warnings) for choice in choices.hypernetworks]
        hypernetworks = tuple(each for each in read if each is not None)
        return Activated(hashes, embeddings, hypernetworks, reports, tuple(dict.fromkeys(warnings)))

    def _hypernetwork(
        self, choice: HypernetworkChoice, model: "LoadedModel", warnings: list[str]
    ) -> WeightedHypernetwork | None:
        """A hypernetwork that a prompt names; None, with a warning, if it cannot be used."""
        file = self.hypernetworks.find(choice.name)
        if file is None:
            warnings.append(
                f"No hypernetwork is named {choice.name!r}, so it was left out. "
                "Put its file into models/hypernetworks."
            )
            return None
        try:
            return WeightedHypernetwork(self.hypernetworks.read(file, model.device), choice.weight)
        except UnusableFile as error:
            warnings.append(f"The hypernetwork {choice.name!r} was left out: {error}")
            return None

    def _lora(
        self, choice: LoraChoice, model: "LoadedModel", warnings: list[str]
    ) -> tuple[LoraEntry, Lora] | None:
        """A LoRA that a prompt names; None, with a warning, if it cannot be used."""
        entry = self.loras.find(choice.name)
        if entry is None:
            near = self.loras.names().nearest(choice.name)
            hint = f"Did you mean {near!r}?" if near else "Put its file into models/Lora."
            warnings.append(f"No LoRA is named {choice.name!r}, so it was left out. {hint}")
            return None
        try:
            return entry, model.networks.lora(entry.file, model)
        except UnusableFile as error:
            warnings.append(f"The LoRA {choice.name!r} was left out: {error}")
            return None


def complaint(report: LoraReport, family: Family) -> str | None:
    """What to tell of a LoRA that does not fit, naming what it is for; None if it fits."""
    is_other = report.family not in {family, Family.UNKNOWN, Family.OTHER}
    made_for = f" It is for {report.family.value}." if is_other else ""
    if report.matched == 0:
        return (
            f"The LoRA {report.name!r} changes nothing: none of its {report.total} tensors fits this "
            f"{family.value} checkpoint.{made_for}"
        )
    if is_other or report.matched < report.total * ODD_SHARE:
        return (
            f"Of the LoRA {report.name!r} only {report.matched} of {report.total} tensors fit this "
            f"{family.value} checkpoint.{made_for}"
        )
    return None


def file_key(file: ModelFile) -> Hashable:
    """A file as it is now."""
    return (file.path, file.size, file.mtime_ns)
