"""Samplers and schedules by name: how each is called, which options it reads. `diffusion` has the formulas.

Names are A1111's labels, everywhere: in requests, infotext, the API and on the page.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from webui.core.errors import InvalidRequest

AUTOMATIC = "Automatic"
CHURN = ("s_churn", "s_tmin", "s_tmax", "s_noise")


@dataclass(frozen=True, slots=True)
class SamplerInfo:
    """One way to step. `options` are the fields of `ImageOptions` that it reads, in A1111's order."""

    label: str
    aliases: tuple[str, ...]
    default_schedule: str = AUTOMATIC
    is_second_order: bool = False
    uses_ensd: bool = False
    uses_brownian_noise: bool = False
    discards_next_to_last_sigma: bool = False
    uses_timesteps: bool = False
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScheduleInfo:
    """One way to choose sigmas. `default_rho` is -1 where rho means nothing."""

    name: str
    label: str
    aliases: tuple[str, ...] = ()
    default_rho: float = -1.0
    needs_network_sigmas: bool = False


SAMPLERS: tuple[SamplerInfo, ...] = (
    SamplerInfo("DPM++ 2M", ("k_dpmpp_2m",), "Karras"),
    SamplerInfo(
        "DPM++ SDE",
        ("k_dpmpp_sde",),
        "Karras",
        is_second_order=True,
        uses_brownian_noise=True,
        options=("eta_ancestral", "s_noise"),
    ),
    SamplerInfo(
        "DPM++ 2M SDE",
        ("k_dpmpp_2m_sde",),
        "Exponential",
        uses_brownian_noise=True,
        options=("eta_ancestral", "s_noise"),
    ),
    SamplerInfo(
        "DPM++ 2M SDE Heun",
        ("k_dpmpp_2m_sde_heun",),
        "Exponential",
        uses_brownian_noise=True,
        options=("eta_ancestral", "s_noise"),
    ),
    SamplerInfo(
        "DPM++ 2S a",
        ("k_dpmpp_2s_a",),
        "Karras",
        is_second_order=True,
        uses_ensd=True,
        options=("eta_ancestral", "s_noise"),
    ),
    SamplerInfo(
        "DPM++ 3M SDE",
        ("k_dpmpp_3m_sde",),
        "Exponential",
        uses_brownian_noise=True,
        discards_next_to_last_sigma=True,
        options=("eta_ancestral", "s_noise"),
    ),
    SamplerInfo("Euler a", ("k_euler_a", "k_euler_ancestral"), uses_ensd=True, options=("eta_ancestral",)),
    SamplerInfo("Euler", ("k_euler",), options=CHURN),
    SamplerInfo("LMS", ("k_lms",)),
    SamplerInfo("Heun", ("k_heun",), is_second_order=True, options=CHURN),
    SamplerInfo(
        "DPM2",
        ("k_dpm_2",),
        "Karras",
        is_second_order=True,
        discards_next_to_last_sigma=True,
        options=CHURN,
    ),
    SamplerInfo(
        "DPM2 a",
        ("k_dpm_2_a",),
        "Karras",
        is_second_order=True,
        uses_ensd=True,
        discards_next_to_last_sigma=True,
        options=("eta_ancestral", "s_noise"),
    ),
    SamplerInfo("DPM fast", ("k_dpm_fast",), uses_ensd=True, options=("eta_ancestral", "s_noise")),
    SamplerInfo("DPM adaptive", ("k_dpm_ad",), uses_ensd=True, options=("eta_ancestral",)),
    SamplerInfo("Restart", ("restart",), "Karras", is_second_order=True),
    SamplerInfo("DDIM", ("ddim",), uses_timesteps=True, options=("eta_ddim",)),
    SamplerInfo("DDIM CFG++", ("ddim_cfgpp",), uses_timesteps=True, options=("eta_ddim",)),
    SamplerInfo("PLMS", ("plms",), uses_timesteps=True),
    SamplerInfo(
        "UniPC",
        ("unipc",),
        uses_timesteps=True,
        options=("uni_pc_variant", "uni_pc_skip_type", "uni_pc_order", "uni_pc_lower_order_final"),
    ),
    SamplerInfo("LCM", ("k_lcm",)),
)

SCHEDULES: tuple[ScheduleInfo, ...] = (
    ScheduleInfo("automatic", AUTOMATIC),
    ScheduleInfo("uniform", "Uniform", needs_network_sigmas=True),
    ScheduleInfo("karras", "Karras", default_rho=7.0),
    ScheduleInfo("exponential", "Exponential"),
    ScheduleInfo("polyexponential", "Polyexponential", default_rho=1.0),
    ScheduleInfo("sgm_uniform", "SGM Uniform", ("SGMUniform",), needs_network_sigmas=True),
    ScheduleInfo("kl_optimal", "KL Optimal"),
    ScheduleInfo("align_your_steps", "Align Your Steps"),
    ScheduleInfo("simple", "Simple", needs_network_sigmas=True),
    ScheduleInfo("normal", "Normal", needs_network_sigmas=True),
    ScheduleInfo("ddim", "DDIM", needs_network_sigmas=True),
    ScheduleInfo("beta", "Beta", needs_network_sigmas=True),
)


