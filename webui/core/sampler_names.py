"""What other programs call samplers and schedules, in our words where they mean the same.

ComfyUI and SwarmUI ("dpmpp_2m_sde_gpu", "karras"), InvokeAI ("dpmpp_2m_k"), NovelAI ("k_euler_ancestral"),
SD.Next and diffusers (names of classes), Draw Things ("DPM++ 2M AYS"), Easy Diffusion, Fooocus, Forge, and
A1111 before 1.9 ("DPM++ 2M Karras").
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from webui.core.sampling import ADDED, AUTOMATIC, SAMPLERS, SCHEDULES

# Longer names are none.
LONGEST_NAME = 100
_NOT_LETTERS = re.compile(r"[\W_]+")
_NOTHING: Mapping[str, object] = MappingProxyType({})


class SamplerNames(NamedTuple):
    """A sampler and a schedule of ours, each None where there is none like it, and fields to go along."""

    sampler: str | None
    schedule: str | None
    options: Mapping[str, object] = _NOTHING


def translate_sampler(sampler: str, schedule: str = "") -> SamplerNames:
    """What is meant by the names of any program. A schedule in the sampler's name counts where none is given.

    The schedule is "Automatic" where nothing names one.
    """
    own_schedule = translate_schedule(schedule) if _squeeze(schedule) not in ("", "automatic") else AUTOMATIC
    squeezed = _squeeze(sampler)
    for name, named_schedule in _split_schedule(squeezed):
        if (label := _SAMPLERS.get(name) or _find_added(name, ADDED.samplers)) is not None:
            chosen = named_schedule if own_schedule == AUTOMATIC else own_schedule
            return SamplerNames(label, chosen, _OPTIONS.get(name, _NOTHING))
    return SamplerNames(None, own_schedule)


def translate_schedule(name: str) -> str | None:
    """The schedule of ours that does the same; None if there is none."""
    squeezed = _squeeze(name)
    return _SCHEDULES.get(squeezed) or _find_added(squeezed, ADDED.schedules)


def _find_added(squeezed: str, labels: Iterable[str]) -> str | None:
    """The one of an extension that is called so."""
    return next((label for label in labels if _squeeze(label) == squeezed), None)


def _squeeze(name: str) -> str:
    """A name without what programs write differently: capitals, marks, "k_" before it and "gpu" in it."""
    name = name.strip()[: LONGEST_NAME + 1].lower().replace("++", "pp")
    words = [word for word in _NOT_LETTERS.split(name) if word]
    if words and words[0] in ("k", "sample"):
        words.pop(0)
    return "".join("a" if word == "ancestral" else word for word in words if word not in ("gpu", "cpu"))


def _split_schedule(squeezed: str) -> list[tuple[str, str | None]]:
    """The name whole, and without each ending that names a schedule."""
    endings = [ending for ending in _ENDINGS if squeezed.endswith(ending) and squeezed != ending]
    return [(squeezed, AUTOMATIC)] + [(squeezed.removesuffix(ending), _ENDINGS[ending]) for ending in endings]


# Names that are not a label or an alias of ours when squeezed.
_OTHER_SAMPLERS: dict[str, tuple[str, ...]] = {
    "DPM++ 2M": (
        "dpmpp2m",
        "dpmsolverpp2m",
        "dpmsolvermultistep",
        "dpmsolvermultistepscheduler",
        "dpmsolverpp",
    ),
    "DPM++ SDE": ("dpmppsde", "dpmsolversde", "dpmsolversdescheduler"),
    "DPM++ 2M SDE": ("dpmpp2msde", "dpmsolverpp2msde"),
    "DPM++ 2S a": ("dpmpp2sa",),
    "DPM2": ("dpm2", "kdpm2", "kdpm2discrete", "kdpm2discretescheduler"),
    "DPM2 a": ("dpm2a", "kdpm2a", "kdpm2ancestraldiscrete", "kdpm2ancestraldiscretescheduler"),
    "Euler": ("eulerdiscrete", "eulerdiscretescheduler"),
    "Euler a": ("eulerancestral", "eulerancestraldiscrete", "eulerancestraldiscretescheduler"),
    "Heun": ("heundiscrete", "heundiscretescheduler"),
    "LMS": ("lmsd", "lmsdiscrete", "lmsdiscretescheduler"),
    "DDIM": ("ddimscheduler", "ddimv3"),
    # diffusers' PNDM without its Runge-Kutta steps is PLMS.
    "PLMS": ("pndm", "pndmscheduler"),
    "UniPC": ("unipcbh2", "unipcmultistep", "unipcmultistepscheduler", "unipctu", "unipctq", "unipcsnr"),
    "LCM": ("lcmscheduler",),
    "DPM adaptive": ("dpmadaptative",),
}
_SAMPLERS: dict[str, str] = {
    **{_squeeze(name): info.label for info in SAMPLERS for name in (info.label, *info.aliases)},
    **{name: label for label, names in _OTHER_SAMPLERS.items() for name in names},
}
_OPTIONS: dict[str, Mapping[str, object]] = {
    "unipcbh2": {"UniPC variant": "bh2"},
    "unipctq": {"UniPC skip type": "time_quadratic"},
    "unipcsnr": {"UniPC skip type": "logSNR"},
}
_OTHER_SCHEDULES: dict[str, tuple[str, ...]] = {
    AUTOMATIC: ("default", "native", "auto"),
    "Align Your Steps": ("ays", "alignyoursteps"),
    # ComfyUI's name.
    "DDIM": ("ddimuniform",),
    "KL Optimal": ("kloptimal",),
}
_SCHEDULES: dict[str, str] = {
    **{_squeeze(name): info.label for info in SCHEDULES for name in (info.name, info.label, *info.aliases)},
    **{name: label for label, names in _OTHER_SCHEDULES.items() for name in names},
}
# "k" is InvokeAI's Karras, "trailing" a schedule of diffusers and Draw Things that is not one of ours.
_ENDINGS: dict[str, str | None] = {
    **{ending: label for ending, label in _SCHEDULES.items() if label not in (AUTOMATIC, "DDIM")},
    "k": "Karras",
    "trailing": None,
}
