"""Torch's own functions of layers under A1111's names."""

from importlib import import_module

import pytest
import torch


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (torch.nn.Linear(4, 3), (2, 4)),
        (torch.nn.Conv2d(4, 3, 3, padding=1, padding_mode="circular"), (1, 4, 5, 5)),
        (torch.nn.GroupNorm(2, 4), (2, 4, 3)),
        (torch.nn.LayerNorm(4), (2, 4)),
    ],
)
def test_an_extension_that_replaces_a_layers_function_can_call_what_was_there(
    ready_host, monkeypatch, layer, shape
):
    kind, given = type(layer), torch.rand(shape)
    wanted = layer(given)
    networks = import_module("networks")
    own = getattr(networks.originals, f"{kind.__name__}_forward")
    monkeypatch.setattr(kind, "forward", lambda self, x: networks.network_forward(self, x, own) + 1)
    assert torch.equal(layer(given), wanted + 1)
    assert torch.equal(getattr(networks, f"network_{kind.__name__}_forward")(layer, given), wanted)
