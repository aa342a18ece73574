"""LoRA block weights: how they are written, and what they do to each layer's weight."""

import re

import pytest
import torch

from extensions.lora_blocks.blocks import ALL_BLOCKS, BLOCKS_BY_COUNT, layers_of, read_presets, read_weights
from extensions.lora_blocks.reading import read_choice
from tests.models.loras import lora_file, matrices, random_lora
from tests.models.small_checkpoints import NARROW, model_file, small_checkpoint, write
from tests.pipelines.runs import digest_of
from webui.core.model_file import Family
from webui.models.cpu.precision import EXACT
from webui.models.loaded_model import LoadedModel
from webui.models.loader import load
from webui.models.loras.lora import WeightedLora
from webui.prompts.networks import find_networks

LISTS = {count: [round(0.1 * place - 0.4, 2) for place in range(count)] for count in BLOCKS_BY_COUNT}


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> LoadedModel:
    path = write(tmp_path_factory.mktemp("models") / "small.safetensors", small_checkpoint(NARROW))
    return load(model_file(path), EXACT, torch.device("cpu"))


@pytest.fixture(scope="module")
def tensors(model):
    return random_lora(matrices(model))


@pytest.fixture
def lora(model, tensors, tmp_path):
    return model.networks.lora(lora_file(tmp_path / "all.safetensors", tensors, Family.SD1))


def modules_of(model: LoadedModel) -> list[torch.nn.Module]:
    return [model.network.unet, *(tower.text_model for tower in model.text_encoder.towers)]


def block_of(name: str, original: str) -> str:
    """The block of a layer by its kohya name, and that in the original code."""
    if name.startswith("lora_te"):
        return "BASE"
    found = re.match(r"(input|output|middle)_blocks?\.?(\d+)?", original)
    if found is None:
        return "none"
    number = int(found[2] or 0)
    return {"input": f"IN{number:02}", "output": f"OUT{number:02}", "middle": "MID"}[found[1]]


@pytest.mark.parametrize("count", BLOCKS_BY_COUNT)
def test_each_layer_has_its_blocks_share(model, lora, tensors, count):
    numbers = dict(zip(BLOCKS_BY_COUNT[count], LISTS[count], strict=True))
    layers = layers_of(read_weights(",".join(map(str, LISTS[count])), {}))
    model.networks.use(())
    names = {"lora_unet_" + name.replace(".", "_"): name for name, _ in model.network.unet.named_modules()}
    text = dict(model.text_encoder.towers[0].text_model.named_modules())
    names |= {"lora_te_text_model_" + name.replace(".", "_"): name for name in text}
    layers_by_name = {
        key: (model.network.unet.get_submodule(names[key]) if "unet" in key else text[names[key]])
        for key in matrices(model)
    }
    before = {key: layer.weight.detach().clone() for key, layer in layers_by_name.items()}
    digest = digest_of(modules_of(model))
    model.networks.use([WeightedLora(lora, 0.8, 0.7, None, layers)])
    for key, layer in layers_by_name.items():
        original = model.network.original_names.get(names[key], "")
        block = block_of(key, original)
        share = numbers.get(block, 1.0 if block == "none" else 0.0) * (0.8 if block == "BASE" else 0.7)
        up, down = tensors[f"{key}.lora_up.weight"], tensors[f"{key}.lora_down.weight"]
        delta = (up.flatten(1) @ down.flatten(1)).reshape(before[key].shape) / len(down)
        assert torch.allclose(layer.weight, before[key] + share * delta, atol=1e-5), (key, block)
    model.networks.use(())
    assert digest_of(modules_of(model)) == digest


