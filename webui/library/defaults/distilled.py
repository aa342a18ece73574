"""Checkpoints that were distilled to few steps, told by names: turbo, lightning, LCM, hyper."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from webui.core.checkpoint_defaults import CheckpointDefaults
from webui.core.model_file import Family

# Distilled networks are sampled on the last timesteps of equal parts, which this schedule gives.
TRAILING = "SGM Uniform"
# DreamShaperXL_Turbo, v40LightningBakedvae, Hyper-SD15-8steps, sd_xl_turbo_1.0_fp16
WORDS = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z]?[a-z]+|\d+")
# sdxlturbo, dreamshaperxllightning
JOINED = re.compile(r"(xl|sd|sd15)(turbo|lightning|lcm|hyper)", re.IGNORECASE)
STEPS = re.compile(r"(?<![0-9.])(\d{1,2})[ _-]?steps?(?![a-z])", re.IGNORECASE)
# With these before or after it, the word means what the pictures show.
OTHER_MEANINGS = {
    "hyper": frozenset(
        {"real", "realism", "realistic", "realistics", "photo", "photoreal", "detail", "detailed", "details"}
        | {"sharp", "anime", "cute", "fusion", "fantasy", "pop", "stylized"}
    ),
    "lightning": frozenset(("storm", "bolt", "thunder", "rod", "strike", "strikes", "magic")),
}


@dataclass(frozen=True, slots=True)
class Distilled:
    """A way of distilling: the word that names say it by, and how its checkpoints are sampled."""

    word: str
    steps: int
    cfg_scale: float
    sampler: str
    schedule: str

    def defaults(self, steps: int | None) -> CheckpointDefaults:
        """`steps` are those that the name tells, None if it tells none."""
        return CheckpointDefaults(
            steps=steps or self.steps,
            cfg_scale=self.cfg_scale,
            sampler=self.sampler,
            schedule=self.schedule,
        )


# LCM: Luo et al. 2023. Turbo: Sauer et al. 2023; merges with it are trained for a little guidance. Lightning:
# Lin et al. 2024. Hyper-SD: Ren et al. 2024.
KINDS = (
    Distilled("lcm", 8, 1.5, "LCM", "Automatic"),
    Distilled("lightning", 8, 1, "Euler", TRAILING),
    Distilled("hyper", 8, 1, "Euler", TRAILING),
    Distilled("turbo", 8, 2, "DPM++ SDE", "Karras"),
)
# Stability's own turbo networks make pictures of 512 pixels, in one to four steps without guidance.
FIRST_TURBO = CheckpointDefaults(
    width=512, height=512, steps=4, cfg_scale=1, sampler="Euler a", schedule=TRAILING
)
FIRST_TURBO_NAME = re.compile(r"(?:stabilityai[/_-]?)?sd(?:[_-]?xl)?[_-]?turbo(?![a-z])", re.IGNORECASE)


def distilled_defaults(names: Iterable[str], family: Family) -> CheckpointDefaults:
    """What the first of the names that tells of a distilled checkpoint means; nothing where none does."""
    if family not in (Family.SD1, Family.SD2, Family.SDXL):
        return CheckpointDefaults()
    for name in names:
        kind = kind_in(name)
        if kind is None:
            continue
        if kind.word == "turbo" and FIRST_TURBO_NAME.match(name):
            return FIRST_TURBO
        return kind.defaults(steps_in(name))
    return CheckpointDefaults()


def kind_in(name: str) -> Distilled | None:
    """The way of distilling that a name tells of, None if it tells of none."""
    words = [word.lower() for word in WORDS.findall(JOINED.sub(r"\1 \2", name))]
    return next((kind for kind in KINDS if is_said(kind.word, words)), None)


def is_said(word: str, words: list[str]) -> bool:
    """Whether a word stands in a name and means the way of distilling there."""
    others = OTHER_MEANINGS.get(word, frozenset())
    places = [index for index, each in enumerate(words) if each == word]
    return any(others.isdisjoint(words[max(0, place - 1) : place + 2]) for place in places)


def steps_in(name: str) -> int | None:
    """The steps that a name such as "sdxl_lightning_4step" tells."""
    found = STEPS.search(name)
    return int(found[1]) or None if found else None
