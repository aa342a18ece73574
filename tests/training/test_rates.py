import pytest
import torch
from diffusers.optimization import get_scheduler

from webui.core.errors import InvalidRequest
from webui.training.rates import (
    RateCourse,
    block_factor,
    parse_block_rates,
    parse_stepped_rates,
    stepped_rate,
)

RATE = 3e-4
NAMES = ("constant", "linear", "cosine", "cosine_with_restarts", "polynomial")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("warmup", [0, 7])
def test_a_course_goes_as_that_of_diffusers(name, warmup):
    steps, restarts, power = 53, 3, 2.0
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=RATE)
    theirs = get_scheduler(
        "constant_with_warmup" if name == "constant" else name,
        optimizer,
        num_warmup_steps=warmup,
        num_training_steps=steps,
        num_cycles=restarts,
        power=power,
    )
    ours = RateCourse(name, steps, warmup, restarts, power, RATE)
    for step in range(steps + 1):
        assert ours.factor(step) * RATE == pytest.approx(theirs.get_last_lr()[0], abs=1e-12), step
        optimizer.step()
        theirs.step()


def test_a1111s_rates_hold_up_to_their_steps():
    rates = parse_stepped_rates("0.005:100, 1e-3:1000, 1e-5")
    assert [stepped_rate(rates, step) for step in (0, 99, 100, 999, 1000, 10**6)] == [
        0.005, 0.005, 1e-3, 1e-3, 1e-5, 1e-5,
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["fast", "0.1:x", "-1", ""])
def test_rates_that_are_none_are_refused(text):
    with pytest.raises(InvalidRequest, match=r"0\.005:100"):
        parse_stepped_rates(text)


def test_the_longest_beginning_of_a_blocks_name_counts():
    factors = parse_block_rates("IN=0.5, in04=0, OUT05=2")
    assert [block_factor(factors, name) for name in ("IN00", "IN04", "OUT05", "M00", "")] == [0.5, 0, 2, 1, 1]
    with pytest.raises(InvalidRequest, match="takes a block and a factor"):
        parse_block_rates("MIDDLE=1")
