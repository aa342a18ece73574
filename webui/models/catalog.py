"""Every model on disk: scanned, identified by its header, found by any of its names. Loads no weights and no
torch.
"""

import json
import logging
import threading
import time
from pathlib import Path
from typing import Any

from webui.core.errors import ModelNotFound, UnusableFile
from webui.core.model_file import Family, ModelFile, ModelKind
from webui.models.file_types import SAFETENSORS_SUFFIXES
from webui.models.folders import FoundFile, ModelFolders, find_files
from webui.models.hashing import data_hash_of, old_hash_of, sha256_of
from webui.models.headers import read_header
from webui.models.identify import identify
from webui.models.names import match, natural_order, nearest
from webui.store.header_cache import HeaderCache

logger = logging.getLogger(__name__)

# Raise it when the rules of `identify` change: what was remembered under older ones is then read again.
RULES_VERSION = 3
# Training logs in metadata grow to megabytes; cards read those from the file when they are opened.
LONGEST_METADATA = 2000
AUTOMATIC, NONE = "Automatic", "None"
NOUNS = {ModelKind.CHECKPOINT: "checkpoint", ModelKind.VAE: "VAE", ModelKind.LORA: "LoRA"}


class Catalog:
    """The models in the folders, as they were at the last scan. May be used from any thread."""

    def __init__(self, folders: ModelFolders, cache: HeaderCache) -> None:
        """Knows nothing before the first `scan`."""
        self._folders = folders
        self._cache = cache
        self._files: tuple[ModelFile, ...] = ()
        self._version = 0
        self._lock = threading.RLock()

    def scan(self) -> list[ModelFile]:
        """Look at the folders again; files that did not change cost one `stat` each."""
        start = time.perf_counter()
        with self._lock:
            starter = self._folders.starter
            found = [self._model_file(each) for each in find_files(self._folders)]
            own = [file for file in found if starter is None or starter not in file.path.parents]
            bundled = [file for file in found if file not in own]
            # The user's own models come before the bundled one.
            self._files = (*sorted(own, key=natural_order), *sorted(bundled, key=natural_order))
            self._version += 1
            logger.info("Found %d model files in %.2f s", len(self._files), time.perf_counter() - start)
            return list(self._files)

    @property
    def version(self) -> int:
        """How often it has looked at the folders: what was made of its files holds until this changes."""
        return self._version

    @property
    def folders(self) -> ModelFolders:
        """Where it looks."""
        return self._folders

    def files(self, kind: ModelKind | None = None) -> list[ModelFile]:
        """Usable files of a kind (or of all), in the order in which pickers show them."""
        return [file for file in self._files if file.reason is None and kind in {None, file.kind}]

    def unusable(self) -> list[ModelFile]:
        """Files that cannot be used, each with its reason."""
        return [file for file in self._files if file.reason is not None]

    def find_checkpoint(self, name: str) -> ModelFile:
        """The checkpoint of a name or hash; the first of all for an empty name."""
        if name:
            return self.find(ModelKind.CHECKPOINT, name)
        checkpoints = self.files(ModelKind.CHECKPOINT) or self._files_after_scan(ModelKind.CHECKPOINT)
        if not checkpoints:
            raise ModelNotFound(
                "There is no checkpoint. Put one into models/Stable-diffusion and refresh the list."
            )
        return checkpoints[0]

    def find_vae(self, name: str) -> ModelFile:
        """The VAE file of a name or hash."""
        return self.find(ModelKind.VAE, name)

    def find(self, kind: ModelKind, name: str) -> ModelFile:
        """The file of a kind by any of A1111's names for it; looks at the folders again before it gives
        up.
        """
        found = match(self.files(kind), name) or match(self._files_after_scan(kind), name)
        if found is not None:
            return found
        noun = NOUNS.get(kind, kind.value)
        other = match(self._files, name)
        if other is not None and other.reason is not None:
            raise UnusableFile(f"{other.name} cannot be used as a {noun}. {other.reason}")
        if other is not None:
            raise UnusableFile(f"{other.name} is a {NOUNS.get(other.kind, other.kind.value)}, not a {noun}.")
        close = nearest(self.files(kind), name)
        hint = (
            f"Did you mean {close!r}?"
            if close
            else f"Put it into its models folder and refresh the list of {noun}s."
        )
        raise ModelNotFound(f"No {noun} is named {name!r}. {hint}")

    def vae_for(
        self, checkpoint: ModelFile, choice: str = AUTOMATIC, *, choice_first: bool = True
    ) -> ModelFile | None:
        """The VAE file a checkpoint is used with, None for the one inside it.

        A choice other than "Automatic" decides, unless `choice_first` is off and the checkpoint's card names
        a VAE. "Automatic" takes a VAE whose file name begins with the checkpoint's.
        """
        if choice != AUTOMATIC and choice_first:
            return self._chosen_vae(choice)
        preferred = preferred_vae(checkpoint)
        if preferred not in {None, "", AUTOMATIC}:
            return self._chosen_vae(str(preferred))
        if choice != AUTOMATIC:
            return self._chosen_vae(choice)
        return next(
            (vae for vae in self.files(ModelKind.VAE) if vae.path.name.startswith(checkpoint.stem)), None
        )

    def sha256(self, file: ModelFile) -> str:
        """SHA-256 of a file, computed at the first call (about 1 s a GB) and remembered until the file
        changes.
        """
        known = self._cache.hashes(file.path, file.size, file.mtime_ns).sha256
        if known is None:
            known = sha256_of(file.path)
            self._cache.remember_hashes(file.path, file.size, file.mtime_ns, sha256=known)
        if file.sha256 != known:
            with self._lock:
                self._files = tuple(
                    each.model_copy(update={"sha256": known}) if each.path == file.path else each
                    for each in self._files
                )
        return known

    def data_hash(self, file: ModelFile) -> str:
        """The hash by which A1111 knows a LoRA: of what follows its header; of pickles that of the file."""
        if file.path.suffix.lower() not in SAFETENSORS_SUFFIXES:
            return self.sha256(file)
        key = (file.path, file.size, file.mtime_ns)
        known = self._cache.hashes(*key).data_hash
        if known is None:
            known = data_hash_of(file.path)
            self._cache.remember_hashes(*key, data_hash=known)
        return known

    def with_hash(self, file: ModelFile) -> ModelFile:
        """The file with its SHA-256 filled in."""
        return file.model_copy(update={"sha256": self.sha256(file)})

    def _files_after_scan(self, kind: ModelKind) -> list[ModelFile]:
        self.scan()
        return self.files(kind)

    def _chosen_vae(self, choice: str) -> ModelFile | None:
        return None if choice == NONE else self.find_vae(choice)

    def _model_file(self, found: FoundFile) -> ModelFile:
        """What is known of a file: from the cache, or read from its header."""
        key = (found.path, found.size, found.mtime_ns)
        entry = self._cache.get(*key)
        if entry is None or entry.get("rules") != RULES_VERSION:
            entry = _read_entry(found.path)
            self._cache.put(*key, entry)
        hashes = self._cache.hashes(*key)
        old_hash = hashes.old_hash
        if old_hash is None and entry["kind"] == ModelKind.CHECKPOINT:
            old_hash = old_hash_of(found.path)
            self._cache.remember_hashes(*key, old_hash=old_hash)
        return ModelFile(
            path=found.path,
            name=found.name,
            size=found.size,
            mtime_ns=found.mtime_ns,
            sha256=hashes.sha256,
            old_hash=old_hash,
            **{name: value for name, value in entry.items() if name != "rules"},
        )


