"""What the catalog keeps of each file: from the header cache if the file did not change, else read again."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from webui.core.errors import UnusableFile
from webui.core.model_file import Family, ModelFile, ModelKind
from webui.library.catalog.folders import FoundFile, ModelFolders
from webui.library.files.embedded_previews import has_cover
from webui.library.files.hashing import old_hash_of
from webui.library.files.headers import read_header
from webui.library.files.picture_embeddings import PICTURE, PICTURE_SUFFIXES
from webui.library.recognise.identify import identify
from webui.library.recognise.kinds import kind_reason, with_article
from webui.store.header_cache import HeaderCache, Remembered, Stamp

# Raise it when the rules of `identify` change: what was remembered under older ones is then read again.
RULES_VERSION = 8
# Training logs in metadata grow to megabytes; cards read those from the file when they are opened.
LONGEST_METADATA = 2000
# So many files are read before what was learned is kept, so that a first scan that is cut off goes on there.
BATCH = 500

Entry = dict[str, Any]  # Any: JSON values


def list_known_files(
    found: Sequence[FoundFile], folders: ModelFolders, cache: HeaderCache, known: Mapping[Path, ModelFile]
) -> tuple[list[ModelFile], list[FoundFile]]:
    """What is known of files without opening them, and those that must be read, the most urgent first.

    Files of `known` that did not change stay as they are.
    """
    changed = [each for each in found if not _is_same(known.get(each.path), each)]
    remembered = cache.remembered([_stamp(each) for each in changed])
    unread = [each for each in changed if not _is_current(remembered.get(each.path))]
    unknown = {each.path for each in unread}
    fresh = {
        each.path: _model_file(each, remembered[each.path], folders, cache)
        for each in changed
        if each.path not in unknown
    }
    files = [fresh.get(each.path) or known[each.path] for each in found if each.path not in unknown]
    return files, sorted(unread, key=lambda each: folders.urgency(each.root))


def read_files(unread: Sequence[FoundFile], folders: ModelFolders, cache: HeaderCache) -> list[ModelFile]:
    """What the files themselves tell, which the cache then remembers; at most `BATCH` at once."""
    cache.put_all([(_stamp(each), read_entry(each.path)) for each in unread])
    remembered = cache.remembered([_stamp(each) for each in unread])
    return [_model_file(each, remembered[each.path], folders, cache) for each in unread]


def is_plain_picture(file: ModelFile) -> bool:
    """Whether a file among the embeddings is but a picture."""
    return file.kind is ModelKind.UNKNOWN and file.path.suffix.lower() in PICTURE_SUFFIXES


def _is_same(file: ModelFile | None, found: FoundFile) -> bool:
    """Whether a file is as it was at the last scan."""
    return file is not None and (file.size, file.mtime_ns, file.name) == (
        found.size,
        found.mtime_ns,
        found.name,
    )


def _is_current(remembered: Remembered | None) -> bool:
    """Whether what is remembered was found by today's rules."""
    entry = remembered.entry if remembered else None
    return entry is not None and entry.get("rules") == RULES_VERSION


def _stamp(found: FoundFile) -> Stamp:
    return Stamp(found.path, found.size, found.mtime_ns)


def _model_file(
    found: FoundFile, remembered: Remembered, folders: ModelFolders, cache: HeaderCache
) -> ModelFile:
    """A file from what is remembered of it."""
    entry, old_hash = remembered.entry or {}, remembered.hashes.old_hash
    if old_hash is None and entry["kind"] == ModelKind.CHECKPOINT:
        old_hash = old_hash_of(found.path)
        cache.remember_hashes(found.path, found.size, found.mtime_ns, old_hash=old_hash)
    file = ModelFile(
        path=found.path,
        name=found.name,
        size=found.size,
        mtime_ns=found.mtime_ns,
        sha256=remembered.hashes.sha256,
        old_hash=old_hash,
        **{name: value for name, value in entry.items() if name not in {"rules", "reason"}},
        reason=entry["reason"] or kind_reason(ModelKind(entry["kind"]), entry.get("container", "")),
    )
    if folders.is_home(found, file.kind):
        return file
    return file.model_copy(update={"is_misplaced": True, "reason": _explain_misplaced(file, found, folders)})


def _explain_misplaced(file: ModelFile, found: FoundFile, folders: ModelFolders) -> str:
    """The sentence on a file that lies in a folder of other kinds."""
    home = folders.home(file.kind)
    return (
        f"This is {with_article(file.kind)}, but it lies in the folder {found.root.name}. "
        f"Move it to {home.parent.name}/{home.name}."
    )


def read_entry(path: Path) -> Entry:
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
        # What holds for all files of a kind changes with the program, not with the file: see `_model_file`.
        "reason": None if identity.reason == kind_reason(identity.kind, header.layout) else identity.reason,
        "has_cover": header.layout == PICTURE or has_cover(header.metadata),
        "metadata": {key: value for key, value in header.metadata.items() if len(value) <= LONGEST_METADATA},
    }
