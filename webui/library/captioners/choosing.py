"""Which captioner answers A1111's two buttons, and how the settings want what it says."""

from pathlib import Path
from typing import Literal

from webui.core.errors import ModelNotFound
from webui.core.interrogate_settings import Interrogate
from webui.core.work.caption_request import CaptionOptions
from webui.library.captioners.captioner import Captioner, usable
from webui.library.captioners.finding import find_captioner, find_captioners
from webui.library.captioners.published import HOMES, PUBLISHED, PublishedCaptioner

# A1111's names of the two: what writes sentences, and what finds tags.
Interrogator = Literal["clip", "deepbooru"]
NAMES: dict[str, Interrogator] = {"clip": "clip", "deepbooru": "deepbooru", "deepdanbooru": "deepbooru"}


def choose_captioner(models: Path, wanted: Interrogator, settings: Interrogate) -> Captioner:
    """The captioner of the settings, else the first that can be used.

    Raises ModelNotFound that says what could be fetched, and UnusableFile for one that cannot be used.
    """
    name = settings.interrogate_tagger if wanted == "deepbooru" else settings.interrogate_captioner
    if name:
        return find_captioner(models, name)
    found = first_usable(find_captioners(models), wanted)
    if found is None:
        raise ModelNotFound(describe_missing(wanted))
    return found


def first_usable(captioners: list[Captioner], wanted: Interrogator) -> Captioner | None:
    """The first that does what is wanted."""
    return next((each for each in usable(captioners) if each.sort.is_tagger == (wanted == "deepbooru")), None)


def offers_for(wanted: Interrogator) -> list[PublishedCaptioner]:
    """What could be fetched, the smallest first."""
    offers = [each for each in PUBLISHED if each.sort.is_tagger == (wanted == "deepbooru")]
    return sorted(offers, key=lambda each: each.size)


def describe_missing(wanted: Interrogator) -> str:
    """What to say, and to do, where nothing is there."""
    what = "tagger" if wanted == "deepbooru" else "captioner"
    offer = offers_for(wanted)[0]
    size = f"{offer.size / 1e6:.0f} MB"
    return (
        f"There is no {what} yet. Fetch one with POST /v1/captioning/fetch, such as {offer.repo} ({size}, "
        f"{offer.licence}), or put its folder into models/{HOMES[offer.sort]}."
    )


def options_of(settings: Interrogate) -> CaptionOptions:
    """What A1111's settings say about captions and tags."""
    shortest = min(settings.interrogate_clip_min_length, settings.interrogate_clip_max_length)
    return CaptionOptions(
        general_threshold=settings.interrogate_deepbooru_score_threshold,
        character_threshold=settings.interrogate_character_score_threshold,
        order="alphabet" if settings.deepbooru_sort_alpha else "score",
        use_spaces=settings.deepbooru_use_spaces,
        escape_brackets=settings.deepbooru_escape,
        with_scores=settings.interrogate_return_ranks,
        left_out=settings.deepbooru_filter_tags,
        beams=settings.interrogate_clip_num_beams,
        min_length=shortest,
        max_length=settings.interrogate_clip_max_length,
    )
