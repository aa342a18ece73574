"""Hypernetworks: what is trained is what the file does, and the file is A1111's."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.golden_cases import GOLDENS
from tests.training.methods.trainables import (
    CHECKPOINTS,
    answer,
    load_networks,
    make_batch,
    make_run,
    take_steps,
)
from webui.core.errors import InvalidRequest
from webui.diffusion.adapters.hypernetwork import HypernetworkAdapter, WeightedHypernetwork
from webui.models.files.hypernetworks import read_hypernetwork
from webui.models.files.pickles import load_pickle
from webui.training.methods.hypernetwork import TrainableHypernetwork

STRUCTURES: tuple[dict[str, Any], ...] = (
    {},
    {"layers": (1, 2, 2, 1), "activation": "mish", "layer_norm": True, "dropout": 0.25},
    {"layers": (1, 1.5, 1), "activation": "swish"},
)


@pytest.mark.parametrize("checkpoint", CHECKPOINTS)
@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_saved_hypernetwork_does_what_was_trained(
    golden_models: Path, tmp_path: Path, checkpoint: str, structure: dict[str, Any]
) -> None:
    networks = load_networks(golden_models, checkpoint)
    trainable = TrainableHypernetwork(make_run("hypernetwork", **({"dropout": 0.0} | structure)), networks)
    begin = trainable.state()
    batch = make_batch()
    with torch.no_grad():
        before = answer(networks, trainable, batch)
    take_steps(networks, trainable)
    with torch.no_grad(), trainable.attach():
        trained = answer(networks, trainable, batch)
    with torch.no_grad():
        after = answer(networks, trainable, batch)
    assert all(map(torch.equal, before, after))
    assert any(not torch.equal(begin[name], each) for name, each in trainable.state().items())
    assert not torch.allclose(before[0], trained[0], atol=1e-5)
    path = tmp_path / "thing.pt"
    trainable.save(path, {"ss_steps": "12"})
    read = read_hypernetwork(path, networks.device)
    with torch.no_grad(), HypernetworkAdapter([WeightedHypernetwork(read, 1.0)]).attach(networks.unet):
        loaded = answer(networks, trainable, batch)
    torch.testing.assert_close(trained[0], loaded[0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ["hn-a", "hn-b"])
def test_a1111s_file_comes_back_as_it_was(golden_models: Path, tmp_path: Path, name: str) -> None:
    asset = GOLDENS / f"assets/hypernetworks/{name}.pt"
    theirs = load_pickle(asset)
    assert isinstance(theirs, dict)
    networks = load_networks(golden_models, "tiny-sd15")
    run = make_run(
        "hypernetwork",
        start_from=str(asset),
        layers=tuple(theirs["layer_structure"]),
        activation=theirs["activation_func"],
        layer_norm=theirs["is_layer_norm"],
    )
    trainable = TrainableHypernetwork(run.model_copy(update={"name": name}), networks)
    path = tmp_path / f"{name}.pt"
    trainable.save(path, {})
    ours = load_pickle(path)
    assert isinstance(ours, dict)
    assert list(ours) == list(theirs)
    for key, value in theirs.items():
        if isinstance(key, int):
            for mine, its in zip(ours[key], value, strict=True):
                assert list(mine) == list(its)
                assert all(map(torch.equal, mine.values(), its.values()))
        elif key != "weight_initialization":
            assert ours[key] == value, key


def test_layers_that_cannot_be_are_refused(golden_models: Path) -> None:
    networks = load_networks(golden_models, "tiny-sd15")
    with pytest.raises(InvalidRequest, match="1, 2, 1"):
        TrainableHypernetwork(make_run("hypernetwork", layers=(1, 2)), networks)
    asset = GOLDENS / "assets/hypernetworks/hn-a.pt"
    with pytest.raises(InvalidRequest, match="trained with"):
        TrainableHypernetwork(make_run("hypernetwork", layers=(1, 3, 1), start_from=str(asset)), networks)
