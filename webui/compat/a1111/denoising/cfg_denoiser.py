"""A1111's denoiser: what stands between a sampler and the network, as extensions know it.

It has the attributes and the methods of A1111's. The work is done by this program's own guided network, which
calls back into the methods that extensions replace.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from webui.compat.a1111.denoising.conds import DictWithShape
from webui.compat.a1111.denoising.replaced import remember
from webui.core.errors import NotOffered
from webui.diffusion.conditioning import EmbeddingBatch, fit_uncond
from webui.diffusion.denoising import Denoising
from webui.diffusion.prediction import NoiseLevels, Prediction

NO_EDIT_MODELS = "InstructPix2Pix checkpoints are not supported."
NOT_SAMPLING = "The denoiser works only while a picture is sampled: call it from a callback or a sampler."


def catenate_conds(conds: Sequence[Any]) -> Any:  # noqa: ANN401 - a tensor or a dict
    """Rows of several conds, one after the other."""
    if not isinstance(conds[0], Mapping):
        return torch.cat(list(conds))
    return DictWithShape({key: torch.cat([each[key] for each in conds]) for key in conds[0]})


def subscript_cond(cond: Any, a: int | None, b: int | None) -> Any:  # noqa: ANN401 - a tensor or a dict
    """Some rows of a cond."""
    if not isinstance(cond, Mapping):
        return cond[a:b]
    return DictWithShape({key: value[a:b] for key, value in cond.items()})


def pad_cond(tensor: Any, repeats: int, empty: Tensor) -> Any:  # noqa: ANN401 - a tensor or a dict
    """A cond with the encoded empty prompt (1, 77, D) appended to its tokens so many times."""
    if isinstance(tensor, Mapping):
        return DictWithShape({**tensor, "crossattn": pad_cond(tensor["crossattn"], repeats, empty)})
    return torch.cat([tensor, empty.to(tensor).repeat(tensor.shape[0], repeats, 1)], dim=1)


class PassWork(Protocol):
    """What a pass of this program does for a denoiser."""

    @property
    def denoising(self) -> Denoising:
        """The pass."""
        ...

    def evaluate(self, latent: Tensor, sigma: Tensor, cond: Any, uncond: Any, cond_scale: Any) -> Tensor:  # noqa: ANN401 - A1111's conds
        """An evaluation with guidance."""
        ...

    def evaluate_rows(self, latent: Tensor, sigma: Tensor, cond: Any) -> Tensor:  # noqa: ANN401 - as above
        """The network's results for rows."""
        ...

    def mix(self, result: Tensor, places: list[list[tuple[int, float]]], cond_scale: Any) -> Tensor:  # noqa: ANN401 - as above
        """Guidance of results."""
        ...


class DenoiserNetwork(nn.Module):
    """The network as a denoiser calls it: (x, sigma, cond={"c_crossattn": [...], ...}) -> result.

    `sigmas` and what follows from them are those it was trained on.
    """

    denoiser: CFGDenoiser

    def __init__(self, denoiser: CFGDenoiser, sd_model: Any = None) -> None:  # noqa: ANN401 - A1111's model
        super().__init__()
        # Not as modules: neither is a part of this one.
        self.__dict__["denoiser"] = denoiser
        self.__dict__["inner_model"] = sd_model
        self.sigma_data = 1.0
        self.quantize = False

    @property
    def prediction(self) -> Prediction:
        """What the network predicts; eps where none is there yet."""
        live = self.denoiser.live_pass
        return Prediction.make("eps") if live is None else live.denoising.prediction

    @property
    def levels(self) -> NoiseLevels:
        """The noise levels it was trained on."""
        return self.prediction.levels

    @property
    def alphas_cumprod(self) -> Tensor:
        """(1000,)."""
        return self.prediction.alphas_cumprod

    @property
    def sigmas(self) -> Tensor:
        """(1000,), rising."""
        return self.levels.sigmas

    @property
    def log_sigmas(self) -> Tensor:
        """Their logarithms."""
        return self.levels.log_sigmas

    @property
    def sigma_min(self) -> Tensor:
        """The lowest."""
        return self.sigmas[0]

    @property
    def sigma_max(self) -> Tensor:
        """The highest."""
        return self.sigmas[-1]

    def get_sigmas(self, n: int | None = None) -> Tensor:
        """Falling sigmas evenly spaced in timesteps, and 0."""
        return self.levels.uniform(len(self.sigmas) if n is None else n)

    def sigma_to_t(self, sigma: Tensor, quantize: bool | None = None) -> Tensor:
        """Timesteps of sigmas."""
        return self.levels.nearest_level(sigma) if quantize else self.levels.sigma_to_t(sigma)

    def t_to_sigma(self, t: Tensor) -> Tensor:
        """Sigmas of timesteps."""
        return self.levels.t_to_sigma(t)

    def forward(self, input: Tensor, sigma: Tensor, cond: Any = None, **kwargs: Any) -> Tensor:  # noqa: ANN401 - A1111's names
        """The network's results for rows, without guidance."""
        live = self.denoiser.live_pass
        if live is None:
            raise NotOffered(NOT_SAMPLING)
        return live.evaluate_rows(input, sigma, kwargs if cond is None else cond)


