"""`metadata.ini`: an extension's name, what it needs, and before or after what its scripts are loaded."""

import configparser
import heapq
import logging
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)
METADATA = "metadata.ini"
EXTENSION, SCRIPTS, CALLBACKS = "extension", "scripts", "callbacks/"
RULE_FIELDS = ("Requires", "Before", "After")


@dataclass(frozen=True, slots=True)
class MetadataFile:
    """What a `metadata.ini` says; its sections are found in small letters. `name` is the canonical one."""

    name: str
    config: configparser.ConfigParser

    @classmethod
    def read(cls, folder: Path, name: str) -> "MetadataFile":
        """Of a folder; one without the file, or with one that cannot be read, has no rules."""
        config = configparser.ConfigParser(strict=False, interpolation=None)
        file = folder / METADATA
        try:
            config.read(file, encoding="utf-8-sig")
        except (configparser.Error, UnicodeDecodeError) as error:
            logger.warning("%s cannot be read: %s", file, error)
            config = configparser.ConfigParser(interpolation=None)
        made = cls(name, config)
        given = made.get("Name", EXTENSION).lower().strip()
        return cls(given or name, config)

    def get(self, field: str, section: str) -> str:
        """A field of a section; "" if there is none."""
        for each in self.config.sections():
            if each.lower() == section.lower():
                return self.config.get(each, field, fallback="") or ""
        return ""

    @staticmethod
    def split(text: str) -> list[str]:
        """Names with commas, spaces or lines between."""
        return [each for each in re.split(r"[,\s]+", text.strip()) if each]

    def names(self, field: str, sections: Iterable[str], known: Collection[str]) -> list[str]:
        """Names in a field of sections, in small letters; of `a|b`, the first that is known, or the first."""
        found: list[str] = []
        for section in sections:
            for each in self.split(self.get(field, section).lower()):
                alternatives = [name for name in each.split("|") if name]
                found += (
                    [next((name for name in alternatives if name in known), alternatives[0])]
                    if alternatives
                    else []
                )
        return found

    def callbacks(self) -> list[str]:
        """Which callbacks have rules: "extension/file/category" and their like."""
        return [
            each[len(CALLBACKS) :] for each in self.config.sections() if each.lower().startswith(CALLBACKS)
        ]


@dataclass(frozen=True, slots=True)
class ScriptRules:
    """Of one script: the scripts, by keys, that come before and after it."""

    key: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def sort_by_rules(rules: Sequence[ScriptRules]) -> list[str]:
    """The keys in their given order, as far as the rules allow. A circle of rules is cut at its first key."""
    keys = [each.key for each in rules]
    place = {key: number for number, key in enumerate(keys)}
    waits_for: dict[str, set[str]] = {each.key: {*each.after} & place.keys() - {each.key} for each in rules}
    for each in rules:
        for later in {*each.before} & place.keys() - {each.key}:
            waits_for[later].add(each.key)
    followers: dict[str, list[str]] = {}
    for key, earlier in waits_for.items():
        for name in earlier:
            followers.setdefault(name, []).append(key)
    ready = [place[key] for key, earlier in waits_for.items() if not earlier]
    heapq.heapify(ready)
    done: dict[str, None] = {}
    first_left = 0
    while len(done) < len(keys):
        while not ready and keys[first_left] in done:
            first_left += 1
        key = keys[heapq.heappop(ready) if ready else first_left]
        if key in done:
            continue
        done[key] = None
        for follower in followers.get(key, ()):
            waits_for[follower].discard(key)
            if not waits_for[follower]:
                heapq.heappush(ready, place[follower])
    return list(done)


def rules_of(
    metadata: MetadataFile,
    key: str,
    filename: str,
    scripts: Mapping[str, Sequence[str]],
    folder: str = SCRIPTS,
) -> ScriptRules:
    """The rules on one script of a folder; a name of an extension means all its scripts.

    `scripts` are the keys of each extension's scripts, by its canonical name.
    """
    sections = [folder, f"{folder}/{filename}"]

    def expand(field: str) -> tuple[str, ...]:
        names = metadata.names(field, sections, scripts)
        return tuple(each for name in names for each in scripts.get(name, (name,)))

    return ScriptRules(key, expand("Before"), (*expand("After"), *expand("Requires")))
