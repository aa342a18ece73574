"""Soft inpainting: percentiles by weight, and where the original is kept."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from webui.core.request_parts import SoftInpainting
from webui.diffusion.inpaint import LatentMask, MaskBlend
from webui.diffusion.soft_inpainting import SoftBlend, mix_latents
from webui.pipelines.img2img.soft_overlay import REACH, measure_change, weighted_percentiles, window_weights


def slow_percentiles(plane, low, high, width=1.0):
    """The definition, one pixel at a time."""
    weights, result = window_weights(), np.empty_like(plane)
    for y, x in np.ndindex(plane.shape):
        reach = range(-REACH, REACH + 1)
        stack = [
            (plane[y + dy, x + dx], weights[dy + REACH, dx + REACH])
            for dy in reach
            for dx in reach
            if 0 <= y + dy < plane.shape[0] and 0 <= x + dx < plane.shape[1]
        ]
        stack.sort()
        total = sum(weight for _, weight in stack)
        first, last = total * low, total * high
        if last - first < width:
            middle = (first + last) / 2
            first, last = middle - width / 2, middle + width / 2
            if last > total:
                first, last = total - width, total
            if first < 0:
                first, last = 0, width
        reached, value, covered = 0.0, 0.0, 0.0
        for level, weight in stack:
            share = max(min(last, reached + weight) - max(first, reached), 0)
            value, covered, reached = value + level * share, covered + share, reached + weight
        result[y, x] = value / covered
    return result


@given(st.integers(0, 2**32 - 1), st.sampled_from([(0.9, 1.0), (0.25, 0.75), (0.0, 0.1)]))
def test_percentiles_of_a_window_follow_their_definition(seed, shares):
    plane = np.random.default_rng(seed).random((6, 7))
    np.testing.assert_allclose(
        weighted_percentiles(plane, *shares), slow_percentiles(plane, *shares), atol=1e-9
    )


def test_where_nothing_changed_the_original_is_kept():
    before = torch.randn(4, 16, 16, generator=torch.Generator().manual_seed(1))
    after = before.clone()
    after[:, :, 8:] += 5
    mask = np.asarray(measure_change(before, after, np.ones((16, 16)), SoftInpainting(), (128, 128)))
    assert mask[64, 8] == 0
    assert mask[64, 120] > 250


def test_mixing_at_the_ends_gives_one_or_the_other():
    original, new = torch.randn(2, 4, 3, 3), torch.randn(2, 4, 3, 3)
    for share, expected in ((0.0, original), (1.0, new)):
        result = mix_latents(original, new, torch.full((1, 1, 3, 3), share), 4.0)
        torch.testing.assert_close(result, expected, atol=1e-4, rtol=1e-4)


def test_mixed_vectors_keep_their_length():
    original, new = torch.randn(1, 4, 8, 8), torch.randn(1, 4, 8, 8)
    lengths = [torch.linalg.vector_norm(each, dim=1) for each in (original, new)]
    result = torch.linalg.vector_norm(mix_latents(original, new, torch.full((1, 1, 8, 8), 0.5), 32.0), dim=1)
    # A high power comes near the longer of the two; linear mixing would be far shorter.
    assert (result > 0.9 * torch.maximum(*lengths)).all()


def test_the_blend_replaces_what_was_blended():
    latent, init = torch.ones(1, 4, 2, 2), torch.zeros(1, 4, 2, 2)
    mask = LatentMask(init, torch.zeros(1, 1, 2, 2))
    moment = MaskBlend(latent, mask, torch.tensor([1.0]), init)
    SoftBlend(1.0, 0.5, 4.0)(moment)
    torch.testing.assert_close(moment.blended, latent, atol=1e-4, rtol=1e-4)
