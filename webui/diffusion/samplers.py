"""All samplers by A1111's label: which function steps, and what it must be given besides the usual."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from webui.core.sampling import ADDED, SamplerInfo, find_sampler
from webui.diffusion import dpm_solver, samplers_ancestral, samplers_ode, samplers_sde, samplers_timesteps
from webui.diffusion.step import SigmaSampler, TimestepSampler
from webui.diffusion.unipc import unipc

# CFG++ runs from 0 to 1 where CFG runs from 0 to 12.5 (A1111's mapping).
CFGPP_SCALE = 1 / 12.5


@dataclass(frozen=True, slots=True)
class Sampler:
    """A way to step. Exactly one of the two functions is there.

    `spans_trained_range`: from noise it runs over the network's whole range of sigmas, whatever the schedule.
    `is_consistency`: it is made for latent consistency networks. `cfg_factor` scales the CFG scale.
    """

    info: SamplerInfo
    in_sigmas: SigmaSampler | None = None
    in_timesteps: TimestepSampler | None = None
    spans_trained_range: bool = False
    is_consistency: bool = False
    cfg_factor: float = 1.0


def samplers() -> list[Sampler]:
    """Each with its function."""
    in_sigmas: dict[str, SigmaSampler] = {
        "DPM++ 2M": samplers_ode.dpmpp_2m,
        "DPM++ SDE": samplers_sde.dpmpp_sde,
        "DPM++ 2M SDE": samplers_sde.dpmpp_2m_sde,
        "DPM++ 2M SDE Heun": samplers_sde.dpmpp_2m_sde_heun,
        "DPM++ 2S a": samplers_ancestral.dpmpp_2s_ancestral,
        "DPM++ 3M SDE": samplers_sde.dpmpp_3m_sde,
        "Euler a": samplers_ancestral.euler_ancestral,
        "Euler": samplers_ode.euler,
        "LMS": samplers_ode.lms,
        "Heun": samplers_ode.heun,
        "DPM2": samplers_ode.dpm_2,
        "DPM2 a": samplers_ancestral.dpm_2_ancestral,
        "Restart": samplers_ancestral.restart,
    }
    in_timesteps: dict[str, TimestepSampler] = {
        "DDIM": samplers_timesteps.ddim,
        "PLMS": samplers_timesteps.plms,
        "UniPC": unipc,
    }
    return [
        *(Sampler(find_sampler(label), in_sigmas=function) for label, function in in_sigmas.items()),
        *(Sampler(find_sampler(label), in_timesteps=function) for label, function in in_timesteps.items()),
        Sampler(find_sampler("DPM fast"), in_sigmas=dpm_solver.dpm_fast, spans_trained_range=True),
        Sampler(find_sampler("DPM adaptive"), in_sigmas=dpm_solver.dpm_adaptive, spans_trained_range=True),
        Sampler(find_sampler("LCM"), in_sigmas=samplers_ancestral.lcm, is_consistency=True),
        Sampler(
            find_sampler("DDIM CFG++"), in_timesteps=samplers_timesteps.ddim_cfgpp, cfg_factor=CFGPP_SCALE
        ),
    ]


SAMPLERS: Mapping[str, Sampler] = MappingProxyType({sampler.info.label: sampler for sampler in samplers()})


def sampler_of(name: str) -> Sampler:
    """The sampler of a label or alias, an extension's too. Raises InvalidRequest."""
    label = find_sampler(name).label
    added = ADDED.samplers.get(label)
    if added is None:
        return SAMPLERS[label]
    return Sampler(added.info, in_sigmas=added.in_sigmas, in_timesteps=added.in_timesteps)
