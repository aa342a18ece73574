"""What lies beside a model file: A1111's card (`<base>.json`), previews, and what other tools left there.

`<base>` is the path without suffix. Only `<base>.json` is written, and only if it is A1111's or ours: SD.Next
keeps Civitai's own object under that name, and then ours is `<base>.card.json`. `.civitai.info` (Civitai
Helper, Browser+) and the text files are read only. `.defaults.json` comes
with a model: its maker's defaults and example prompts, which the artist's own on the card replace.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, cast

from webui.core.checkpoint_defaults import CheckpointDefaults, read_defaults
from webui.core.errors import UnusableFile
from webui.store.files.atomic import write_atomically
from webui.store.files.regular_files import is_regular, open_regular, read_regular

PICTURE_ENDS = (".png", ".jpg", ".jpeg", ".webp", ".gif")
# A1111 looks for each type under both names before it goes to the next type.
PREVIEW_ENDS = tuple(end for picture in PICTURE_ENDS for end in (picture, f".preview{picture}"))
CARD_END, OWN_END, CIVITAI_END = ".json", ".card.json", ".civitai.info"
GIVEN_END = ".defaults.json"
TEXT_ENDS = (".txt", ".description.txt")
# What tells what is on the card; the others are found, moved and left as they are.
READ_ENDS = (CARD_END, OWN_END, CIVITAI_END, GIVEN_END, *TEXT_ENDS)
OTHER_ENDS = (".yaml", ".info", ".metadata.json", ".cm-info.json", ".safetensors.rgthree-info.json")
ALL_ENDS = (*READ_ENDS, *PREVIEW_ENDS, *OTHER_ENDS)
MAX_BYTES = 8_000_000
MAX_TEXT = 20_000
MOST_EXAMPLES = 100
SUFFIXES = frozenset({".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin", ".gguf"})

# A1111's keys, in its order, with our names for them.
A1111_KEYS = {
    "description": "description",
    "sd version": "sd_version",
    "activation text": "activation_text",
    "preferred weight": "preferred_weight",
    "negative text": "negative_text",
    "vae": "vae",
    "notes": "notes",
}
FAVOURITE, CIVITAI = "favourite", "civitai"
DEFAULTS, EXAMPLES = "defaults", "examples"
Json = dict[str, Any]  # Any: JSON values


@dataclass(frozen=True, slots=True)
class CardText:
    """What is written on a model's card. `preferred_weight` 0 is the default of the settings."""

    description: str = ""
    sd_version: str = ""
    activation_text: str = ""
    preferred_weight: float = 0.0
    negative_text: str = ""
    vae: str = ""
    notes: str = ""
    favourite: bool = False
    # As Civitai knows it; 0 and empty where nobody asked.
    model_id: int = 0
    version_id: int = 0
    base_model: str = ""
    trained_words: tuple[str, ...] = field(default=())
    # Of checkpoints: what the form begins with, and prompts that it draws well.
    defaults: CheckpointDefaults = field(default=CheckpointDefaults())
    examples: tuple[str, ...] = field(default=())

    def as_row(self) -> list[Any]:
        """For a cache; `card_text_of` reads it back. Any: JSON values."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return list((values | {DEFAULTS: self.defaults.said()}).values())


def card_text_of(row: list[Any]) -> CardText:
    """A card's text from a cache that this version of the program wrote. Any: JSON values."""
    *values, words, defaults, examples = row
    return CardText(
        *values, trained_words=tuple(words), defaults=read_defaults(defaults), examples=tuple(examples)
    )


def base_name(path: Path) -> str:
    """A model's file name without its suffix; that of a folder is left whole."""
    return path.stem if path.suffix.lower() in SUFFIXES | {".png", ".webp"} else path.name


def beside(path: Path, end: str) -> Path:
    """The path of a sidecar."""
    return path.with_name(base_name(path) + end)


def sidecars_of(path: Path) -> list[Path]:
    """Every sidecar there is of a model file."""
    found = [beside(path, end) for end in ALL_ENDS]
    return [sidecar for sidecar in found if sidecar != path and is_regular(sidecar)]


def preview_end(path: Path, ends: Iterable[str]) -> str | None:
    """Which of the ends that exist is the preview, in A1111's order; a model that is a picture is none."""
    existing, base = set(ends), base_name(path)
    return next((end for end in PREVIEW_ENDS if end in existing and base + end != path.name), None)


def find_preview(path: Path) -> Path | None:
    """The preview of a model file."""
    end = preview_end(path, (end for end in PREVIEW_ENDS if is_regular(beside(path, end))))
    return beside(path, end) if end else None