@pytest.mark.parametrize(
    "written", ["ALL", "all", ",".join(["1"] * 17), ",".join(["1.0"] * 26), ",".join("1" * 12)]
)
def test_all_ones_are_the_plain_lora(model, lora, written):
    model.networks.use([WeightedLora(lora, 1.0, 1.0)])
    plain = digest_of(modules_of(model))
    assert layers_of(read_weights(written, {})) == ()
    model.networks.use([WeightedLora(lora, 1.0, 1.0, None, layers_of(read_weights(written, {})))])
    assert digest_of(modules_of(model)) == plain
    model.networks.use([WeightedLora(lora, 1.0, 1.0, None, layers_of(read_weights("OUTALL", {})))])
    assert digest_of(modules_of(model)) != plain


def test_sets_are_those_that_artists_know():
    sets = {
        "NONE": "0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0",
        "INS": "1,1,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0",
        "IND": "1,0,0,0,1,1,1,0,0,0,0,0,0,0,0,0,0",
        "INALL": "1,1,1,1,1,1,1,0,0,0,0,0,0,0,0,0,0",
        "MIDD": "1,0,0,0,1,1,1,1,1,1,1,1,0,0,0,0,0",
        "OUTD": "1,0,0,0,0,0,0,0,1,1,1,1,0,0,0,0,0",
        "OUTS": "1,0,0,0,0,0,0,0,0,0,0,0,1,1,1,1,1",
        "OUTALL": "1,0,0,0,0,0,0,0,1,1,1,1,1,1,1,1,1",
    }
    for name, numbers in sets.items():
        of_list, of_set = read_weights(numbers, {}), read_weights(name.lower(), {})
        assert {block: of_set.get(block, 0.0) for block in BLOCKS_BY_COUNT[17]} == of_list


def test_own_sets_come_from_the_file(tmp_path):
    (tmp_path / "lbwpresets.txt").write_text(
        "# mine\nSOFT:0.5" + ",0.5" * 16 + "\nALIAS:outall\n\nbroken\n", "utf-8"
    )
    presets = read_presets([tmp_path, tmp_path / "none"])
    assert read_weights("soft", presets)["MID"] == 0.5
    assert read_weights("ALIAS", presets)["OUT05"] == 1.0
    with pytest.raises(ValueError, match="SOFT, ALIAS, ALL"):
        read_weights("HARD", presets)


def read(prompt: str):
    (choice,) = find_networks(prompt).loras
    return read_choice(choice, {})


def test_marks_are_read_as_the_community_writes_them():
    plain = read("<lora:a:0.8>").choice
    assert (plain.layers, plain.steps) == ((), None)
    named = read("<lora:a:0.8:lbw=OUTALL:start=2:stop=8>").choice
    assert (named.text_weight, named.unet_weight, named.steps) == (0.8, 0.8, (2, 8))
    assert dict(named.layers)["output_blocks.3."] == 1.0
    assert read("<lora:a:0.8:OUTALL:step=2-8>").choice == read(
        "<lora:a:0.8:OUTALL:start=2:stop=8>"
    ).choice.__class__(
        **{**{name: getattr(named, name) for name in named.__slots__}, "named": (("step", "2-8"),)}
    )
    listed = read("<lora:a:1:0.5:" + ",".join("0" * 17) + ">").choice
    assert (listed.text_weight, listed.unet_weight) == (1.0, 0.5)
    assert {weight for _, weight in listed.layers} == {0.0}
    assert len(listed.layers) == len(ALL_BLOCKS)


@pytest.mark.parametrize(
    ("mark", "sentence"),
    [
        ("lbw=0,1,2", "there are 3 block weights"),
        ("lbw=SOMETHING", "no set of block weights named"),
        ("lbw=" + ",".join(["x"] * 17), "are no block weights"),
        ("lbw=" + ",".join(["inf"] * 17), "are no block weights"),
        ("step=5", "no range of steps"),
        ("start=soon", "is no step"),
    ],
)
def test_what_cannot_be_read_is_told_and_left_out(mark, sentence):
    found = read(f"<lora:a:1:{mark}>")
    assert sentence in found.warnings[0]
    assert (found.choice.layers, found.choice.steps) == ((), None)
