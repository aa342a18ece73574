"""LoRA and its kin: what is trained is what the file does."""

from pathlib import Path

import pytest
import torch

from tests.models.small_checkpoints import model_file
from tests.training.methods.trainables import (
    CHECKPOINTS,
    answer,
    load_networks,
    make_batch,
    make_run,
    take_steps,
)
from webui.core.work.training_run import Method
from webui.models.loras.lora import WeightedLora
from webui.training.methods.registry import make_trainable

METHODS: tuple[Method, ...] = ("lora", "locon", "loha", "lokr", "dora")


@pytest.mark.parametrize("checkpoint", CHECKPOINTS)
@pytest.mark.parametrize("method", METHODS)
def test_a_saved_file_does_what_was_trained(
    golden_models: Path, tmp_path: Path, checkpoint: str, method: Method
) -> None:
    networks = load_networks(golden_models, checkpoint)
    trainable = make_trainable(make_run(method, conv_rank=2 if method != "lora" else 0), networks)
    batch = make_batch()
    with torch.no_grad():
        before = answer(networks, trainable, batch)
    take_steps(networks, trainable)
    with torch.no_grad(), trainable.attach():
        trained = answer(networks, trainable, batch)
    with torch.no_grad():
        after = answer(networks, trainable, batch)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert not torch.allclose(before[0], trained[0], atol=1e-3)
    assert not torch.allclose(before[1], trained[1], atol=1e-3)
    path = tmp_path / "thing.safetensors"
    trainable.save(path, {})
    lora = networks.model.networks.lora(model_file(path))
    assert lora.report.unmatched == ()
    networks.model.networks.use([WeightedLora(lora, 1.0, 1.0)])
    with torch.no_grad():
        loaded = answer(networks, trainable, batch)
    for mine, theirs in zip(trained, loaded, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-4)
