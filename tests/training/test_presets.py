"""What a run gets where it does not say."""

import pytest

from webui.core.work.training_run import Method, TrainingRun
from webui.training.facts import GIGABYTE, RunFacts
from webui.training.presets import ADAPTERS, explain, fill

SMALL = RunFacts(network=12_000_000, text=7_000_000, native=256, pictures=14)
SD15 = RunFacts(pictures=14, memory_bytes=24 * GIGABYTE)


def make_run(method: str, **values: object) -> TrainingRun:
    return TrainingRun.model_validate(
        {"method": method, "checkpoint": "c", "name": "n", "data": "d"} | values
    )


@pytest.mark.parametrize("facts", (SMALL, SD15))
@pytest.mark.parametrize("method", Method.__args__)
def test_four_fields_are_enough_and_each_other_value_has_its_reason(method, facts):
    run = make_run(method)
    whole, reasons = fill(run, facts), explain(run, facts)
    left = {name for name in type(run).model_fields if getattr(whole, name) is None}
    assert left <= {"epochs"}
    for name, reason in reasons.items():
        assert getattr(run, name) is None and reason.endswith("."), name


def test_what_a_run_says_stays():
    run = make_run("lora", conv_rank=0, steps=7, rate=0.5)
    whole = fill(run, SMALL)
    assert (whole.conv_rank, whole.steps, whole.rate) == (0, 7, 0.5)
    assert whole.text_rate == pytest.approx(0.25)
    assert not {"conv_rank", "steps", "rate"} & set(explain(run, SMALL))
    assert fill(make_run("lora", epochs=3), SMALL).steps is None


@pytest.mark.parametrize("method", sorted(ADAPTERS))
def test_adapters_of_small_networks_train_their_convolutions_too(method):
    assert fill(make_run(method), SMALL).conv_rank == 8
    assert bool(fill(make_run(method), SD15).conv_rank) is (method in {"locon", "loha", "lokr"})


@pytest.mark.parametrize("method", Method.__args__)
def test_small_networks_keep_what_they_knew_where_they_could_unlearn_it(method):
    could = method in ADAPTERS or method in {"dreambooth", "finetune", "hypernetwork"}
    weight = 4.0 if method in {"dreambooth", "finetune", "loha", "lokr", "hypernetwork"} else 2.0
    assert fill(make_run(method), SMALL).preserve == (weight if could else 0.0)
    assert not fill(make_run(method), SD15).preserve


def test_pictures_without_captions_are_called_by_the_runs_name():
    bare = RunFacts(pictures=3, captions=("", " "), network=SMALL.network)
    assert fill(make_run("lora"), bare).trigger == "n"
    assert fill(make_run("dreambooth"), bare).trigger == "n"
    assert fill(make_run("lora", trigger="zap"), bare).trigger == "zap"
    assert fill(make_run("lora", trigger=""), bare).trigger == ""
    assert fill(make_run("lora", goal="style"), bare).trigger == ""
    assert fill(make_run("hypernetwork"), bare).trigger == ""
    assert fill(make_run("lora"), RunFacts(pictures=3, captions=("", "a fox"))).trigger == ""


def steps_of(pictures: int, **values: object) -> int:
    steps = fill(make_run("lora", **values), RunFacts(pictures=pictures, network=SMALL.network)).steps
    assert steps is not None
    return steps


def test_more_pictures_take_more_steps_between_bounds():
    assert steps_of(2) < steps_of(14) < steps_of(99) == steps_of(9999)
    assert steps_of(14, batch_size=8) <= steps_of(14)