class CFGDenoiser(nn.Module):
    """Guidance, with what A1111's denoiser has.

    `step` counts evaluations, `steps` the run's steps, `total_steps` its evaluations. While a picture is
    sampled, `live_pass` is what does the work.
    """

    def __init__(self, sampler: Any) -> None:  # noqa: ANN401 - one of A1111's shape
        super().__init__()
        self.model_wrap: Any = None
        self.mask: Any = None
        self.nmask: Any = None
        self.init_latent: Any = None
        self.steps: Any = None
        self.total_steps: Any = None
        self.step = 0
        self.image_cfg_scale: Any = None
        self.padded_cond_uncond = False
        self.padded_cond_uncond_v0 = False
        self.sampler = sampler
        self.p: Any = None
        self.cond_scale_miltiplier = 1.0
        self.need_last_noise_uncond = False
        self.last_noise_uncond: Any = None
        self.mask_before_denoising = False
        self.live_pass: PassWork | None = None

    @property
    def inner_model(self) -> Any:  # noqa: ANN401 - extensions put in their own
        """The network, by rows."""
        if self.model_wrap is None:
            self.model_wrap = DenoiserNetwork(self, getattr(self.p, "sd_model", None))
        return self.model_wrap

    def update_inner_model(self) -> None:
        """Another network has taken over."""
        self.model_wrap = None

    def combine_denoised(
        self,
        x_out: Tensor,
        conds_list: list[list[tuple[int, float]]],
        uncond: Any,  # noqa: ANN401 - a tensor or a dict
        cond_scale: Any,  # noqa: ANN401 - a number, or what counts as one
    ) -> Tensor:
        """Prompts and negative prompts mixed (B, C, h, w), from results of all rows.

        Extensions replace it on an instance.
        """
        if self.live_pass is None:
            raise NotOffered(NOT_SAMPLING)
        return self.live_pass.mix(x_out, conds_list, cond_scale)

    def combine_denoised_for_edit_model(self, x_out: Tensor, cond_scale: float) -> Tensor:
        """Raises NotOffered."""
        raise NotOffered(NO_EDIT_MODELS)

    def get_pred_x0(self, x_in: Tensor, x_out: Tensor, sigma: Tensor) -> Tensor:
        """The clean latent behind a result."""
        return x_out

    def pad_cond_uncond(self, cond: Any, uncond: Any) -> tuple[Any, Any]:  # noqa: ANN401 - tensors or dicts
        """Prompt and negative of equal length, filled up with the encoded empty prompt."""
        live = self.live_pass
        padding = None if live is None else live.denoising.guidance.padding
        if padding is None:
            return cond, uncond
        missing = (cond.shape[1] - uncond.shape[1]) // len(padding)
        self.padded_cond_uncond = missing != 0
        if missing < 0:
            return pad_cond(cond, -missing, padding[None]), uncond
        return cond, pad_cond(uncond, missing, padding[None]) if missing else uncond

    def pad_cond_uncond_v0(self, cond: Any, uncond: Any) -> tuple[Any, Any]:  # noqa: ANN401 - tensors or dicts
        """The negative cut or filled with its last vector, as long as the prompt."""
        is_dict = isinstance(uncond, Mapping)
        states = uncond["crossattn"] if is_dict else uncond
        fitted = fit_uncond(EmbeddingBatch(states), cond.shape[1]).crossattn
        self.padded_cond_uncond_v0 = True
        return cond, DictWithShape({**uncond, "crossattn": fitted}) if is_dict else fitted

    def forward(
        self,
        x: Tensor,
        sigma: Tensor,
        uncond: Any = None,  # noqa: ANN401 - A1111's conds
        cond: Any = None,  # noqa: ANN401
        cond_scale: Any = None,  # noqa: ANN401
        s_min_uncond: float = 0.0,
        image_cond: Any = None,  # noqa: ANN401
    ) -> Tensor:
        """The guided result (B, C, h, w) for a latent and its sigmas (B,)."""
        if self.live_pass is None:
            raise NotOffered(NOT_SAMPLING)
        result = self.live_pass.evaluate(x, sigma, cond, uncond, cond_scale)
        self.step += 1
        return result


class CFGDenoiserKDiffusion(CFGDenoiser):
    """For samplers that count in sigmas."""


class CFGDenoiserTimesteps(CFGDenoiser):
    """For DDIM, PLMS and UniPC: results are noise."""

    def __init__(self, sampler: Any) -> None:  # noqa: ANN401 - one of A1111's shape
        super().__init__(sampler)
        self.mask_before_denoising = True

    @property
    def alphas(self) -> Tensor:
        """(1000,), the shares of signal."""
        return self.inner_model.alphas_cumprod

    def get_pred_x0(self, x_in: Tensor, x_out: Tensor, sigma: Tensor) -> Tensor:
        """The clean latent behind the noise."""
        alphas = self.alphas.to(x_in.device)
        timesteps = sigma.flatten().long().expand(len(x_in)).clamp(0, len(alphas) - 1)
        signal = alphas[timesteps][:, None, None, None]
        return (x_in - (1 - signal).sqrt() * x_out) / signal.sqrt()


remember(CFGDenoiser, "combine_denoised", "forward")
