"""The one holder of loaded weights, made once, on the thread that owns the device."""

import logging
import threading
from collections.abc import Hashable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec

import torch
from torch import nn

from webui.core.flags import Flags
from webui.core.model_file import ModelFile
from webui.library.catalog.catalog import AUTOMATIC, Catalog
from webui.library.files.headers import read_header
from webui.models.choosing_device import choose_device
from webui.models.conditioning_cache import ConditioningCache
from webui.models.cpu.precision import NumberFormats, Precision, Speeds, choose_numbers, measure_speeds
from webui.models.loaded_model import LoadedCheckpoint, LoadedModel
from webui.models.loader import CheckpointFile, StoredWeights, measure_stored_weights
from webui.models.loras.applied_loras import NetworksInUse, file_key
from webui.models.memory import model_budget_bytes
from webui.models.network_holder import Loading, NetworkHolder, NetworkLeases
from webui.models.prompt_networks import Networks
from webui.models.residency import Offloading, Residency
from webui.models.vae.taesd import TinyVaes
from webui.models.vae.vae import Vae

logger = logging.getLogger(__name__)

__all__ = ["ConditioningCache", "ModelManager"]


@dataclass(frozen=True, slots=True)
class PrecisionRules:
    """What the flags say: `all_exact` (--precision full, --no-half), `full_vae` (--no-half-vae) …"""

    all_exact: bool = False
    full_vae: bool = False
    wants_xformers: bool = False


