"""Ways to find one of many model files without going through all of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from webui.core.model_file import Family, ModelFile, ModelKind
from webui.library.catalog.model_names import aliases, match

# So many digits of a SHA-256 are A1111's short hash; fewer would be a word by chance.
SHORT_HASH_DIGITS = 10


@dataclass(frozen=True)
class CatalogIndex:
    """The files of one scan, in the order of pickers. What is asked for is made at the first question."""

    files: tuple[ModelFile, ...]
    _by_alias: dict[ModelKind, dict[str, ModelFile]] = field(default_factory=dict)

    @cached_property
    def usable(self) -> dict[ModelKind | None, list[ModelFile]]:
        """Usable files by kind; all of them under None."""
        found: dict[ModelKind | None, list[ModelFile]] = {None: []}
        for file in self.files:
            if file.reason is None:
                found[None].append(file)
                found.setdefault(file.kind, []).append(file)
        return found

    @cached_property
    def unusable(self) -> list[ModelFile]:
        """Files with a reason."""
        return [file for file in self.files if file.reason is not None]

    @cached_property
    def by_path(self) -> dict[Path, ModelFile]:
        """Files by where they lie."""
        return {file.path: file for file in self.files}

    @cached_property
    def _by_hash(self) -> dict[str, ModelFile]:
        found: dict[str, ModelFile] = {}
        for file in self.files:
            for digest in (file.sha256, file.short_hash, file.old_hash):
                if digest:
                    found.setdefault(digest, file)
        return found

    @cached_property
    def _searched(self) -> list[tuple[str, ModelFile]]:
        return [(_searched_text(file), file) for file in self.files]

    def _aliases(self, kind: ModelKind) -> dict[str, ModelFile]:
        """Files of a kind by all of their names; the first of several with one name."""
        if kind not in self._by_alias:
            names: dict[str, ModelFile] = {}
            for file in self.usable.get(kind, ()):
                for alias in aliases(file):
                    names.setdefault(alias, file)
            self._by_alias[kind] = names
        return self._by_alias[kind]

    def match(self, kind: ModelKind, name: str) -> ModelFile | None:
        """The usable file of a kind by any of its names, as `names.match` finds it."""
        return self._aliases(kind).get(name) or match(self.usable.get(kind, []), name)

    def by_hash(self, digest: str) -> ModelFile | None:
        """The file of a SHA-256, of its first ten digits or more, or of A1111's first hash."""
        wanted = digest.strip().lower()
        found = self._by_hash.get(wanted) or self._by_hash.get(wanted[:SHORT_HASH_DIGITS])
        if found is None or len(wanted) <= SHORT_HASH_DIGITS:
            return found
        return found if (found.sha256 or "").startswith(wanted) else None

    def search(self, text: str, kind: ModelKind | None, family: Family | None) -> list[ModelFile]:
        """Files whose name, folder, hash or title holds every word of a text, in the order of pickers."""
        words = text.casefold().split()
        found: Iterable[ModelFile] = (
            file for haystack, file in self._searched if all(word in haystack for word in words)
        )
        return [file for file in found if kind in {None, file.kind} and (family is None or file.fits(family))]


def _searched_text(file: ModelFile) -> str:
    """What is searched of a file, without case."""
    parts = (file.name, file.sha256 or "", file.metadata.get("modelspec.title", ""))
    return "\n".join((*parts, file.metadata.get("ss_output_name", ""))).casefold()
