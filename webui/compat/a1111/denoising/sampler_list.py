"""A1111's lists of samplers and schedules over this program's, and what extensions add to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from webui.compat.a1111.denoising.native import function_name
from webui.core.errors import InvalidRequest
from webui.core.sampling import (
    ADDED,
    AUTOMATIC,
    AddedSampler,
    AddedSchedule,
    SamplerInfo,
    ScheduleInfo,
    all_samplers,
    all_schedules,
)
from webui.diffusion.prediction import Prediction
from webui.diffusion.schedules import ScheduleOptions, build_sigmas, sampler_sigmas

# Label, name of the function, aliases, options.
SamplerRow = tuple[str, str, list[str], dict[str, Any]]


def sampler_rows(*, uses_timesteps: bool) -> list[SamplerRow]:
    """This program's samplers as A1111 lists them."""
    return [
        (info.label, function_name(info.label), list(info.aliases), options_of(info))
        for info in all_samplers()
        if info.uses_timesteps == uses_timesteps
    ]


def options_of(info: SamplerInfo) -> dict[str, Any]:
    """What A1111 says of a sampler besides its name."""
    options: dict[str, Any] = {}
    if info.default_schedule != AUTOMATIC:
        options["scheduler"] = info.default_schedule.lower()
    flags = {
        "second_order": info.is_second_order,
        "uses_ensd": info.uses_ensd,
        "brownian_noise": info.uses_brownian_noise,
        "discard_next_to_last_sigma": info.discards_next_to_last_sigma,
    }
    options |= {name: True for name, is_set in flags.items() if is_set}
    return options | ({"solver_type": "heun"} if info.label == "DPM++ 2M SDE Heun" else {})


def info_of(data: Any, *, uses_timesteps: bool = False) -> SamplerInfo:  # noqa: ANN401 - A1111's SamplerData
    """What this program says of a sampler of A1111's shape."""
    options = data.options or {}
    wanted = str(options.get("scheduler") or AUTOMATIC).lower()
    schedule = next(
        (each.label for each in all_schedules() if wanted in (each.name, each.label.lower())), AUTOMATIC
    )
    return SamplerInfo(
        data.name,
        tuple(alias.lower() for alias in data.aliases or ()),
        schedule,
        is_second_order=bool(options.get("second_order")),
        uses_ensd=bool(options.get("uses_ensd")),
        uses_brownian_noise=bool(options.get("brownian_noise")),
        discards_next_to_last_sigma=bool(options.get("discard_next_to_last_sigma")),
        uses_timesteps=uses_timesteps,
        options=("eta_ancestral", "s_churn", "s_tmin", "s_tmax", "s_noise"),
    )


def schedule_sigmas(sampler: Any, p: Any, steps: int) -> Tensor:  # noqa: ANN401 - A1111's shapes
    """Falling sigmas (steps + 1,) for `p`, on the CPU: its own, where it brings a function for them."""
    live = sampler.model_wrap_cfg.live_pass
    own = getattr(p, "sampler_noise_scheduler_override", None)
    if callable(own):
        return own_sigmas(own, sampler, steps)
    if live is not None and live.denoising.sigmas is not None:
        return live.denoising.sigmas
    levels = live.denoising.prediction.levels if live is not None else Prediction.make("eps").levels
    options = live.denoising.schedule_options if live is not None else ScheduleOptions()
    schedule = str(getattr(p, "scheduler", None) or AUTOMATIC)
    data = sampler.config
    if data is None:
        return build_sigmas(schedule, steps, levels, options)
    return sampler_sigmas(info_of(data), schedule, steps, levels, options)


def own_sigmas(function: Callable[[int], Any], sampler: Any, steps: int) -> Tensor:  # noqa: ANN401 - A1111's shapes
    """What an extension's function gives for that many steps; some samplers leave out the last but one."""
    live = sampler.model_wrap_cfg.live_pass
    always = live is not None and live.denoising.options.always_discard_next_to_last_sigma
    if not (always or (sampler.config and info_of(sampler.config).discards_next_to_last_sigma)):
        return torch.as_tensor(function(steps)).float().cpu()
    sigmas = torch.as_tensor(function(steps + 1)).float().cpu()
    return torch.cat([sigmas[:-2], sigmas[-1:]])


class ExtensionLists:
    """Samplers and schedules that extensions put into A1111's lists, as this program offers them."""

    def __init__(self) -> None:
        self._samplers: list[AddedSampler] = []
        self._schedules: list[AddedSchedule] = []

    def sync_samplers(self, listed: Iterable[Any], make: Any) -> list[str]:  # noqa: ANN401 - a function
        """Offer those that are new. `make` gives the steps of one. Returns sentences on what cannot be."""
        known = {info.label for info in all_samplers()}
        sentences: list[str] = []
        for data in listed:
            if data.name in known:
                continue
            taken = {alias for info in all_samplers() for alias in (info.label.lower(), *info.aliases)}
            info = info_of(data)
            aliases = tuple(alias for alias in info.aliases if alias not in taken)
            added = AddedSampler(replace(info, aliases=aliases), in_sigmas=make(data))
            sentences += self._add(samplers=[added])
        return sentences

    def sync_schedules(self, listed: Iterable[Any], network: Any) -> list[str]:  # noqa: ANN401 - A1111's shapes
        """Offer those that are new. `network` is for those that ask for one."""
        known = {info.label for info in all_schedules()}
        sentences: list[str] = []
        for each in listed:
            if each.label in known or each.function is None:
                continue
            name = re.sub(r"\W+", "_", str(each.name).lower()).strip("_")
            info = ScheduleInfo(name, each.label, tuple(each.aliases or ()), float(each.default_rho))
            sentences += self._add(schedules=[AddedSchedule(info, as_schedule(each, network))])
        return sentences

    def remove_sampler(self, name: str) -> None:
        """Offer one no more."""
        gone = [each for each in self._samplers if each.info.label == name]
        ADDED.remove(gone, ())
        self._samplers = [each for each in self._samplers if each not in gone]

    def clear(self) -> None:
        """Take all away again."""
        ADDED.remove(self._samplers, self._schedules)
        self._samplers, self._schedules = [], []

    def _add(
        self, samplers: list[AddedSampler] | None = None, schedules: list[AddedSchedule] | None = None
    ) -> list[str]:
        try:
            ADDED.add(samplers or (), schedules or ())
        except InvalidRequest as error:
            return [str(error)]
        self._samplers += samplers or []
        self._schedules += schedules or []
        return []


def as_schedule(scheduler: Any, network: Any) -> Any:  # noqa: ANN401 - A1111's shapes
    """A schedule of A1111's shape as this program calls it: (steps, sigma_min, sigma_max) -> sigmas."""

    def sigmas(steps: int, sigma_min: float, sigma_max: float) -> Tensor:
        more: dict[str, Any] = {"inner_model": network()} if scheduler.need_inner_model else {}
        if scheduler.default_rho > 0:
            more["rho"] = scheduler.default_rho
        found = scheduler.function(
            n=steps, sigma_min=sigma_min, sigma_max=sigma_max, device=torch.device("cpu"), **more
        )
        return torch.as_tensor(found).detach().float().cpu()

    return sigmas