@dataclass(frozen=True, slots=True)
class AddedSampler:
    """A sampler of an extension. Exactly one of the functions is there, of the shape that
    `webui.diffusion.step` declares; torch is loaded within it, or before it is called.
    """

    info: SamplerInfo
    in_sigmas: Callable[..., Any] | None = None
    in_timesteps: Callable[..., Any] | None = None


@dataclass(frozen=True, slots=True)
class AddedSchedule:
    """A schedule of an extension: (steps, sigma_min, sigma_max) -> falling sigmas, `steps` or one more."""

    info: ScheduleInfo
    function: Callable[..., Any]


class AddedNames:
    """Samplers and schedules that extensions add to those of this program, by label.

    One for the process, as requests are checked wherever they are made. Extensions are loaded, and taken
    away, while no request is made.
    """

    def __init__(self) -> None:
        self.samplers: dict[str, AddedSampler] = {}
        self.schedules: dict[str, AddedSchedule] = {}

    def add(self, samplers: Iterable[AddedSampler], schedules: Iterable[AddedSchedule]) -> None:
        """Add some. Raises InvalidRequest for a name that is taken, and then none was added."""
        samplers, schedules = list(samplers), list(schedules)
        taken = {name for info in all_samplers() for name in names_of_sampler(info)}
        for each in samplers:
            refuse_taken("sampler", each.info.label, names_of_sampler(each.info), taken)
        taken = {name for info in all_schedules() for name in names_of_schedule(info)}
        for each in schedules:
            refuse_taken("schedule", each.info.label, names_of_schedule(each.info), taken)
        self.samplers |= {each.info.label: each for each in samplers}
        self.schedules |= {each.info.label: each for each in schedules}

    def remove(self, samplers: Iterable[AddedSampler], schedules: Iterable[AddedSchedule]) -> None:
        """Take some away again."""
        for each in samplers:
            self.samplers.pop(each.info.label, None)
        for each in schedules:
            self.schedules.pop(each.info.label, None)


ADDED = AddedNames()


def refuse_taken(thing: str, label: str, names: Iterable[str], taken: set[str]) -> None:
    """Raise InvalidRequest if one of the names is taken; else take them."""
    for name in names:
        if name in taken:
            raise InvalidRequest(f"The {thing} {label!r} has a name that is taken, {name!r}. Choose another.")
    taken.update(names)


def all_samplers() -> tuple[SamplerInfo, ...]:
    """Every sampler: this program's, then those of extensions."""
    return (*SAMPLERS, *(each.info for each in ADDED.samplers.values()))


def all_schedules() -> tuple[ScheduleInfo, ...]:
    """Every schedule: this program's, then those of extensions."""
    return (*SCHEDULES, *(each.info for each in ADDED.schedules.values()))


def names_of_sampler(info: SamplerInfo) -> tuple[str, ...]:
    """What a sampler may be called, in small letters."""
    return (info.label.lower(), *info.aliases)


def names_of_schedule(info: ScheduleInfo) -> tuple[str, ...]:
    """What a schedule may be called, in small letters."""
    return tuple(dict.fromkeys((info.label.lower(), info.name, *(alias.lower() for alias in info.aliases))))


def find_sampler(name: str) -> SamplerInfo:
    """By label or alias, in any case. Raises InvalidRequest naming the nearest label."""
    wanted = name.strip().lower()
    for sampler in all_samplers():
        if wanted in names_of_sampler(sampler):
            return sampler
    raise InvalidRequest(unknown_name("sampler", name, [sampler.label for sampler in all_samplers()]))


def find_schedule(name: str) -> ScheduleInfo:
    """By label, name or alias, in any case. Raises InvalidRequest naming the nearest label."""
    wanted = name.strip().lower()
    for schedule in all_schedules():
        if wanted in names_of_schedule(schedule):
            return schedule
    raise InvalidRequest(unknown_name("schedule", name, [schedule.label for schedule in all_schedules()]))


def split_legacy_name(name: str) -> tuple[str, str | None]:
    """A1111 before 1.9 wrote "DPM++ 2M Karras": the sampler, and the schedule if the name ends in one."""
    for schedule in all_schedules()[1:]:
        for ending in (schedule.label, schedule.name, *schedule.aliases):
            if name.lower().endswith(" " + ending.lower()):
                return name[: -len(ending) - 1], schedule.label
    return name, None


def effective_schedule(sampler: str, schedule: str) -> str:
    """The schedule that runs: the sampler's own one where "Automatic" was asked for."""
    chosen = find_schedule(schedule).label
    return find_sampler(sampler).default_schedule if chosen == AUTOMATIC else chosen


def unknown_name(thing: str, name: str, known: Iterable[str]) -> str:
    """The sentence for a name that is not there, with the nearest that is."""
    known = list(known)
    by_lower = {label.lower(): label for label in known}
    nearest = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.3)
    hint = f" Did you mean {by_lower[nearest[0]]!r}?" if nearest else ""
    return f"There is no {thing} named {name!r}.{hint}"
