import json
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.diffusion import k_diffusion_oracle
from tests.golden_cases import GOLDENS
from webui.diffusion.prediction import (
    ConsistencyPreconditioning,
    Prediction,
    PredictionKind,
    SigmaPreconditioning,
    TimestepPreconditioning,
    scaled_linear_alphas_cumprod,
)

GOLDEN: dict[str, Any] = json.loads((GOLDENS / "sigmas.json").read_text("utf-8"))
external = k_diffusion_oracle.load("external")


class TrainedNetwork(nn.Module):
    """What k-diffusion wraps."""

    def __init__(self) -> None:
        super().__init__()
        self.alphas_cumprod = scaled_linear_alphas_cumprod()

    def apply_model(self, latent: Tensor, timestep: Tensor, cond: Tensor | None = None) -> Tensor:
        return torch.tanh(latent) * (timestep.reshape(-1, 1, 1, 1) / 500)


def close(actual: Tensor | float, expected: list[float] | float) -> None:
    torch.testing.assert_close(torch.as_tensor(actual), torch.as_tensor(expected), rtol=3e-7, atol=0)


def test_the_levels_are_those_of_the_golden() -> None:
    levels = Prediction.make("eps").levels
    close(levels.sigmas, GOLDEN["model_sigmas"])
    close(levels.log_sigmas[:5], GOLDEN["log_sigmas_head"])
    close(levels.sigma_min, GOLDEN["sigma_min"])
    close(levels.sigma_max, GOLDEN["sigma_max"])


def test_sigmas_become_the_goldens_timesteps_and_back() -> None:
    levels = Prediction.make("eps").levels
    for sigma, timestep in GOLDEN["sigma_to_t"]:
        torch.testing.assert_close(
            levels.sigma_to_t(torch.tensor(sigma)).item(), timestep, rtol=2e-6, atol=1e-6
        )
    for timestep, sigma in GOLDEN["t_to_sigma"]:
        close(levels.t_to_sigma(torch.tensor(timestep)), sigma)


def test_quantized_sigmas_become_whole_timesteps() -> None:
    timesteps = Prediction.make("eps", quantize=True).levels.sigma_to_t(torch.tensor([0.0, 0.03, 3.3, 99.0]))
    assert timesteps.tolist() == [0, 0, 697, 999]


@pytest.mark.parametrize("quantize", [False, True])
@pytest.mark.parametrize(("kind", "wrapper"), [("eps", "CompVisDenoiser"), ("v", "CompVisVDenoiser")])
def test_outputs_become_denoised_as_in_k_diffusion(
    kind: PredictionKind, wrapper: str, quantize: bool
) -> None:
    network = TrainedNetwork()
    latent, sigma = torch.randn(3, 4, 6, 5) * 5, torch.tensor([0.05, 1.3, 14.6])
    preconditioning = SigmaPreconditioning(Prediction.make(kind, quantize=quantize))
    scaled, timestep = preconditioning.network_input(latent, sigma)
    ours = preconditioning.result(latent, network.apply_model(scaled, timestep), sigma)
    theirs = getattr(external, wrapper)(network, quantize=quantize)(latent, sigma, cond=None)
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-6)


def test_zero_terminal_snr_keeps_the_first_level_and_ends_in_almost_pure_noise() -> None:
    plain, rescaled = (Prediction.make("v", zero_terminal_snr=flag).alphas_cumprod for flag in (False, True))
    torch.testing.assert_close(rescaled[0], plain[0])
    assert rescaled[-1] == pytest.approx(4.8973451890853435e-08)
    assert (rescaled[1:] < rescaled[:-1]).all()


def test_downcast_levels_are_rounded_to_half_precision() -> None:
    downcast = Prediction.make("eps", downcast=True)
    assert downcast.alphas_cumprod.dtype == torch.float16
    torch.testing.assert_close(
        downcast.levels.sigmas.float(), torch.tensor(GOLDEN["model_sigmas"]), rtol=2e-2, atol=2e-2
    )


@pytest.mark.parametrize("kind", ["eps", "v"])
def test_a_network_that_hits_its_target_gives_back_latent_and_noise(kind: PredictionKind) -> None:
    prediction = Prediction.make(kind)
    latent, noise, timestep = torch.randn(2, 4, 3, 3), torch.randn(2, 4, 3, 3), torch.tensor([10, 900])
    noised = prediction.add_noise(latent, noise, timestep)
    target = prediction.target(latent, noise, timestep)
    found = prediction.noise_from_output(noised, target, timestep)
    torch.testing.assert_close(found, noise, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(
        prediction.denoised_from_noise(noised, found, timestep), latent, rtol=1e-2, atol=1e-3
    )
    shown = TimestepPreconditioning(prediction)
    assert torch.equal(
        shown.denoised(noised, found, timestep), prediction.denoised_from_noise(noised, found, timestep)
    )


def test_consistency_timesteps_are_every_twentieth() -> None:
    levels = Prediction.make("eps").consistency_levels()
    timesteps = levels.sigma_to_t(levels.sigmas)
    assert timesteps.tolist() == list(range(19, 1000, 20))
    torch.testing.assert_close(levels.t_to_sigma(timesteps), levels.sigmas)


def test_a_consistency_result_is_the_latent_itself_near_sigma_zero_and_denoised_far_from_it() -> None:
    preconditioning = ConsistencyPreconditioning(Prediction.make("eps"))
    latent, output = torch.randn(1, 4, 2, 2), torch.randn(1, 4, 2, 2)
    high = torch.tensor([14.6])
    denoised = SigmaPreconditioning(preconditioning.prediction).result(latent, output, high)
    torch.testing.assert_close(preconditioning.result(latent, output, high), denoised, rtol=1e-3, atol=1e-3)
    # At timestep 19 the factor on the latent is 0.25 / (190² + 0.25).
    low = preconditioning.levels.sigmas[:1]
    shift = preconditioning.result(latent + 1, output, low) - preconditioning.result(latent, output, low)
    torch.testing.assert_close(
        shift.mean().item(), 190 / (190**2 + 0.25) ** 0.5 + 0.25 / (190**2 + 0.25), rtol=1e-5, atol=0
    )


def test_the_nearest_timestep_is_that_of_the_nearest_level() -> None:
    prediction = Prediction.make("eps")
    assert SigmaPreconditioning(prediction).nearest_timestep(prediction.levels.sigmas[500]) == 500
    assert TimestepPreconditioning(prediction).nearest_timestep(torch.tensor(499.7)) == 499
