"""Hypernetworks in the forms A1111 writes, against the same network built by torch."""

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from webui.core.errors import UnusableFile
from webui.diffusion.adapters.hypernetwork import HypernetworkAdapter, WeightedHypernetwork
from webui.models.files.hypernetworks import read_hypernetwork

CPU = torch.device("cpu")
WIDTH = 8


def reference(
    structure: list[int], activation: str | None, norm: bool, last: bool, dropout: bool
) -> nn.Sequential:
    """The chain as A1111 trains it: numbers of layers count activations, norms and dropout."""
    torch.manual_seed(len(structure))
    chain: list[nn.Module] = []
    for number, (inputs, outputs) in enumerate(pairwise(structure)):
        chain.append(nn.Linear(WIDTH * inputs, WIDTH * outputs))
        is_last = number == len(structure) - 2
        if activation and (not is_last or last):
            chain.append(getattr(nn, activation)())
        if norm:
            chain.append(nn.LayerNorm(WIDTH * outputs))
        if dropout and not is_last:
            chain.append(nn.Dropout(0.3))
    return nn.Sequential(*chain).eval().requires_grad_(False)


def table(chain: nn.Sequential) -> dict[str, Tensor]:
    return {f"linear.{name}": tensor for name, tensor in chain.state_dict().items()}


def written(path: Path, keys: nn.Sequential, values: nn.Sequential, **notes: object) -> Path:
    torch.save({WIDTH: (table(keys), table(values)), "name": path.stem, "step": 7} | notes, path)
    return path


@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize(
    ("activation", "name"),
    [(None, "linear"), (None, None), ("ReLU", "relu"), ("LeakyReLU", "leakyrelu"), ("Hardswish", "swish"),
     ("Tanh", "tanh"), ("Mish", "mish"), ("GELU", "gelu")],
)  # fmt: skip
@pytest.mark.parametrize("structure", [[1, 2, 1], [1, 2, 4, 2, 1], [1, 1]])
def test_every_structure_is_read(tmp_path, structure, activation, name, norm, last, dropout):
    keys, values = (reference(structure, activation, norm, last, dropout) for _ in range(2))
    path = written(
        tmp_path / "h.pt",
        keys,
        values,
        layer_structure=structure,
        activation_func=name,
        is_layer_norm=norm,
        activate_output=last,
        use_dropout=dropout,
    )
    made = read_hypernetwork(path, CPU)
    tokens = torch.randn(2, 5, WIDTH)
    torch.testing.assert_close(made.for_keys[WIDTH](tokens), keys(tokens))
    torch.testing.assert_close(made.for_values[WIDTH](tokens), values(tokens))


def test_the_first_files_names_are_read(tmp_path):
    first, second = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)
    tensors = {
        f"linear{number}.{name}": tensor.detach()
        for number, layer in ((1, first), (2, second))
        for name, tensor in layer.state_dict().items()
    }
    torch.save({WIDTH: (tensors, tensors)}, tmp_path / "old.pt")
    tokens = torch.randn(1, 3, WIDTH)
    made = read_hypernetwork(tmp_path / "old.pt", CPU)
    torch.testing.assert_close(made.for_keys[WIDTH](tokens), second(first(tokens)))


@pytest.mark.parametrize("content", [{"name": "x"}, [1], {WIDTH: ({}, {})}])
def test_a_file_without_layers_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "h.pt")
    with pytest.raises(UnusableFile):
        read_hypernetwork(tmp_path / "h.pt", CPU)


@pytest.mark.parametrize("name", ["nothing", "multiheadattention", "Module"])
def test_an_activation_that_is_none_is_refused(tmp_path, name):
    chain = reference([1, 1], None, False, False, False)
    with pytest.raises(UnusableFile):
        read_hypernetwork(written(tmp_path / "h.pt", chain, chain, activation_func=name), CPU)


class OneAttention(nn.Module):
    """Keys and values of the same tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.to_k, self.to_v = nn.Linear(WIDTH, 4), nn.Linear(WIDTH, 4)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        return self.to_k(tokens), self.to_v(tokens)


@torch.no_grad()
def test_keys_and_values_read_what_the_hypernetworks_give_one_after_the_other(tmp_path):
    chains = [reference([1, 2, 1], "ReLU", False, False, False) for _ in range(4)]
    for number, chain in enumerate(chains):
        for parameter in chain.parameters():
            parameter.mul_(number + 1)
    first, second = (
        read_hypernetwork(written(tmp_path / f"{n}.pt", chains[n], chains[n + 1], activation_func="relu",
                                  activate_output=False), CPU)
        for n in (0, 2)
    )  # fmt: skip
    network, tokens = OneAttention(), torch.randn(2, 5, WIDTH)
    plain = network(tokens)
    adapter = HypernetworkAdapter([WeightedHypernetwork(first, 0.5), WeightedHypernetwork(second, -1)])
    with adapter.attach(network):
        keys, values = network(tokens)
        once = tokens + 0.5 * chains[0](tokens)
        torch.testing.assert_close(keys, network.to_k.weight.new_tensor(0) + nn.functional.linear(
            once - chains[2](once), network.to_k.weight, network.to_k.bias))  # fmt: skip
        assert not torch.allclose(values, plain[1])
    assert all(torch.equal(*pair) for pair in zip(network(tokens), plain, strict=True))


def test_tokens_of_another_width_are_left_alone(tmp_path):
    chain = reference([1, 1], None, False, False, False)
    adapter = HypernetworkAdapter(
        [WeightedHypernetwork(read_hypernetwork(written(tmp_path / "h.pt", chain, chain), CPU), 1)]
    )
    network = nn.Module()
    network.to_k = network.to_v = nn.Linear(4, 4)
    tokens = torch.randn(1, 2, 4)
    expected = network.to_k(tokens)
    with adapter.attach(network):
        assert torch.equal(network.to_k(tokens), expected)
