"""ControlNets of each kind, family and layout give what diffusers' own give."""

from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import ControlNetModel
from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint
from diffusers.models.embeddings import get_timestep_embedding
from safetensors.torch import load_file, save_file
from torch import Tensor

from extensions.controlnet.networks.base import ControlCall, Residuals
from extensions.controlnet.networks.controlnet import UNION_TASKS, load_controlnet
from tests.extensions.controlnet.control_files import (
    CONFIGURATIONS,
    NUMBER_WIDTH,
    NUMBERS,
    POOLED,
    SD1,
    make_controlnet,
    make_union,
    to_cldm,
)
from webui.plugins import UnusableFile

TOLERANCE = 1e-4
ROWS = 2
LAYOUTS = ("diffusers", "cldm", "cldm without prefix")


def family_of(configuration: str) -> str:
    """The family that the catalog would tell."""
    return "SD1" if configuration == "Starter" else configuration.split()[0]


def random(*shape: int, seed: int) -> Tensor:
    """Numbers of a normal distribution."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def make_call(network: Any, height: int = 8, width: int = 12, **changes: Any) -> ControlCall:
    """A call that fits a diffusers ControlNet's configuration."""
    config = network.config
    vector = None
    if config.addition_embed_type == "text_time":
        numbers = torch.arange(ROWS * NUMBERS).float() * 37
        embedded = get_timestep_embedding(numbers, NUMBER_WIDTH, flip_sin_to_cos=True, downscale_freq_shift=0)
        vector = torch.cat([random(ROWS, POOLED, seed=3), embedded.view(ROWS, -1)], 1)
    call = {
        "latent": random(ROWS, config.in_channels, height, width, seed=1),
        "timestep": torch.tensor([801.0, 17.5]),
        "crossattn": random(ROWS, 77, config.cross_attention_dim, seed=2),
        "vector": vector,
        "hint": random(1, 3, height * 8, width * 8, seed=4).sigmoid(),
    }
    return ControlCall(**(call | changes))


def diffusers_vector(call: ControlCall) -> dict[str, Tensor] | None:
    """What diffusers makes SDXL's vector of."""
    if call.vector is None:
        return None
    numbers = (torch.arange(ROWS * NUMBERS).float() * 37).view(ROWS, NUMBERS)
    return {"text_embeds": call.vector[:, :POOLED], "time_ids": numbers}


def assert_same(residuals: Residuals, down: Any, mid: Tensor) -> None:
    """All residuals equal within the tolerance, and none is empty."""
    assert residuals.mid is not None
    assert len(residuals.down) == len(down)
    for ours, theirs in zip((*residuals.down, residuals.mid), (*down, mid), strict=True):
        torch.testing.assert_close(ours, theirs, atol=TOLERANCE, rtol=TOLERANCE)
        assert theirs.abs().max() > 0


def write(tensors: dict[str, Tensor], layout: str, blocks: int, path: Path) -> Path:
    """The tensors in a layout as a file."""
    if layout != "diffusers":
        tensors = to_cldm(tensors, blocks, "control_model." if layout == "cldm" else "")
    save_file(tensors, path)
    return path


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_family_in_every_layout_equals_diffusers(name: str, layout: str, tmp_path: Path) -> None:
    network = make_controlnet(CONFIGURATIONS[name])
    path = write(network.state_dict(), layout, CONFIGURATIONS[name]["layers_per_block"], tmp_path / "file")
    loaded = load_controlnet(load_file(path), name="file", family=family_of(name))
    call = make_call(network)
    down, mid = network(
        call.latent, call.timestep, call.crossattn, call.hint,
        added_cond_kwargs=diffusers_vector(call), return_dict=False,
    )  # fmt: skip
    assert_same(loaded.evaluate(call), down, mid)
    assert loaded.size_bytes == sum(tensor.nbytes for tensor in network.state_dict().values())


def test_the_authors_names_are_read_as_diffusers_converter_reads_them() -> None:
    network = make_controlnet(SD1)
    tensors = to_cldm(network.state_dict(), SD1["layers_per_block"])
    theirs = ControlNetModel(**SD1)
    theirs.load_state_dict(convert_controlnet_checkpoint(tensors, SD1))
    ours = load_controlnet(tensors, name="file", family="SD1")
    call = make_call(network)
    down, mid = theirs(call.latent, call.timestep, call.crossattn, call.hint, return_dict=False)
    assert_same(ours.evaluate(call), down, mid)


