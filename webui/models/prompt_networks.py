"""The networks of a prompt on a loaded checkpoint: found, read, applied; and what to tell of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from webui.core.errors import UnusableFile
from webui.core.events import LoraReport
from webui.core.model_file import Family
from webui.diffusion.adapters.hypernetwork import WeightedHypernetwork
from webui.library.catalog.catalog import Catalog
from webui.library.catalog.lora_files import LoraEntry, LoraFiles
from webui.models.files.embeddings import BundledEmbedding, Embeddings
from webui.models.files.hypernetworks import Hypernetworks
from webui.models.loaded_model import LoadedModel
from webui.models.loras.applied_loras import file_key
from webui.models.loras.lora import Lora, WeightedLora
from webui.prompts.networks import HypernetworkChoice, LoraChoice, NetworkChoices

# A LoRA of which less than this share fits is probably for something else.
ODD_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Activated:
    """What the networks of a prompt came to.

    `lora_hashes` are by the names in the prompt; `embeddings` came along in LoRAs, or lie in memory alone.
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

    def activate(self, model: LoadedModel, choices: NetworkChoices) -> Activated:
        """Apply the LoRAs of a prompt to a checkpoint, and take away all others; read its hypernetworks."""
        embeddings = {
            each.name: BundledEmbedding("", each.version, each.vectors) for each in choices.embeddings
        }
        if model.family is Family.SDXL_REFINER:
            # LoRAs are made for the base; where the refiner's layers happen to fit they would do harm.
            model.networks.use(())
            return Activated(embeddings=embeddings)
        hashes: dict[str, str] = {}
        weighted: list[WeightedLora] = []
        warnings = list(choices.warnings)
        for choice in choices.loras:
            if choice.unknown:
                warnings.append(describe_unknown(choice))
                continue
            found = self._lora(choice, model, warnings)
            if found is None:
                continue
            entry, lora = found
            hashes[choice.name] = self.loras.short_hash(entry)
            weights = choice.text_weight, choice.unet_weight, choice.rank
            weighted.append(WeightedLora(lora, *weights, choice.layers, choice.steps))
            embeddings |= {
                name: BundledEmbedding(choice.name, file_key(entry.file), tensors)
                for name, tensors in lora.embeddings.items()
                if name not in embeddings
            }
        model.networks.use(weighted)
        reports = tuple(dict.fromkeys(each.lora.report for each in weighted))
        warnings += [text for report in reports if (text := describe_problem(report, model.family))]
        read = [self._hypernetwork(choice, model, warnings) for choice in choices.hypernetworks]
        hypernetworks = tuple(each for each in read if each is not None)
        return Activated(hashes, embeddings, hypernetworks, reports, tuple(dict.fromkeys(warnings)))

    def _hypernetwork(
        self, choice: HypernetworkChoice, model: LoadedModel, warnings: list[str]
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
            return WeightedHypernetwork(
                self.hypernetworks.read(file, model.device, model.leases), choice.weight
            )
        except UnusableFile as error:
            warnings.append(f"The hypernetwork {choice.name!r} was left out: {error}")
            return None

    def _lora(
        self, choice: LoraChoice, model: LoadedModel, warnings: list[str]
    ) -> tuple[LoraEntry, Lora] | None:
        """A LoRA that a prompt names; None, with a warning, if it cannot be used."""
        entry = self.loras.find(choice.name)
        if entry is None:
            near = self.loras.names().nearest(choice.name)
            hint = f"Did you mean {near!r}?" if near else "Put its file into models/Lora."
            warnings.append(f"No LoRA is named {choice.name!r}, so it was left out. {hint}")
            return None
        try:
            return entry, model.networks.lora(entry.file)
        except UnusableFile as error:
            warnings.append(f"The LoRA {choice.name!r} was left out: {error}")
            return None


def describe_unknown(choice: LoraChoice) -> str:
    """What to tell of a LoRA with pieces that nobody reads."""
    return (
        f"The LoRA {choice.name!r} was left out: {choice.unknown[0]!r} is no number. "
        f"Write it as <lora:{choice.name}:0.8>."
    )


def describe_problem(report: LoraReport, family: Family) -> str | None:
    """What to tell of a LoRA that does not fit, naming what it is for; None if it fits."""
    is_other = report.made_for not in {family.value, ""}
    made_for = f" It is for {report.made_for}." if is_other else ""
    if report.matched == 0:
        return (
            f"The LoRA {report.name!r} changes nothing: none of its {report.total} tensors fits this "
            f"{family.value} checkpoint.{made_for}"
        )
    if report.matched == report.total:
        return None
    if is_other or report.matched < report.total * ODD_SHARE:
        return (
            f"Of the LoRA {report.name!r} only {report.matched} of {report.total} tensors fit this "
            f"{family.value} checkpoint.{made_for}"
        )
    return None
