"""Questions to Civitai about many cards, told step by step; one that fails does not end the rest."""

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel

from webui.core.errors import NotFound, WebuiError
from webui.library.cards.card import Card, CardEntry
from webui.library.cards.cards import Cards
from webui.library.catalog.catalog import Catalog
from webui.library.fetch.civitai import MAX_HASHES, Civitai, Version
from webui.library.fetch.describing import Describer
from webui.library.fetch.refusals import Cause, FetchRefused
from webui.library.fetch.updates import NewerVersion, Unanswered, newer, unknown

# After these the site would refuse the next question too.
HOPELESS: tuple[Cause, ...] = ("too many requests", "no connection")
Phase = Literal["hashing", "asking", "filling", "done"]


class InquiryProgress(BaseModel):
    """Where an inquiry is: `share` of all of it, 0 to 1, and what came of the last card, if anything did.

    `sentence` tells at the end what came of all.
    """

    phase: Phase
    share: float
    name: str = ""
    described: Card | None = None
    update: NewerVersion | None = None
    unanswered: Unanswered | None = None
    sentence: str = ""


Steps = Generator[InquiryProgress, None, None]


@dataclass
class Tally:
    """What came so far; `parts` is how much there is to do."""

    parts: int
    finished: int = 0
    found: int = 0
    unknown: int = 0
    failed: list[str] = field(default_factory=list)

    def step(self, phase: Phase, name: str = "") -> InquiryProgress:
        """Where it is now."""
        return InquiryProgress(phase=phase, share=min(1.0, self.finished / max(self.parts, 1)), name=name)

    def refused(self, entry: CardEntry, error: WebuiError | OSError) -> InquiryProgress:
        """A card of which nothing came."""
        cause: Cause = error.cause if isinstance(error, FetchRefused) else "unexpected"
        sentence = str(error)
        if isinstance(error, OSError):
            sentence = f"{entry.file.name} cannot be read: {error.strerror or error}."
        if cause == "gone":
            self.unknown += 1
        else:
            self.failed.append(sentence)
        told = Unanswered(id=entry.id, cause=cause, sentence=sentence)
        return self.step("asking", entry.file.name).model_copy(update={"unanswered": told})

    def not_known(self, entry: CardEntry) -> InquiryProgress:
        """A card whose file the site does not know."""
        self.unknown += 1
        return self.step("asking", entry.file.name).model_copy(update={"unanswered": unknown(entry.id)})

    def rest(self) -> str:
        """What did not work, in sentences; empty where nothing went wrong."""
        told = ""
        if self.unknown:
            told += f" Civitai does not know {count_in_words(self.unknown, 'file')} of them."
        if self.failed:
            told += f" {count_in_words(len(self.failed), 'file')} went without an answer: {self.failed[-1]}"
        return told


def is_undescribed(entry: CardEntry) -> bool:
    """Whether a card has no picture, or neither trigger words nor a note of where it is from."""
    return not entry.preview_stamp or not (entry.text.activation_text or entry.text.model_id)


def describe_cards(
    entries: Sequence[CardEntry],
    catalog: Catalog,
    civitai: Civitai,
    describer: Describer,
    cards: Cards,
    *,
    with_preview: bool = True,
) -> Steps:
    """Fill cards with previews and trigger words: one question for a hundred hashes, then a picture each."""
    # A file counts twice: when its hash is known, and when it has its answer.
    tally = Tally(2 * len(entries))

    def fill(chunk: Sequence[CardEntry], versions: dict[str, Version]) -> Steps:
        for entry in chunk:
            tally.finished += 1
            if entry.id not in versions:
                continue
            yield tally.step("filling", entry.file.name)
            try:
                describer.describe(entry.id, versions[entry.id], with_preview=with_preview)
                card = cards.index.card(cards.index.find(entry.id))
            except WebuiError as error:
                yield tally.refused(entry, error)
                continue
            tally.found += 1
            yield tally.step("filling", entry.file.name).model_copy(update={"described": card})

    yield from ask_hashes(entries, catalog, civitai, cards, tally, fill)
    if not entries:
        sentence = "Every card here has a preview and trigger words, or is known to Civitai without them."
    elif tally.failed and not tally.found:
        sentence = tally.failed[-1]
    else:
        sentence = f"{count_in_words(tally.found, 'card')} filled from Civitai.{tally.rest()}"
    yield InquiryProgress(phase="done", share=1, sentence=sentence)