class ModelManager:
    """Loads checkpoints and keeps those that fit into a budget. Belongs to the thread that makes it."""

    def __init__(
        self,
        catalog: Catalog,
        device: torch.device,
        budget_bytes: int,
        rules: PrecisionRules | None = None,
        residency: Residency | None = None,
    ) -> None:
        """Loads nothing yet. `residency` says what waits off the device; by default nothing does."""
        self.catalog = catalog
        self.device = device
        self.holder = NetworkHolder(budget_bytes, residency or Residency.of_device(device))
        self.conditioning = ConditioningCache()
        self.holder.add_cache(self.conditioning.clear)
        self.networks = Networks(catalog)
        self.tiny_vaes = TinyVaes(catalog, device)
        self._rules = rules or PrecisionRules()
        self._speeds: Speeds | None = None
        self._stored: dict[Hashable, StoredWeights] = {}
        self._owner = threading.get_ident()

    @classmethod
    def for_machine(cls, catalog: Catalog, flags: Flags) -> "ModelManager":
        """On the best device there is, with a budget of most of its memory."""
        device = choose_device(flags)
        rules = PrecisionRules(
            all_exact=flags.is_exact, full_vae=flags.no_half_vae, wants_xformers=flags.wants_xformers
        )
        residency = Residency.of_device(device, offloading_of(flags))
        return cls(catalog, device, model_budget_bytes(residency.storage), rules, residency)

    def set_budget(self, budget_bytes: int) -> None:
        """Change how much memory models may take; 0 takes most of what there is."""
        self.holder.budget_bytes = budget_bytes or model_budget_bytes(self.holder.residency.storage)

    @contextmanager
    def use(
        self,
        checkpoint: str,
        vae: str = AUTOMATIC,
        precision: Precision | str = Precision.AUTO,
        *,
        vae_choice_first: bool = True,
        vae_falls_back: bool = True,
    ) -> Iterator[LoadedModel]:
        """A checkpoint with its VAE for one job, loaded if they are not held. Neither goes while it is used.

        `vae_falls_back`: pictures that are NaN in half precision are made again in 32 bits.
        """
        self._assert_owner()
        file = self.catalog.find_checkpoint(checkpoint)
        vae_file = self.catalog.vae_for(file, vae, choice_first=vae_choice_first)
        numbers = self._numbers(file, Precision(precision))
        with ExitStack() as open_leases, closing(NetworkLeases(self.holder)) as leases:
            loaded, own_vae = self._lease(file, vae_file, numbers, open_leases)
            self._share_memory(loaded)
            try:
                yield LoadedModel.of(loaded, own_vae, vae_file, leases, vae_falls_back=vae_falls_back)
            finally:
                if loaded.network.fell_back:
                    # Weights changed their format while adapters may have held them; the next use starts from
                    # the file.
                    self.holder.drop(loaded.key)

    def loaded(self) -> list[LoadedCheckpoint]:
        """The checkpoints held, the longest unused first."""
        return [value for value in self.holder.values() if isinstance(value, LoadedCheckpoint)]

    def networks_on(self, network: nn.Module) -> NetworksInUse | None:
        """The LoRAs on a network that is loaded; None if it is not one of its checkpoints'."""
        return next((each.networks for each in self.loaded() if each.network is network), None)

    def unload(self) -> None:
        """Free the memory of all networks, of those in use as soon as they are not."""
        self._assert_owner()
        self.holder.clear()

    def _lease(
        self, file: ModelFile, vae_file: ModelFile | None, numbers: NumberFormats, leases: ExitStack
    ) -> tuple[LoadedCheckpoint, Vae]:
        """The checkpoint and a VAE, which stay until `leases` are closed."""
        key, stored = model_key(file, numbers), self._weights(file)
        with closing(CheckpointFile(file, numbers, self.device, self.holder.memory)) as opened:
            checkpoint = leases.enter_context(
                self.holder.lease(
                    key,
                    lambda place: self._prepared(opened.load(place, key)),
                    Loading(file.name, stored.checkpoint_bytes(numbers)),
                )
            )
            weights = stored.vae if vae_file is None else self._weights(vae_file).vae
            vae_key = ("VAE", key) if vae_file is None else other_vae_key(vae_file, checkpoint)
            vae = leases.enter_context(
                self.holder.lease(
                    vae_key,
                    lambda place: opened.load_vae(place, checkpoint, vae_file),
                    Loading((vae_file or file).name, weights * numbers.vae.itemsize),
                )
            )
        return checkpoint, vae

    def _share_memory(self, checkpoint: LoadedCheckpoint) -> None:
        """Let the packed copies of this one's unchanged weights wait if no other network needs the memory."""
        packed = [each for each in self.loaded() if each.numbers.packed]
        if not packed:
            return
        free = self.holder.budget_bytes - self.holder.used_bytes
        for each in packed:
            each.keep_unchanged(keep=each is checkpoint and 0 < checkpoint.packed_bytes <= free)

    def _prepared(self, model: LoadedCheckpoint) -> LoadedCheckpoint:
        """With xFormers' attention where the flags want it and it is installed; else torch's own."""
        if not self._rules.wants_xformers:
            return model
        if self.device.type == "cuda" and find_spec("xformers") is not None:
            model.network.unet.enable_xformers_memory_efficient_attention()
        else:
            logger.warning(
                "--xformers: xFormers is not installed or there is no NVIDIA card; torch's is used."
            )
        return model

    def _numbers(self, file: ModelFile, precision: Precision) -> NumberFormats:
        if precision is Precision.EXACT or self._rules.all_exact:
            precision = Precision.EXACT
            return choose_numbers(precision, Speeds({torch.float32: 1.0}), torch.float32)
        if self._speeds is None:
            self._speeds = measure_speeds(self.device)
            logger.info("Speed of number formats on %s: %s", self.device, self._speeds)
        stored = self._weights(file)
        return choose_numbers(
            precision, self._speeds, stored.format, weights=stored.network, full_vae=self._rules.full_vae
        )

    def _weights(self, file: ModelFile) -> StoredWeights:
        """What the header of a file, as it is now, says of its weights."""
        key = file_key(file)
        if key not in self._stored:
            self._stored[key] = measure_stored_weights(read_header(file.path))
        return self._stored[key]

    def _assert_owner(self) -> None:
        assert threading.get_ident() == self._owner, "The ModelManager was used outside its device thread."


def model_key(file: ModelFile, numbers: NumberFormats) -> Hashable:
    """What a loaded model is held under: the file as it is now, and its formats."""
    sidecar = file.path.with_suffix(".yaml")
    changed = sidecar.stat().st_mtime_ns if sidecar.is_file() else 0
    return ("checkpoint", *file_key(file), changed, numbers)


def other_vae_key(file: ModelFile, checkpoint: LoadedCheckpoint) -> Hashable:
    """What a VAE of its own file is held under: the file as it is now, its formats, its latents'."""
    return ("VAE", *file_key(file), checkpoint.numbers.of_vae, checkpoint.latent_format)


def offloading_of(flags: Flags) -> Offloading:
    """What the flags want to wait in the processor's memory."""
    if flags.lowvram:
        return Offloading.LAYERS
    return Offloading.PARTS if flags.wants_medvram else Offloading.NONE
