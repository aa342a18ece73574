import sys

import pytest
import torch

from webui.core.errors import InvalidRequest
from webui.training.optimizers import make_optimizer

RATES = {"adamw": 0.05, "adafactor": 0.05, "prodigy": 1.0, "lion": 0.02}


@pytest.mark.parametrize("name", RATES)
def test_an_optimizer_finds_the_bottom_of_a_bowl(name):
    wanted = torch.tensor([0.7, -0.4])
    weight = torch.nn.Parameter(torch.zeros(2))
    optimizer = make_optimizer(name, [{"params": [weight], "lr": RATES[name]}], 0.0)
    for _ in range(300):
        optimizer.zero_grad()
        ((weight - wanted) ** 2).sum().backward()
        optimizer.step()
    assert torch.allclose(weight, wanted, atol=0.1)


@pytest.mark.parametrize(
    ("name", "package"), [("adamw8bit", "bitsandbytes"), ("prodigy", "prodigyopt"), ("lion", "lion_pytorch")]
)
def test_a_missing_package_is_named_with_what_to_do(name, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setitem(sys.modules, f"{package}.optim", None)
    weight = torch.nn.Parameter(torch.zeros(2))
    with pytest.raises(InvalidRequest, match=r"needs the package .*training.*adamw"):
        make_optimizer(name, [{"params": [weight], "lr": 1e-3}], 0.0)