def look_for_updates(entries: Sequence[CardEntry], catalog: Catalog, civitai: Civitai, cards: Cards) -> Steps:
    """Newer versions of these cards' models, which the cards then show; a question for each model."""
    nameless = [entry for entry in entries if not entry.text.model_id]
    tally = Tally(len(nameless) + len(entries))
    places = {entry.id: (entry.text.model_id, entry.text.version_id) for entry in entries}
    here = {each.text.version_id for each in cards.index.entries()}

    def place(_: Sequence[CardEntry], versions: dict[str, Version]) -> Steps:
        places.update((key, (version.model_id, version.id)) for key, version in versions.items())
        here.update(version.id for version in versions.values())
        yield from ()

    yield from ask_hashes(nameless, catalog, civitai, cards, tally, place)
    asked = yield from ask_models(by_model(entries, places), places, here, civitai, cards, tally)
    yield InquiryProgress(phase="done", share=1, sentence=updates_sentence(tally, asked))


def ask_hashes(
    entries: Sequence[CardEntry],
    catalog: Catalog,
    civitai: Civitai,
    cards: Cards,
    tally: Tally,
    answered: Callable[[Sequence[CardEntry], dict[str, Version]], Steps],
) -> Steps:
    """Ask which versions the cards' files are, a hundred at a time, and go on with each hundred's answer."""
    for start in range(0, len(entries), MAX_HASHES):
        chunk = entries[start : start + MAX_HASHES]
        try:
            versions = yield from known_versions(chunk, catalog, civitai, cards, tally)
        except FetchRefused as error:
            for entry in chunk:
                yield tally.refused(entry, error)
            if error.cause in HOPELESS:
                return
        else:
            yield from answered(chunk, versions)


def ask_models(
    models: dict[int, list[CardEntry]],
    places: dict[str, tuple[int, int]],
    here: set[int],
    civitai: Civitai,
    cards: Cards,
    tally: Tally,
) -> Generator[InquiryProgress, None, int]:
    """Ask for each model's versions; how many cards got an answer."""
    asked = 0
    for model, entries in models.items():
        yield tally.step("asking", entries[0].file.name)
        tally.finished += len(entries)
        try:
            versions = civitai.versions(model)
        except FetchRefused as error:
            for entry in entries:
                yield tally.refused(entry, error)
            if error.cause in HOPELESS:
                break
            continue
        asked += len(entries)
        for entry in entries:
            update = newer(entry.id, versions, places[entry.id][1], here)
            cards.index.note_update(entry.id, update)
            if update is not None:
                tally.found += 1
                yield tally.step("asking", entry.file.name).model_copy(update={"update": update})
    return asked


def known_versions(
    entries: Sequence[CardEntry], catalog: Catalog, civitai: Civitai, cards: Cards, tally: Tally
) -> Generator[InquiryProgress, None, dict[str, Version]]:
    """The versions that cards' files are, by the cards' ids. At most a hundred. Raises FetchRefused."""
    digests: dict[str, str] = {}
    for entry in entries:
        yield tally.step("hashing", entry.file.name)
        try:
            digests[entry.id] = catalog.sha256(entry.file)
            cards.index.note_hash(entry.id, digests[entry.id])
        except (OSError, NotFound) as error:
            yield tally.refused(entry, error)
        tally.finished += 1
    if not digests:
        return {}
    yield tally.step("asking")
    versions = civitai.by_hashes(list(dict.fromkeys(digests.values())))
    for entry in entries:
        if entry.id in digests and digests[entry.id] not in versions:
            yield tally.not_known(entry)
    return {key: versions[digest] for key, digest in digests.items() if digest in versions}


def by_model(entries: Iterable[CardEntry], places: dict[str, tuple[int, int]]) -> dict[int, list[CardEntry]]:
    """Cards by their models on Civitai, those without one left out."""
    models: dict[int, list[CardEntry]] = {}
    for entry in entries:
        if model := places[entry.id][0]:
            models.setdefault(model, []).append(entry)
    return models


def updates_sentence(tally: Tally, asked: int) -> str:
    """What a look for updates found."""
    if not asked and tally.failed:
        return tally.failed[-1]
    if tally.found:
        have = "has" if tally.found == 1 else "have"
        first = f"{count_in_words(tally.found, 'card')} {have} a newer version on Civitai."
    else:
        first = f"No newer version on Civitai; {count_in_words(asked, 'card')} looked up."
    return first + tally.rest()


def count_in_words(number: int, noun: str) -> str:
    """A number of things."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
