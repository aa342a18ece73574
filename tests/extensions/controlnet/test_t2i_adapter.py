"""T2I-Adapters of each kind, family and layout give what diffusers' own give."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from extensions.controlnet.networks.base import ControlCall
from extensions.controlnet.networks.t2i_adapter import load_t2i_adapter
from tests.extensions.controlnet.control_files import make_adapter, to_authors_adapter
from webui.plugins import UnusableFile

# Kind, channels, folding, channels of the picture; of the light kind diffusers repeats the last width.
KINDS = {
    "SD1": ("full_adapter", [32, 64, 96, 96], 8, 3),
    "SD1 grey": ("full_adapter", [32, 64, 96, 96], 8, 1),
    "SD1 light": ("light_adapter", [32, 64, 96], 8, 3),
    "SDXL": ("full_adapter_xl", [32, 64, 96, 96], 16, 3),
    "SDXL grey": ("full_adapter_xl", [32, 64, 96, 96], 16, 1),
    "Starter": ("full_adapter_xl", [32, 32, 64], 16, 3),
}
ROWS = 2


def make_call(height: int = 16, width: int = 24) -> ControlCall:
    """A call with a coloured hint."""
    generator = torch.Generator().manual_seed(5)
    hint = torch.rand(1, 3, height * 8, width * 8, generator=generator)
    latent = torch.randn(ROWS, 4, height, width, generator=generator)
    return ControlCall(latent, torch.tensor([500, 500]), torch.zeros(ROWS, 77, 8), None, hint)


@pytest.mark.parametrize("layout", ["diffusers", "without prefix", "authors"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_in_every_layout_equals_diffusers(kind: str, layout: str, tmp_path: Path) -> None:
    if (kind, layout) == ("Starter", "authors"):
        pytest.skip("two levels of one width: the authors' names do not tell where the second begins")
    network = make_adapter(*KINDS[kind])
    tensors = network.state_dict()
    if layout == "without prefix":
        tensors = {key.removeprefix("adapter."): value for key, value in tensors.items()}
    elif layout == "authors":
        tensors = to_authors_adapter(tensors, 2)
    save_file(tensors, tmp_path / "file")
    loaded = load_t2i_adapter(load_file(tmp_path / "file"), name="file", family=kind.split()[0])
    call = make_call()
    grey = KINDS[kind][3] == 1
    expected = network(call.hint.mean(1, keepdim=True) if grey else call.hint)
    residuals = loaded.evaluate(call)
    assert residuals.down == ()
    assert residuals.mid is None
    assert len(residuals.intrablock) == len(expected)
    for ours, theirs in zip(residuals.intrablock, expected, strict=True):
        torch.testing.assert_close(ours, theirs.expand_as(ours), atol=1e-4, rtol=1e-4)
        assert len(ours) == ROWS
    assert loaded.channels == tuple(feature.shape[1] for feature in expected)


@pytest.mark.parametrize("kind", ["SD1", "SDXL"])
def test_sides_that_do_not_fold_evenly_give_features_of_the_encoders_sizes(kind: str) -> None:
    loaded = load_t2i_adapter(make_adapter(*KINDS[kind]).state_dict(), name="file", family=kind)
    sizes = [tuple(each.shape[-2:]) for each in loaded.evaluate(make_call(13, 9)).intrablock]
    # A convolution with stride 2 leaves the larger half.
    assert sizes == ([(13, 9), (7, 5), (4, 3), (2, 2)] if kind == "SD1" else [(7, 5), (7, 5), (4, 3), (4, 3)])


def test_features_are_computed_anew_only_for_another_hint_or_size() -> None:
    loaded = load_t2i_adapter(make_adapter(*KINDS["SD1"]).state_dict(), name="file", family="SD1")
    call = make_call()
    first = loaded.evaluate(call).intrablock[0]
    assert loaded.evaluate(call).intrablock[0].data_ptr() == first.data_ptr()
    other = ControlCall(call.latent, call.timestep, call.crossattn, None, 1 - call.hint)
    assert not torch.equal(loaded.evaluate(other).intrablock[0], first)
    assert loaded.evaluate(make_call(8, 8)).intrablock[0].shape[-2:] == (8, 8)


def refusal(tensors: dict[str, Tensor]) -> str:
    """The sentence that refuses a file."""
    with pytest.raises(UnusableFile) as caught:
        load_t2i_adapter(tensors, name="a file", family="SD1")
    return str(caught.value)


def test_files_that_cannot_be_used_are_refused_in_a_sentence() -> None:
    whole = make_adapter(*KINDS["SD1"]).state_dict()
    without = {key: value for key, value in whole.items() if key != "adapter.body.1.in_conv.bias"}
    assert refusal(without) == (
        "a file is incomplete: adapter.body.1.in_conv.bias missing. Download the file again."
    )
    folded = whole | {"adapter.conv_in.weight": torch.zeros(32, 100, 3, 3)}
    assert "unknown architecture (100 is not known)" in refusal(folded)
    assert "unknown architecture" in refusal({"body.0.block1.weight": torch.zeros(32, 32, 3, 3)})
