"""Which models an infotext names, and which of them are on this machine. Asks nobody."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, cast

from webui.core.infotext import additional_networks, parse_fields
from webui.core.model_file import ModelFile, ModelKind
from webui.library.catalog.catalog import Catalog
from webui.library.intake.arrival import NamedModel, State
from webui.prompts.syntax import lift_networks

MARKS = {"lora": ModelKind.LORA, "lyco": ModelKind.LORA, "hypernet": ModelKind.HYPERNETWORK}
# Fields with one name, and the field of its hash.
SINGLE = (
    ("Model", "Model hash", ModelKind.CHECKPOINT),
    ("VAE", "VAE hash", ModelKind.VAE),
    ("Hypernet", "Hypernet hash", ModelKind.HYPERNETWORK),
)
# Fields with "name [hash]".
TITLED = (("Refiner", ModelKind.CHECKPOINT), ("Hires checkpoint", ModelKind.CHECKPOINT))
# Fields with "name: hash, name: hash".
LISTED = (("Lora hashes", ModelKind.LORA), ("TI hashes", ModelKind.EMBEDDING))
NOTHING = frozenset({"", "None", "Automatic", "Use same checkpoint"})
TITLE = re.compile(r"(.*?)\s*(?:\[([0-9a-fA-F]{6,64})\])?\s*")
HASH = re.compile(r"(?:0x)?([0-9a-fA-F]{8,64})")
# What Civitai adds: {"model": hash, "lora:name": hash, "embed:name": hash, "vae": hash}.
CIVITAI_HASHES = re.compile(r"\bHashes: (?=\{)")
CIVITAI_KINDS = {"lora": ModelKind.LORA, "embed": ModelKind.EMBEDDING, "hypernet": ModelKind.HYPERNETWORK}
# Nobody uses more in a picture; a longer list is an attack on the search.
MAX_NAMED = 200


class Named(NamedTuple):
    """A name as it stands in an infotext."""

    kind: ModelKind
    name: str
    hash: str | None
    where: str


def named_models(infotext: str, catalog: Catalog) -> tuple[NamedModel, ...]:
    """Every model that an infotext names, each once, with what is here of it."""
    catalog.settle()
    merged: dict[tuple[ModelKind, str], Named] = {}
    for named in names_in(infotext):
        key = (named.kind, named.name.lower())
        known = merged.get(key)
        if known is None or (known.hash is None and named.hash is not None):
            merged[key] = named
    return tuple(found_model(named, catalog) for named in list(merged.values())[:MAX_NAMED])


def names_in(infotext: str) -> Iterator[Named]:
    """Names in the order in which a page lists them: checkpoint, VAE, networks, those of the prompt."""
    fields = parse_fields(infotext)
    for name_field, hash_field, kind in SINGLE:
        name, digest = str(fields.get(name_field, "")), plain_hash(fields.get(hash_field))
        if name not in NOTHING or digest:
            yield Named(kind, name if name not in NOTHING else str(digest), digest, name_field)
    for field, kind in TITLED:
        match = TITLE.fullmatch(str(fields.get(field, "")))
        if match and match[1] not in NOTHING:
            yield Named(kind, match[1], match[2], field)
    for field, kind in LISTED:
        yield from listed(str(fields.get(field, "")), kind, field)
    yield from civitai_names(infotext)
    for added in additional_networks(fields):
        yield Named(ModelKind.LORA, added.name, plain_hash(added.hash), "AddNet")
    _, networks = lift_networks(str(fields.get("Prompt", "")))
    for network in networks:
        kind = MARKS.get(network.kind.lower())
        if kind is not None and network.arguments and network.arguments[0].strip():
            yield Named(kind, network.arguments[0].strip(), None, "Prompt")


def listed(text: str, kind: ModelKind, where: str) -> Iterator[Named]:
    """The pairs of `name: hash, name: hash`."""
    for pair in text.split(","):
        name, _, digest = pair.rpartition(":")
        if name.strip():
            yield Named(kind, name.strip(), plain_hash(digest), where)


def civitai_names(infotext: str) -> Iterator[Named]:
    """What stands in the `Hashes` that Civitai's tools write."""
    start = CIVITAI_HASHES.search(infotext)
    if start is None:
        return
    try:
        # Any: JSON values
        found: Any = json.JSONDecoder().raw_decode(infotext, start.end())[0]
    except (ValueError, RecursionError):
        return
    for key, digest in cast("dict[str, object]", found).items():
        sort, _, name = key.partition(":")
        kind = CIVITAI_KINDS.get(sort)
        if kind is not None and name and isinstance(digest, str):
            yield Named(kind, name, plain_hash(digest), "Hashes")


def plain_hash(value: object) -> str | None:
    """A hash as its lower-case digits, None for what is none."""
    match = HASH.fullmatch(str(value).strip()) if value else None
    return match[1].lower() if match else None


def found_model(named: Named, catalog: Catalog) -> NamedModel:
    """A name with the file here that has its hash, else the one that has its name."""
    files = catalog.files(named.kind)
    file = catalog.by_hash(named.hash) if named.hash else None
    state: State = "here"
    if file is None or file.kind != named.kind:
        file = next((each for each in files if named.name.lower() in names_of(each)), None)
        state = state_by_name(file, named.hash)
    return NamedModel(
        kind=named.kind, name=named.name, hash=named.hash, where=named.where, state=state, file=file
    )


def names_of(file: ModelFile) -> Iterable[str]:
    """What infotexts call a file, in lower case: its name, its trainer's name, its path."""
    trained = file.metadata.get("ss_output_name", "")
    return {file.stem.lower(), file.path.name.lower(), file.name.lower(), trained.lower()} - {""}


def state_by_name(file: ModelFile | None, digest: str | None) -> State:
    """Whether a file of the right name may be the one that was meant."""
    if file is None:
        return "missing"
    if digest is None or file.sha256 is None or file.kind == ModelKind.LORA:
        # A1111's hash of a LoRA leaves the header out, so the file's own tells nothing against it.
        return "here"
    return "here" if file.sha256.startswith(digest) or file.old_hash == digest else "other version"
