"""Plain words for a scene, as sentences or comma tags, and their CLIP tokens."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.starter.networks import TOKENS
from models.starter.scene import Scene, Thing
from webui.prompts.tokenizer import END_ID, START_ID, clip_tokenizer

SIZE_WORDS = {"small": ("small", "small", "little", "tiny"), "big": ("big", "big", "large", "huge")}
SIDE_WORDS = {
    "left": ("on the left", "on the left", "at the left"),
    "middle": ("in the middle", "in the middle", "in the center"),
    "right": ("on the right", "on the right", "at the right"),
}
PLACE_WORDS = {
    "meadow": ("in a meadow", "on a meadow", "in the meadow"),
    "sea": ("by the sea", "at the sea", "on the beach by the sea"),
    "desert": ("in the desert", "in a desert"),
    "city": ("in the city", "in a city"),
    "forest": ("in a forest", "in the forest"),
    "mountains": ("in the mountains", "in front of mountains"),
}
TIME_WORDS = {
    "morning": ("in the morning", "in the early morning"),
    "day": ("by day", "at noon", "during the day"),
    "sunset": ("at sunset", "at sunset", "in the evening at sunset"),
    "night": ("at night", "at night", "by night"),
}
WEATHER_WORDS = {
    "clear": ("under a clear sky", "in clear weather"),
    "cloudy": ("under clouds", "in cloudy weather", "under a cloudy sky"),
    "rain": ("in the rain", "in rainy weather"),
    "snow": ("in the snow", "in snowy weather", "while snow falls"),
    "fog": ("in the fog", "in foggy weather"),
}
LOOK_WORDS = {
    "flat": ("flat illustration", "flat", "flat style"),
    "watercolour": ("watercolour", "watercolor", "watercolour painting"),
    "pencil": ("pencil", "pencil drawing", "coloured pencil"),
    "pixel art": ("pixel art", "pixel art", "pixel art style"),
}
PLACE_TAGS = {place: (place, place, words[0]) for place, words in PLACE_WORDS.items()}
TIME_TAGS = {
    "morning": ("morning",),
    "day": ("day", "noon", "daytime"),
    "sunset": ("sunset",),
    "night": ("night",),
}
WEATHER_TAGS = {
    "clear": ("clear sky", "clear"),
    "cloudy": ("cloudy", "clouds"),
    "rain": ("rain", "rainy"),
    "snow": ("snow", "snowy"),
    "fog": ("fog", "foggy"),
}
# Words artists add by habit; the pictures do not depend on them, and training says so.
HABITS = (
    "masterpiece",
    "best quality",
    "highly detailed",
    "picture book",
    "storybook",
    "cute",
    "children's book illustration",
)

# Chances that an attribute goes unsaid.
UNSAID = {
    "place": 0.08,
    "time": 0.12,
    "weather": 0.15,
    "look": 0.10,
    "colour": 0.06,
    "size": 0.20,
    "side": 0.15,
}
TAGS_SHARE = 0.4
HABIT_SHARE = 0.12


def choose(rng: np.random.Generator, words: Sequence[str]) -> str:
    """One of the words, each as likely."""
    return words[int(rng.integers(len(words)))]


def says(rng: np.random.Generator, attribute: str) -> bool:
    """Whether this caption mentions the attribute."""
    return bool(rng.uniform() >= UNSAID[attribute])


def with_article(words: str) -> str:
    """The words with "a" or "an"."""
    return ("an " if words[0] in "aeiou" else "a ") + words


def thing_words(thing: Thing, rng: np.random.Generator, article: bool) -> str:
    """Such as "a big red balloon on the left"."""
    words = []
    if says(rng, "size"):
        words.append(choose(rng, SIZE_WORDS[thing.size]))
    if says(rng, "colour"):
        words.append(thing.colour)
    words.append(thing.kind)
    name = " ".join(words)
    name = with_article(name) if article else name
    return f"{name} {choose(rng, SIDE_WORDS[thing.side])}" if says(rng, "side") else name


def joined(parts: Sequence[str]) -> str:
    """Such as "a, b and c"."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def sentence(scene: Scene, rng: np.random.Generator) -> str:
    """Such as "a big red balloon on the left in a meadow at sunset, watercolour"."""
    order = rng.permutation(len(scene.things))
    things = [thing_words(scene.things[index], rng, article=True) for index in order]
    settings = [
        choose(rng, words[value])
        for attribute, words, value in (
            ("place", PLACE_WORDS, scene.place),
            ("time", TIME_WORDS, scene.time),
            ("weather", WEATHER_WORDS, scene.weather),
        )
        if says(rng, attribute) or (attribute == "place" and not things)
    ]
    # The place first most of the time, as one speaks.
    if rng.uniform() < 0.3:
        settings = [settings[index] for index in rng.permutation(len(settings))]
    body = joined(things) if things else with_article(scene.place).replace("a mountains", "mountains")
    if not things:
        settings = settings[1:] if settings and settings[0] in PLACE_WORDS[scene.place] else settings
    text = " ".join([body, *settings])
    if not says(rng, "look"):
        return text
    look = choose(rng, LOOK_WORDS[scene.look])
    return f"{look} of {text}" if rng.uniform() < 0.3 else f"{text}, {look}"


def tags(scene: Scene, rng: np.random.Generator) -> str:
    """Such as "big red balloon on the left, meadow, sunset, watercolour"."""
    parts = [thing_words(thing, rng, article=False) for thing in scene.things]
    parts = [parts[index] for index in rng.permutation(len(parts))]
    settings = [
        choose(rng, words[value])
        for attribute, words, value in (
            ("place", PLACE_TAGS, scene.place),
            ("time", TIME_TAGS, scene.time),
            ("weather", WEATHER_TAGS, scene.weather),
            ("look", LOOK_WORDS, scene.look),
        )
        if says(rng, attribute) or (attribute == "place" and not parts)
    ]
    settings = [settings[index] for index in rng.permutation(len(settings))]
    swapped = rng.uniform() < 0.25
    return ", ".join([*settings, *parts] if swapped else [*parts, *settings])


def caption(scene: Scene, rng: np.random.Generator) -> str:
    """One way to say the scene; never empty."""
    text = tags(scene, rng) if rng.uniform() < TAGS_SHARE else sentence(scene, rng)
    if rng.uniform() < HABIT_SHARE:
        habit = choose(rng, HABITS)
        text = f"{habit}, {text}" if rng.uniform() < 0.5 else f"{text}, {habit}"
    return text


def full_caption(scene: Scene) -> str:
    """The scene with every attribute said, in the plainest words: what the checker asks for."""
    things = [
        f"{with_article(f'{thing.size} {thing.colour} {thing.kind}')} {SIDE_WORDS[thing.side][0]}"
        for thing in scene.things
    ]
    place, time, weather = (
        PLACE_WORDS[scene.place][0],
        TIME_WORDS[scene.time][0],
        WEATHER_WORDS[scene.weather][0],
    )
    return f"{joined(things)} {place} {time} {weather}, {LOOK_WORDS[scene.look][0]}"


def token_ids(text: str) -> NDArray[np.uint16]:
    """CLIP tokens (77,): start, the words, then end marks to the full length, as SD1 pads."""
    words = clip_tokenizer().encode(text)[: TOKENS - 2]
    return np.array([START_ID, *words, *[END_ID] * (TOKENS - 1 - len(words))], np.uint16)
