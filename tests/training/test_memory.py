"""How much memory a run will take, before anything is loaded."""

import pytest

from tests.training.runs import context_in, draw_pictures, make_run
from webui.core.work.training_run import TrainingRun
from webui.library.files.headers import Header, read_header
from webui.models.cpu.precision import FULL
from webui.training.facts import GIGABYTE, RunFacts, read_facts
from webui.training.memory import MemoryNeed, estimate_memory
from webui.training.methods.registry import make_trainable
from webui.training.networks import TrainingNetworks
from webui.training.presets import fill


def need_of(header: Header, facts: RunFacts, tmp_path, **changes: object) -> MemoryNeed:
    values = {"method": "lora", "checkpoint": "c", "name": "n", "data": str(tmp_path)} | changes
    return estimate_memory(fill(TrainingRun.model_validate(values), facts), facts, header)


@pytest.fixture(scope="module")
def tiny(golden_models):
    return read_header(next(golden_models.rglob("tiny-sd15.safetensors")))


def test_each_part_grows_with_what_it_is_for(tiny, tmp_path):
    facts = RunFacts()
    lora = need_of(tiny, facts, tmp_path)
    assert need_of(tiny, facts, tmp_path, rank=64).trained == 4 * lora.trained
    assert need_of(tiny, facts, tmp_path, batch_size=4).activations == 2 * lora.activations
    assert need_of(tiny, facts, tmp_path, resolution=1024).activations == 4 * lora.activations
    assert need_of(tiny, facts, tmp_path, checkpointing=True).activations < lora.activations / 3
    assert need_of(tiny, facts, tmp_path, method="loha").trained > lora.trained
    assert need_of(tiny, facts, tmp_path, method="textual_inversion").trained < 1 << 20
    assert lora.weights > 4 * (facts.network + facts.text)


def test_a_whole_checkpoint_needs_gradients_and_the_optimizers_state(tiny, tmp_path):
    facts = RunFacts()
    adamw = need_of(tiny, facts, tmp_path, method="finetune", optimizer="adamw", train_text=True)
    assert adamw.trained == 12 * (facts.network + facts.text)
    kept = need_of(tiny, facts, tmp_path, method="finetune", optimizer="adamw", train_text=True, preserve=1)
    assert kept.trained == 16 * (facts.network + facts.text)
    lion = need_of(tiny, facts, tmp_path, method="finetune", optimizer="lion", train_text=True, ema=0.9)
    assert lion.trained == adamw.trained
    sentence = adamw.warn(fill(make_run(tmp_path), facts), RunFacts(memory_bytes=8 * GIGABYTE))
    assert "and there are 8.0 GiB. Choose the memory preset low" in sentence[0]
    assert adamw.warn(fill(make_run(tmp_path), facts), RunFacts(memory_bytes=64 * GIGABYTE)) == []


def test_a_lora_of_sd15_at_512_takes_what_was_measured(tiny, tmp_path):
    # benchmarks/README.md: 7.16 GiB with the U-Net alone; the text encoder and VAE are 0.8 more.
    found = need_of(tiny, RunFacts(), tmp_path, batch_size=1, precision="fp32")
    assert 6.5 * GIGABYTE < found.total < 9 * GIGABYTE


def test_numbers_of_a_lora_are_those_that_it_has(tiny, golden_models, tmp_path):
    context = context_in(tmp_path, golden_models)
    file = context.models.catalog.find_checkpoint("tiny-sd15")
    facts = read_facts(file)
    run = fill(make_run(draw_pictures(tmp_path / "pictures"), rank=3, save_format="fp32"), facts)
    networks = TrainingNetworks.load(file, context.models.device, FULL)
    groups = make_trainable(run, networks).groups
    real = sum(each.numel() for group in groups for each in group.parameters)
    assert estimate_memory(run, facts, tiny).trained == pytest.approx(16 * real, rel=0.1)
