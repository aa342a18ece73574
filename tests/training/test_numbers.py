"""Half precision and the running average: what they change, and that a resumed run goes on with them."""

import pytest
import torch
from torch import nn

from tests.training.runs import (
    context_in,
    draw_pictures,
    equal_files,
    final_file,
    folder_of,
    make_run,
    run_all,
)
from webui.core.events import TrainingProgress
from webui.core.stop import Stop
from webui.training.average import RunningAverage
from webui.training.run import train
from webui.training.state import StateFiles


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return draw_pictures(tmp_path_factory.mktemp("data") / "things")


def test_the_running_average_follows_its_formula_and_gives_the_weights_back():
    parameter = nn.Parameter(torch.zeros(3))
    average, expected = RunningAverage([parameter], 0.9), torch.zeros(3)
    for step in range(1, 30):
        parameter.data.add_(torch.rand(3))
        average.update(step)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * parameter.data
    before = parameter.data.clone()
    with average.applied():
        torch.testing.assert_close(parameter.data, expected)
    assert torch.equal(parameter.data, before)


@pytest.mark.parametrize("changes", [{"precision": "fp16"}, {"precision": "bf16", "ema": 0.5}])
def test_a_run_in_16_bits_goes_on_to_the_same_bits(tmp_path, golden_models, data, changes):
    run, stop = make_run(data, steps=3, **changes), Stop()
    whole = final_file(run_all(run, context_in(tmp_path / "whole", golden_models)))
    for event in train(run, context_in(tmp_path, golden_models, stop)):
        if isinstance(event, TrainingProgress) and event.step == 1:
            stop.stop()
    state = StateFiles(folder_of(tmp_path, run).state).load()
    assert state is not None
    # In fp16 the scale of the loss and how long it has held go along; bf16 needs none.
    scaler = state["scaler"]
    assert (scaler.get("scale", 0) > 0) == (run.precision == "fp16")
    assert len(state["average"]) == (len(state["trainable"]) if run.ema else 0)
    assert equal_files(final_file(run_all(run, context_in(tmp_path, golden_models))), whole)