def read_card(path: Path, ends: Iterable[str] = READ_ENDS) -> CardText:
    """What the sidecars say; what cannot be read counts as absent. `ends` are those that may exist."""
    existing = set(ends)
    main = read_json(beside(path, CARD_END)) if CARD_END in existing else {}
    own = read_json(beside(path, OWN_END)) if OWN_END in existing else {}
    info = read_json(beside(path, CIVITAI_END)) if CIVITAI_END in existing else {}
    if is_civitai_model(main):
        main, info = {}, info or first_version(main)
    written = main | own
    values: Json = {ours: written.get(theirs) for theirs, ours in A1111_KEYS.items()}
    values |= {FAVOURITE: written.get(FAVOURITE)} | civitai_values(written, info)
    given = read_json(beside(path, GIVEN_END)) if GIVEN_END in existing else {}
    values[DEFAULTS] = read_defaults(written.get(DEFAULTS)).over(read_defaults(given.get(DEFAULTS)))
    values[EXAMPLES] = written.get(EXAMPLES) or given.get(EXAMPLES)
    if not values["description"]:
        texts = [read_text(beside(path, end)) for end in TEXT_ENDS if end in existing]
        values["description"] = next((text for text in texts if text), "")
    if not values["activation_text"]:
        values["activation_text"] = ", ".join(strings(values["trained_words"]))
    return typed(values)


def typed(values: Mapping[str, Any]) -> CardText:
    """Values of whatever type people wrote, as a card's."""
    defaults = CardText()
    found: Json = {}
    for each in fields(CardText):
        default, value = getattr(defaults, each.name), values.get(each.name)
        if isinstance(default, str):
            found[each.name] = value[:MAX_TEXT] if isinstance(value, str) else ""
        elif isinstance(default, bool):
            found[each.name] = value is True
        elif isinstance(default, int | float):
            found[each.name] = number(value, type(default))
        elif isinstance(default, CheckpointDefaults):
            found[each.name] = value if isinstance(value, CheckpointDefaults) else read_defaults(value)
        else:
            found[each.name] = strings(value)
    return CardText(**found | {EXAMPLES: found[EXAMPLES][:MOST_EXAMPLES]})


def number(value: object, kind: type[int] | type[float]) -> int | float:
    """A number, 0 where there is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return 0
    try:
        found = float(value)
    except ValueError:
        return 0
    return kind(found) if abs(found) < 1e15 else 0


def strings(value: object) -> tuple[str, ...]:
    """The texts in a list."""
    if not isinstance(value, list | tuple):
        return ()
    entries = cast("list[object]", value)
    return tuple(entry.strip(" ,") for entry in entries if isinstance(entry, str) and entry.strip(" ,"))


def civitai_values(written: Json, info: Json) -> Json:
    """Ids, base model and trigger words: as we noted them, else as another tool did."""
    noted = written.get(CIVITAI)
    noted = cast("Json", noted) if isinstance(noted, dict) else {}
    return {
        "model_id": noted.get("modelId") or info.get("modelId"),
        "version_id": noted.get("versionId") or info.get("id"),
        "base_model": noted.get("baseModel") or info.get("baseModel"),
        "trained_words": noted.get("trainedWords") or info.get("trainedWords") or (),
    }


def is_civitai_model(document: Json) -> bool:
    """Whether a `<base>.json` is the model object of Civitai's API that SD.Next writes there."""
    return "modelVersions" in document or ("id" in document and "files" in document)


def first_version(model: Json) -> Json:
    """The newest version in Civitai's model object, with the model's id."""
    versions = model.get("modelVersions")
    entries = cast("list[object]", versions) if isinstance(versions, list) else []
    first = entries[0] if entries else None
    return (cast("Json", first) if isinstance(first, dict) else {}) | {"modelId": model.get("id")}


def written_path(path: Path) -> Path:
    """The file that an edit of the card goes to."""
    main = beside(path, CARD_END)
    return beside(path, OWN_END) if is_civitai_model(read_json(main)) else main


def write_card(path: Path, changes: Mapping[str, Any]) -> None:
    """Change what is on a card, by our names; other keys in the file stay. Raises UnusableFile.

    `civitai` takes an object that is kept as it is.
    """
    target = written_path(path)
    document = read_json(target)
    if not document and target.exists() and not is_empty(target):
        raise UnusableFile(f"{target.name} is not valid JSON, so it was left alone. Mend or remove it.")
    names = {ours: theirs for theirs, ours in A1111_KEYS.items()}
    document |= {names.get(name, name): value for name, value in changes.items()}
    text = json.dumps(document, indent=4, ensure_ascii=False)
    write_atomically(target, text.encode(errors="replace"))


def is_empty(path: Path) -> bool:
    """Whether a JSON file holds nothing."""
    try:
        return read_regular(path, MAX_BYTES).strip() in (b"", b"{}", b"null")
    except OSError:
        return False


def read_json(path: Path) -> Json:
    """The object in a JSON file, an empty one if there is none that can be read."""
    try:
        document = json.loads(read_regular(path, MAX_BYTES).decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}
    return cast("Json", document) if isinstance(document, dict) else {}


def read_text(path: Path) -> str:
    """A description, shortened where it is a book."""
    try:
        with open_regular(path) as file:
            # A letter takes four bytes at most.
            return file.read(4 * MAX_TEXT).decode("utf-8-sig", "replace")[:MAX_TEXT].strip()
    except OSError:
        return ""
