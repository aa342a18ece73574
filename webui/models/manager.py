"""The one holder of loaded weights, made once, on the thread that owns the device."""

import gc
import logging
import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec

import torch

from webui.core.errors import OutOfMemory
from webui.core.flags import Flags
from webui.core.model_file import ModelFile
from webui.library.catalog.catalog import AUTOMATIC, Catalog
from webui.library.files.headers import read_header
from webui.models.conditioning_cache import ConditioningCache
from webui.models.cpu.precision import NumberFormats, Precision, Speeds, choose_numbers, measure_speeds
from webui.models.loader import LoadedModel, load, network_weights, set_vae, stored_dtype
from webui.models.memory import LeastRecentlyUsed, model_budget_bytes
from webui.models.prompt_networks import Networks
from webui.models.vae.taesd import TinyVaes

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
        self, catalog: Catalog, device: torch.device, budget_bytes: int, rules: PrecisionRules | None = None
    ) -> None:
        """Loads nothing yet."""
        self.catalog = catalog
        self.device = device
        self.conditioning = ConditioningCache()
        self.networks = Networks(catalog)
        self.tiny_vaes = TinyVaes(catalog)
        self._rules = rules or PrecisionRules()
        self._speeds: Speeds | None = None
        self._stored: dict[Hashable, tuple[torch.dtype, int]] = {}
        self._models: LeastRecentlyUsed[LoadedModel] = LeastRecentlyUsed(
            budget_bytes, lambda model: model.size_bytes
        )
        self._owner = threading.get_ident()

    @classmethod
    def for_machine(cls, catalog: Catalog, flags: Flags) -> "ModelManager":
        """On the best device there is, with a budget of most of its memory."""
        device = choose_device(flags)
        rules = PrecisionRules(
            all_exact=flags.is_exact, full_vae=flags.no_half_vae, wants_xformers=flags.wants_xformers
        )
        return cls(catalog, device, model_budget_bytes(device), rules)

    def set_budget(self, budget_bytes: int) -> None:
        """Change how much memory models may take; 0 takes most of what the device has."""
        self._models.budget_bytes = budget_bytes or model_budget_bytes(self.device)

    @contextmanager
    def use(
        self,
        checkpoint: str,
        vae: str = AUTOMATIC,
        precision: Precision | str = Precision.AUTO,
        *,
        vae_choice_first: bool = True,
    ) -> Iterator[LoadedModel]:
        """A checkpoint with its VAE, loaded if it is not kept; what was loaded before stays if this one
        fails.
        """
        self._assert_owner()
        file = self.catalog.find_checkpoint(checkpoint)
        vae_file = self.catalog.vae_for(file, vae, choice_first=vae_choice_first)
        model = self._get(file, vae_file, Precision(precision))
        set_vae(model, vae_file)
        self._share_memory(model)
        try:
            yield model
        finally:
            if model.network.fell_back:
                # Weights changed their format while adapters may have held them; the next use starts from the
                # file.
                self._models.drop(model.key)

    def loaded(self) -> list[LoadedModel]:
        """The models kept, the longest unused first."""
        return self._models.values()

    def unload(self) -> None:
        """Free the memory of all models."""
        self._assert_owner()
        self._models.clear()
        self.conditioning.clear()
        self._collect()

    def _get(self, file: ModelFile, vae_file: ModelFile | None, precision: Precision) -> LoadedModel:
        """The kept model of this file and precision, or a new one."""
        numbers = self._numbers(file, precision)
        key = model_key(file, numbers)
        model = self._models.get(key)
        if model is not None:
            return model
        # Memory on a device is made free before it is needed; a processor's is only touched page by page, so
        # there the model of before stays until the new one is known to be sound.
        if self.device.type != "cpu":
            self._models.make_room(file.size)
        model = self._load(file, numbers, vae_file)
        model.key = key
        self._models.put(key, model)
        return model

    def _share_memory(self, model: LoadedModel) -> None:
        """Let the packed copies of this model's unchanged weights wait if no model needs the memory."""
        packed = [kept for kept in self._models.values() if kept.numbers.packed]
        if not packed:
            return
        free = self._models.budget_bytes - self._models.used_bytes
        for kept in packed:
            kept.keep_unchanged(keep=kept is model and 0 < model.packed_bytes <= free)

    def _load(self, file: ModelFile, numbers: NumberFormats, vae_file: ModelFile | None) -> LoadedModel:
        try:
            model = load(file, numbers, self.device, vae_file)
            self._choose_attention(model)
            return model
        except torch.OutOfMemoryError as error:
            raise OutOfMemory(
                f"{file.name} does not fit into the device's memory. Choose a smaller one."
            ) from error
        except MemoryError as error:
            raise OutOfMemory(f"{file.name} does not fit into the memory. Close other programs.") from error

    def _choose_attention(self, model: LoadedModel) -> None:
        """xFormers' attention where the flags want it and it is installed; else torch's own."""
        if not self._rules.wants_xformers:
            return
        if self.device.type == "cuda" and find_spec("xformers") is not None:
            model.network.unet.enable_xformers_memory_efficient_attention()
        else:
            logger.warning(
                "--xformers: xFormers is not installed or there is no NVIDIA card; torch's is used."
            )

    def _numbers(self, file: ModelFile, precision: Precision) -> NumberFormats:
        if precision is Precision.EXACT or self._rules.all_exact:
            precision = Precision.EXACT
            return choose_numbers(precision, Speeds({torch.float32: 1.0}), torch.float32)
        if self._speeds is None:
            self._speeds = measure_speeds(self.device)
            logger.info("Speed of number formats on %s: %s", self.device, self._speeds)
        version = (file.path, file.size, file.mtime_ns)
        if version not in self._stored:
            header = read_header(file.path)
            self._stored[version] = (stored_dtype(header), network_weights(header))
        stored, weights = self._stored[version]
        return choose_numbers(precision, self._speeds, stored, weights=weights, full_vae=self._rules.full_vae)

    def _assert_owner(self) -> None:
        assert threading.get_ident() == self._owner, "The ModelManager was used outside its device thread."

    def _collect(self) -> None:
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()


def model_key(file: ModelFile, numbers: NumberFormats) -> Hashable:
    """What a loaded model is kept under: the file as it is now, and its formats."""
    sidecar = file.path.with_suffix(".yaml")
    changed = sidecar.stat().st_mtime_ns if sidecar.is_file() else 0
    return (file.path, file.size, file.mtime_ns, changed, numbers)


def choose_device(flags: Flags) -> torch.device:
    """The device to compute on: a CUDA card, Apple's, or the processor."""
    if "all" in flags.use_cpu:
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda", flags.device_id or 0)
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")
