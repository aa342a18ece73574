import pytest
import torch
from diffusers.optimization import get_scheduler

from webui.training.rates import RateCourse

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