def _read_entry(path: Path) -> dict[str, Any]:  # Any: JSON values
    """What the header cache keeps of a file: the fields of a ModelFile that its header tells."""
    try:
        header = read_header(path)
    except UnusableFile as error:
        return {
            "rules": RULES_VERSION,
            "kind": ModelKind.UNKNOWN,
            "family": Family.UNKNOWN,
            "reason": str(error),
        }
    identity = identify(header)
    return {
        "rules": RULES_VERSION,
        "kind": identity.kind,
        "family": identity.family,
        "is_inpainting": identity.is_inpainting,
        "prediction": identity.prediction,
        "sort": identity.sort,
        "key_style": identity.key_style,
        "architecture": identity.architecture,
        "container": header.layout,
        "reason": identity.reason,
        "metadata": {key: value for key, value in header.metadata.items() if len(value) <= LONGEST_METADATA},
    }


def preferred_vae(checkpoint: ModelFile) -> str | None:
    """The VAE that the card of a checkpoint names: `vae` in the `.json` beside it, as A1111 keeps it."""
    path = checkpoint.path.with_suffix(".json")
    if checkpoint.path.is_dir() or not path.is_file():
        return None
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        logger.warning("%s beside a checkpoint is not valid JSON; it is ignored", path.name)
        return None
    vae = card.get("vae") if isinstance(card, dict) else None
    return vae if isinstance(vae, str) else None
