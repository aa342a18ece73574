import numpy as np
import pytest
import torch

from tests.golden_cases import GOLDENS
from webui.diffusion.noise import ImageNoise, NoiseOptions, NoiseSourceName, draw_noise, make_generator, slerp

RNG = np.load(GOLDENS / "rng.npz")
CPU = torch.device("cpu")
SHAPE = (4, 16, 24)
SEEDS = (42, 43)
VARIATION_SEEDS = (100, 101)
# What the goldens were drawn with.
SEQUENCES = {
    "plain": {},
    "sub": {"variation_seeds": VARIATION_SEEDS, "variation_strength": 0.3},
    "resize": {"resize_from": (8, 24)},
    "both": {"variation_seeds": VARIATION_SEEDS, "variation_strength": 0.3, "resize_from": (24, 8)},
    "ensd": {"seed_delta": 31337},
}


@pytest.mark.parametrize("seed", [0, 1, 42, 2**32 - 1, 2**32 + 5, 2**40])
def test_three_draws_on_the_processor_are_exactly_those_of_the_golden(seed: int) -> None:
    for source in ("CPU", "GPU"):
        generator = make_generator(source, seed, CPU)
        for letter in "abc":
            expected = RNG[f"cpu_{seed}_{letter}"]
            assert np.array_equal(generator.randn(expected.shape).numpy(), expected)


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("source", ["CPU", "NV"])
def test_the_noises_of_a_batch_are_those_of_the_golden(source: NoiseSourceName, sequence: str) -> None:
    noise = ImageNoise(SHAPE, SEEDS, NoiseOptions(source=source, **SEQUENCES[sequence]), CPU)
    keys = [key for key in RNG.files if key.startswith(f"imagerng_{source}_{sequence}_")]
    assert keys
    for key in keys:
        np.testing.assert_allclose(noise.draw().numpy(), RNG[key], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("source", ["CPU", "NV"])
def test_brownian_noise_is_that_of_the_golden(source: NoiseSourceName) -> None:
    sigmas = torch.tensor(RNG["brownian_sigmas"])
    noise = ImageNoise((4, 16, 16), SEEDS, NoiseOptions(source=source), CPU)
    brownian = noise.brownian(float(sigmas[sigmas > 0].min()), float(sigmas.max()))
    for i, expected in enumerate(RNG[f"brownian_{source}_seq"]):
        np.testing.assert_allclose(brownian(sigmas[i], sigmas[i + 1]).numpy(), expected, rtol=1e-6, atol=1e-6)


def test_every_entry_of_the_golden_is_tried() -> None:
    tried = ("nv_", "cpu_", "imagerng_CPU_", "imagerng_NV_", "brownian_")
    assert all(key.startswith(tried) for key in RNG.files)
    sequences = {key.split("_")[2] for key in RNG.files if key.startswith("imagerng_")}
    assert sequences == set(SEQUENCES)


def test_a_picture_has_the_same_noise_in_any_batch() -> None:
    together = ImageNoise(SHAPE, (7, 8, 9), NoiseOptions(), CPU)
    alone = ImageNoise(SHAPE, (8,), NoiseOptions(), CPU)
    for _ in range(3):
        assert torch.equal(together.draw()[1], alone.draw()[0])


def test_ensd_changes_all_noise_but_the_first() -> None:
    plain, moved = (ImageNoise(SHAPE, SEEDS, NoiseOptions(seed_delta=delta), CPU) for delta in (0, 31337))
    assert torch.equal(plain.draw(), moved.draw())
    assert not torch.equal(plain.draw(), moved.draw())


def test_a_variation_of_strength_one_is_the_other_seed() -> None:
    options = NoiseOptions(variation_seeds=(9,), variation_strength=1.0)
    other = ImageNoise(SHAPE, (9,), NoiseOptions(), CPU).draw()
    torch.testing.assert_close(ImageNoise(SHAPE, (5,), options, CPU).draw(), other, rtol=1e-4, atol=1e-5)


def test_a_variation_keeps_the_length_of_every_column() -> None:
    low, high = torch.randn(SHAPE), torch.randn(SHAPE)
    low, high = (noise / noise.norm(dim=1, keepdim=True) for noise in (low, high))
    torch.testing.assert_close(slerp(0.4, low, high).norm(dim=1), torch.ones(4, 24), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [(8, 8), (32, 40), (8, 40), (15, 23)])
def test_a_resized_seed_shows_the_noise_of_the_other_size_in_the_middle(size: tuple[int, int]) -> None:
    resized = ImageNoise(SHAPE, (5,), NoiseOptions(resize_from=size), CPU).draw()[0]
    original = draw_noise("NV", 5, (4, *size), CPU)
    height, width = min(size[0], 16) // 2 * 2, min(size[1], 24) // 2 * 2
    # Even sizes have one middle; of odd ones the middle of the smaller square is looked at.
    cut = original[:, size[0] // 2, size[1] // 2]
    assert any(torch.equal(resized[:, y, x], cut) for y in range(7, 10) for x in range(11, 14))
    inside = (resized.reshape(4, -1)[0, :, None] == original.reshape(4, -1)[0]).any(dim=1).sum()
    assert inside >= (height - 1) * (width - 1)


def test_the_largest_seed_can_be_drawn_from_with_any_source() -> None:
    for source in ("CPU", "NV", "GPU"):
        noise = ImageNoise(SHAPE, (2**64 - 1,), NoiseOptions(source=source, seed_delta=31337), CPU)
        assert noise.draw().isfinite().all()
        assert noise.draw().isfinite().all()


def test_brownian_noise_for_a_whole_batch_depends_on_the_batch_and_only_on_it() -> None:
    sigmas = torch.tensor([14.0, 7.0])

    def first(seeds: tuple[int, ...]) -> torch.Tensor:
        noise = ImageNoise(SHAPE, seeds, NoiseOptions(), CPU)
        return noise.brownian(0.03, 14.6, is_per_image=False)(*sigmas)

    assert torch.equal(first((1, 2)), first((1, 2)))
    assert first((1, 2)).shape == (2, *SHAPE)
    assert not torch.equal(first((1, 2))[0], first((1,))[0])
