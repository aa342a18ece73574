import numpy as np
import pytest

from tests.golden_cases import GOLDENS
from webui.diffusion.philox import PhiloxGenerator

RNG = np.load(GOLDENS / "rng.npz")


@pytest.mark.parametrize("seed", [0, 1, 42, 2**32 - 1, 2**32 + 5, 2**40])
def test_three_draws_of_a_seed_are_exactly_those_of_the_golden(seed: int) -> None:
    generator = PhiloxGenerator(seed)
    for letter in "abc":
        expected = RNG[f"nv_{seed}_{letter}"]
        assert np.array_equal(generator.randn(expected.shape).numpy(), expected)


def test_the_upper_half_of_a_seed_matters() -> None:
    first, second = (PhiloxGenerator(seed).randn((64,)) for seed in (7, 7 + 2**32))
    assert not np.array_equal(first.numpy(), second.numpy())


def test_many_draws_are_normal() -> None:
    numbers = PhiloxGenerator(3).randn((4, 128, 128)).numpy()
    assert abs(numbers.mean()) < 0.01
    assert abs(numbers.std() - 1) < 0.01
