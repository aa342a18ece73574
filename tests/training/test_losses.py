import pytest
import torch

from webui.diffusion.prediction import Prediction
from webui.training.losses import NoiseRecipe, measure_errors, snr_of

ALL = torch.arange(1000)


def alphas(prediction):
    return prediction.alphas_cumprod.double()


@pytest.mark.parametrize("kind", ["eps", "v"])
def test_min_snr_weights_are_those_of_hang_et_al(kind):
    prediction = Prediction.make(kind)
    snr = alphas(prediction) / (1 - alphas(prediction))
    capped = torch.minimum(snr, torch.full_like(snr, 5.0))
    wanted = capped / snr if kind == "eps" else capped / (snr + 1)
    found = NoiseRecipe(0, min_snr_gamma=5.0).weigh(prediction, ALL)
    assert torch.allclose(found.double(), wanted, rtol=1e-4)


def test_the_two_forms_of_min_snr_weigh_the_error_of_the_clean_picture_alike():
    """Both are min(SNR, gamma) on the error of x0: eps counts SNR of it, v SNR + 1."""
    recipe, eps, v = NoiseRecipe(0, min_snr_gamma=5.0), Prediction.make("eps"), Prediction.make("v")
    snr = snr_of(eps, ALL)
    assert torch.allclose(recipe.weigh(eps, ALL) * snr, recipe.weigh(v, ALL) * (snr + 1), rtol=1e-4)


def test_debiased_weights_are_one_over_the_root_of_snr():
    prediction = Prediction.make("eps")
    snr = (alphas(prediction) / (1 - alphas(prediction))).clamp(max=1000)
    found = NoiseRecipe(0, debiased=True).weigh(prediction, ALL)
    assert torch.allclose(found.double(), snr.rsqrt(), rtol=1e-4)


@pytest.mark.parametrize("options", [{"min_snr_gamma": 5.0}, {"debiased": True}])
def test_weights_are_numbers_on_zero_terminal_snr(options):
    prediction = Prediction.make("v", zero_terminal_snr=True)
    assert NoiseRecipe(0, **options).weigh(prediction, ALL).isfinite().all()


def test_timesteps_lie_between_the_bounds_and_reach_both():
    drawn = NoiseRecipe(3, min_timestep=10, max_timestep=13).draw_timesteps(0, 1000)
    assert set(drawn.tolist()) == {10, 11, 12, 13}


def test_noise_depends_on_its_place_alone():
    recipe = NoiseRecipe(1, offset=0.1, pyramid_levels=4, pyramid_discount=0.5)
    shape = torch.Size((2, 4, 16, 16))
    first = recipe.draw_noise(5, shape)
    torch.manual_seed(99)
    recipe.draw_noise(6, shape)
    assert torch.equal(recipe.draw_noise(5, shape), first)
    assert not torch.equal(recipe.draw_noise(6, shape), first)


def test_drawing_noise_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    wanted = torch.randn(3)
    torch.manual_seed(5)
    NoiseRecipe(1, offset=0.1, pyramid_levels=4, pyramid_discount=0.5).draw_noise(0, torch.Size((1, 4, 8, 8)))
    assert torch.equal(torch.randn(3), wanted)


def test_offset_noise_moves_whole_channels():
    shape = torch.Size((64, 4, 16, 16))
    plain, moved = NoiseRecipe(1).draw_noise(0, shape), NoiseRecipe(1, offset=0.5).draw_noise(0, shape)
    shift = moved - plain
    assert torch.allclose(shift, shift[:, :, :1, :1].expand_as(shift), atol=1e-6)
    assert shift[:, :, 0, 0].std() == pytest.approx(0.5, rel=0.15)


def test_pyramid_noise_has_unit_variance_and_is_coarser():
    shape = torch.Size((8, 4, 64, 64))
    plain = NoiseRecipe(1).draw_noise(0, shape)
    coarse = NoiseRecipe(1, pyramid_levels=6, pyramid_discount=0.8).draw_noise(0, shape)
    assert coarse.std() == pytest.approx(1.0, abs=1e-4)
    assert coarse.mean(dim=(2, 3)).std() > 3 * plain.mean(dim=(2, 3)).std()


def test_masked_pixels_count_nothing():
    output, target = torch.zeros(2, 4, 8, 8), torch.ones(2, 4, 8, 8)
    mask = torch.zeros(2, 1, 8, 8)
    mask[1, :, :4] = 1
    assert measure_errors(output, target, mask).tolist() == [0.0, 0.5]


def test_errors_are_the_mean_squared_error_of_each_picture():
    output, target = torch.randn(3, 4, 8, 8), torch.randn(3, 4, 8, 8)
    wanted = [torch.nn.functional.mse_loss(output[i], target[i]).item() for i in range(3)]
    assert measure_errors(output, target).tolist() == pytest.approx(wanted, rel=1e-5)
