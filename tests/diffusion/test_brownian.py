import warnings

import pytest
import torch
import torchsde

from webui.diffusion.brownian import BrownianTree

SHAPE = (4, 6, 5)
ENTROPY = 1234567


def draw(seed: int) -> torch.Tensor:
    """As torchsde draws."""
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    "times",
    [
        [(0.03, 14.6)],
        [(9.0, 14.6), (5.0, 9.0), (1.0, 5.0), (0.2, 1.0), (0.03, 0.2)],
        [(3.0, 4.0), (0.5, 12.0), (3.5, 3.500001), (3.2, 3.9), (0.03, 0.030001)],
        [(-1.0, 2.0), (2.0, 99.0)],
        [(2.0, 2.0)],
    ],
)
def test_increments_are_bit_equal_to_torchsde(times: list[tuple[float, float]]) -> None:
    start, end = torch.tensor(0.029167533), torch.tensor(14.614642)
    theirs = torchsde.BrownianTree(start, torch.zeros(SHAPE), end, entropy=ENTROPY)
    ours = BrownianTree(float(start), float(end), ENTROPY, draw)
    with warnings.catch_warnings():
        # torchsde warns of times past the ends.
        warnings.simplefilter("ignore")
        for first, last in times:
            assert torch.equal(ours(first, last), theirs(first, last))


def test_a_path_does_not_depend_on_where_it_was_looked_at_before() -> None:
    asked, fresh = (BrownianTree(0.0, 10.0, ENTROPY, draw) for _ in range(2))
    for i in range(60):
        asked(i / 7, i / 7 + 0.05)
    assert torch.equal(asked(2.0, 3.0), fresh(2.0, 3.0))


def test_two_halves_add_up_to_the_whole() -> None:
    tree = BrownianTree(0.0, 10.0, ENTROPY, draw)
    torch.testing.assert_close(tree(1.0, 2.5) + tree(2.5, 7.0), tree(1.0, 7.0), rtol=1e-4, atol=1e-5)