@pytest.mark.parametrize("tasks", [6, 8])
def test_a_union_network_reads_each_kind_of_picture_as_diffusers(tasks: int) -> None:
    network = make_union(tasks)
    loaded = load_controlnet(network.state_dict(), name="file", family="SDXL")
    assert set(loaded.tasks) == {name for name, number in UNION_TASKS.items() if number < tasks}
    found = {}
    for task in ("openpose", "canny", loaded.tasks[-1]):
        call = make_call(network, task=task)
        chosen = torch.zeros(ROWS, tasks)
        chosen[:, UNION_TASKS[task]] = 1
        hint = call.hint.expand(ROWS, -1, -1, -1)
        down, mid = network(
            call.latent, call.timestep, call.crossattn, [hint], chosen, [UNION_TASKS[task]],
            added_cond_kwargs=diffusers_vector(call), return_dict=False,
        )  # fmt: skip
        found[task] = loaded.evaluate(call)
        assert_same(found[task], down, mid)
    assert not torch.equal(found["openpose"].down[0], found["canny"].down[0])


def test_a_network_for_inpainting_checkpoints_takes_all_channels_others_the_first_four() -> None:
    network = make_controlnet(SD1)
    loaded = load_controlnet(network.state_dict(), name="file", family="SD1")
    call = make_call(network)
    nine = make_call(network, latent=torch.cat([call.latent, random(ROWS, 5, 8, 12, seed=9)], 1))
    assert torch.equal(loaded.evaluate(nine).down[3], loaded.evaluate(call).down[3])
    network = make_controlnet(CONFIGURATIONS["SD1 inpainting"])
    inpainting = load_controlnet(network.state_dict(), name="the file", family="SD1")
    with pytest.raises(UnusableFile, match="the file was trained for inpainting checkpoints"):
        inpainting.evaluate(call)


def test_a_shuffle_network_says_the_same_of_all_places() -> None:
    network = make_controlnet(SD1)
    call = make_call(network)
    network.register_to_config(global_pool_conditions=True)
    down, mid = network(call.latent, call.timestep, call.crossattn, call.hint, return_dict=False)
    loaded = load_controlnet(network.state_dict(), name="file", family="SD1", pools_globally=True)
    pooled = loaded.evaluate(call)
    assert_same(pooled, [each.expand_as(ours) for each, ours in zip(down, pooled.down, strict=True)],
                mid.expand_as(pooled.mid))  # fmt: skip


def test_a_latent_whose_sides_do_not_halve_evenly_gets_residuals_of_the_networks_own_sizes() -> None:
    network = make_controlnet(SD1)
    loaded = load_controlnet(network.state_dict(), name="file", family="SD1")
    call = make_call(network, height=7, width=11)
    down, mid = network(call.latent, call.timestep, call.crossattn, call.hint, return_dict=False)
    assert_same(loaded.evaluate(call), down, mid)


def test_half_precision_weights_answer_in_half_precision() -> None:
    network = make_controlnet(SD1)
    call = make_call(network)
    wide = load_controlnet(network.state_dict(), name="file", family="SD1")
    half = load_controlnet(network.state_dict(), name="file", family="SD1", dtype=torch.bfloat16)
    assert half.size_bytes * 2 == wide.size_bytes
    found = half.evaluate(call).down[-1]
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), wide.evaluate(call).down[-1], atol=0.1, rtol=0.1)


def refusal(tensors: dict[str, Tensor]) -> str:
    """The sentence that refuses a file."""
    with pytest.raises(UnusableFile) as caught:
        load_controlnet(tensors, name="a file", family="SD1")
    return str(caught.value)


def test_files_that_cannot_be_used_are_refused_in_a_sentence() -> None:
    whole = make_controlnet(SD1).state_dict()
    without = {key: value for key, value in whole.items() if "controlnet_mid_block" not in key}
    assert refusal(without).startswith("a file is incomplete: controlnet_mid_block.bias")
    assert refusal({}).startswith("a file is incomplete")
    bent = whole | {"down_blocks.1.resnets.1.conv2.weight": torch.zeros(64, 32, 3, 3)}
    assert "unknown architecture: down_blocks.1.resnets.1.conv2.weight" in refusal(bent)
    odd = whole | {"down_blocks.0.resnets.0.conv1.weight": torch.zeros(33, 32, 3, 3)}
    assert "unknown architecture" in refusal(odd)
    assert "only the difference" in refusal(whole | {"difference": torch.zeros(())})


def test_a_network_of_another_width_than_the_checkpoint_is_refused_in_a_sentence() -> None:
    loaded = load_controlnet(make_controlnet(SD1).state_dict(), name="canny", family="SD1")
    call = make_call(make_controlnet(SD1), crossattn=random(ROWS, 77, 128, seed=2))
    with pytest.raises(UnusableFile, match="whose text is 768 wide, not 128"):
        loaded.evaluate(call)
    union = load_controlnet(make_union(6).state_dict(), name="union", family="SDXL")
    with pytest.raises(
        UnusableFile, match=r"does not know the kind of picture 'tile'\. Choose one of: openp"
    ):
        union.evaluate(make_call(make_union(6), task="tile"))
