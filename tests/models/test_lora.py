"""LoRA files on checkpoints: every spelling of layers is found, and detaching is exact."""

import gzip
import hashlib
import json
import random
from pathlib import Path

import pytest
import torch

from tests.models.loras import lora_file, matrices, random_lora
from tests.models.small_checkpoints import NARROW, model_file, small_checkpoint, write
from webui.core.model_file import Family
from webui.models.cpu.packed_layers import can_pack
from webui.models.cpu.precision import EXACT, NumberFormats
from webui.models.loaded_model import LoadedModel
from webui.models.loader import load
from webui.models.loras.lora import WeightedLora, layer_names, load_lora, recipes
from webui.models.loras.lora_keys import layer_and_part
from webui.models.loras.patched_weights import PatchedWeights, Slot

CPU = torch.device("cpu")
HEADERS = Path(__file__).parents[1] / "headers"
UNET_LAYER = "down_blocks.1.attentions.0.transformer_blocks.0.attn1"
ORIGINAL_LAYER = "input_blocks.3.1.transformer_blocks.0.attn1"
# How trainers write one layer of the U-Net and one of the text encoder: before the layer's name, between its
# parts, the layers themselves, and the ends for down and up.
UNET_SPELLINGS = {
    "kohya": "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight",
    "kohya sdxl": "lora_unet_input_blocks_3_1_transformer_blocks_0_attn1_to_q.lora_down.weight",
    "diffusers": f"unet.{UNET_LAYER}.to_q.lora_A.weight",
    "diffusers old": f"unet.{UNET_LAYER}.processor.to_q_lora.down.weight",
    "diffusers older": f"{UNET_LAYER}.processor.to_q_lora.down.weight",
    "diffusers linear": f"unet.{UNET_LAYER}.to_q.lora.down.weight",
    "peft": f"base_model.model.{UNET_LAYER}.to_q.lora_A.weight",
    "peft adapter": f"base_model.model.{UNET_LAYER}.to_q.lora_A.default.weight",
    "onetrainer": f"lora_unet.{UNET_LAYER}.to_q.lora_down.weight",
    "ai-toolkit": f"diffusion_model.{ORIGINAL_LAYER}.to_q.lora_A.weight",
    "lycoris": "lycoris_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight",
}
TEXT_SPELLINGS = {
    "kohya": "lora_te_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight",
    "onetrainer": "lora_te1_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight",
    "diffusers": "text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_A.weight",
    "diffusers old": "text_encoder.text_model.encoder.layers.0.self_attn.to_q_lora.down.weight",
    "diffusers linear": "text_encoder.text_model.encoder.layers.0.self_attn.q_proj"
    ".lora_linear_layer.down.weight",
    "peft": "base_model.model.text_model.encoder.layers.0.self_attn.q_proj.lora_A.weight",
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    path = write(tmp_path_factory.mktemp("models") / "small.safetensors", small_checkpoint(NARROW))
    return load(model_file(path), EXACT, CPU)


@pytest.fixture(scope="module")
def names(model: LoadedModel):
    return layer_names(model.network, model.text_encoder, model.numbers.text)


@pytest.mark.parametrize("written", UNET_SPELLINGS.values(), ids=UNET_SPELLINGS)
def test_each_spelling_finds_the_unets_layer(written: str, names, model: LoadedModel):
    layer, part = layer_and_part(written)
    assert part == "down"
    assert names.find(layer).module is model.network.unet.get_submodule(f"{UNET_LAYER}.to_q")


@pytest.mark.parametrize("written", TEXT_SPELLINGS.values(), ids=TEXT_SPELLINGS)
def test_each_spelling_finds_the_text_encoders_layer(written: str, names, model: LoadedModel):
    layer, part = layer_and_part(written)
    text = model.text_encoder.towers[0].text_model
    assert part == "down"
    assert names.find(layer).module is text.get_submodule("encoder.layers.0.self_attn.q_proj")


def test_every_layer_is_found_by_its_name_in_diffusers_and_in_the_original_code(names, model: LoadedModel):
    for name, original in model.network.original_names.items():
        module = model.network.unet.get_submodule(name)
        if "weight" in module._parameters:
            for written in (f"lora_unet_{name}", f"lora_unet_{original}", f"unet.{name}"):
                assert names.find(written.replace(".", "_")).module is module


def test_no_part_of_a_name_is_taken_for_the_layers(names):
    assert layer_and_part("lora_unet_conv_in.lora_down.weight") == ("lora_unet_conv_in", "down")
    assert layer_and_part("a.alpha") == ("a", "alpha")
    assert layer_and_part("lora_unet_x.lora_magnitude_vector.default.weight") == ("lora_unet_x", "magnitude")
    assert layer_and_part("model.diffusion_model.out.2.bias_") is None
    assert names.find("lora_unet_nothing") is None


def test_what_fits_nowhere_is_told(tmp_path: Path, names):
    tensors = {
        "lora_unet_conv_in.diff": torch.zeros(3, 3),
        "lora_unet_elsewhere.lora_down.weight": torch.zeros(2, 2),
        "lora_unet_elsewhere.lora_up.weight": torch.zeros(2, 2),
        "not an adapter": torch.zeros(1),
    }
    lora = load_lora(lora_file(tmp_path / "odd.safetensors", tensors), names)
    assert not lora.changes
    assert lora.report.matched == 0
    assert set(lora.report.unmatched) == set(tensors)


def digest(model: LoadedModel) -> str:
    """Every weight and its format, as one number."""
    hasher = hashlib.sha256()
    for module in (model.network, *model.text_encoder.towers):
        for name, tensor in module.state_dict().items():
            hasher.update(f"{name}{tensor.dtype}".encode())
            hasher.update(tensor.contiguous().view(torch.uint8).numpy().tobytes())
    return hasher.hexdigest()


@pytest.fixture
def two_threads():
    """Weights are changed by as many threads as torch has."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_after_a_hundred_changes_detaching_leaves_every_weight_bit_equal(tmp_path: Path, dtype: torch.dtype):
    path = write(tmp_path / "small.safetensors", small_checkpoint(NARROW))
    model = load(model_file(path), NumberFormats(dtype, dtype, dtype, channels_last=False), CPU)
    before, parameters = digest(model), dict(model.network.named_parameters())
    shapes = matrices(model)
    some = dict(list(shapes.items())[::5])
    norms = {
        "lora_unet_conv_norm_out.w_norm": torch.ones(32),
        "lora_unet_conv_norm_out.b_norm": torch.ones(32),
    }
    added_bias = {f"{next(n for n in shapes if n.endswith('attn1_to_q'))}.diff_b": torch.ones(32)}
    files = {
        "plain": random_lora(some),
        "other": random_lora(dict(list(shapes.items())[::3]), seed=1),
        "norms": norms | added_bias,
        "dora": random_lora(some, seed=2)
        | {
            f"{name}.dora_scale": torch.ones(1, shape[1], *[1] * (len(shape) - 2))
            for name, shape in some.items()
        },
    }
    found = layer_names(model.network, model.text_encoder, dtype)
    loras = [
        load_lora(lora_file(tmp_path / f"{name}.safetensors", each), found) for name, each in files.items()
    ]
    assert all(lora.changes and not lora.report.unmatched for lora in loras)
    chance, patches = random.Random(7), PatchedWeights()
    for _ in range(100):
        chosen = chance.sample(loras, chance.randrange(len(loras) + 1))
        weighted = [
            WeightedLora(each, chance.uniform(-2, 2), chance.uniform(-2, 2), chance.choice([None, 1]))
            for each in chosen
        ]
        patches.use(recipes(weighted))
        if chosen:
            assert digest(model) != before
    patches.use({})
    assert digest(model) == before
    assert all(parameters[name] is parameter for name, parameter in model.network.named_parameters())


def test_changing_one_weight_computes_only_the_tensors_of_that_lora(
    tmp_path: Path, model: LoadedModel, names
):
    shapes = list(matrices(model).items())
    first = load_lora(lora_file(tmp_path / "a.safetensors", random_lora(dict(shapes[:10]))), names)
    second = load_lora(lora_file(tmp_path / "b.safetensors", random_lora(dict(shapes[8:20]))), names)
    patches = PatchedWeights()
    assert patches.use(recipes([WeightedLora(first, 1, 1), WeightedLora(second, 1, 1)])) == 20
    assert patches.use(recipes([WeightedLora(first, 1, 1), WeightedLora(second, 1, 1)])) == 0
    assert patches.use(recipes([WeightedLora(first, 1, 1), WeightedLora(second, 0.5, 0.5)])) == 12
    # Those of both have to be computed without the one that went.
    assert patches.use(recipes([WeightedLora(first, 1, 1)])) == 2
    assert patches.use(recipes([WeightedLora(first, 0, 0)])) == 0
    assert not patches.slots


def test_a_lora_for_four_channels_changes_those_of_an_inpainting_network(tmp_path: Path):
    from dataclasses import replace

    path = write(tmp_path / "inpainting.safetensors", small_checkpoint(replace(NARROW, in_channels=9)))
    model = load(model_file(path), EXACT, CPU)
    names = layer_names(model.network, model.text_encoder, torch.float32)
    tensors = random_lora({"lora_unet_conv_in": torch.Size((32, 4, 3, 3))})
    lora = load_lora(lora_file(tmp_path / "lora.safetensors", tensors), names)
    before = model.network.unet.conv_in.weight.clone()
    patches = PatchedWeights()
    patches.use(recipes([WeightedLora(lora, 1, 1)]))
    after = model.network.unet.conv_in.weight
    assert torch.equal(before[:, 4:], after[:, 4:])
    assert not torch.equal(before[:, :4], after[:, :4])


def test_weights_of_a_network_that_went_to_32_bits_are_put_back_in_32_bits(tmp_path: Path):
    path = write(tmp_path / "small.safetensors", small_checkpoint(NARROW))
    half = NumberFormats(torch.bfloat16, torch.bfloat16, torch.bfloat16, channels_last=False)
    model = load(model_file(path), half, CPU)
    names = layer_names(model.network, model.text_encoder, torch.bfloat16)
    shapes = {"lora_unet_conv_out": model.network.unet.conv_out.weight.shape}
    lora = load_lora(lora_file(tmp_path / "lora.safetensors", random_lora(shapes)), names)
    patches = PatchedWeights()
    patches.use(recipes([WeightedLora(lora, 1, 1)]))
    model.network.unet.float()
    patches.widen()
    patches.use(recipes([WeightedLora(lora, 1, 2)]))
    assert model.network.unet.conv_out.weight.dtype == torch.float32
    patches.use({})
    assert model.network.unet.conv_out.weight.dtype == torch.float32


def test_a_slot_is_its_layers_and_names(model: LoadedModel):
    layer = model.network.unet.conv_in
    assert Slot(layer, "weight", torch.float32) == Slot(layer, "weight", torch.float32)
    assert Slot(layer, "weight", torch.float32) != Slot(layer, "bias", torch.float32)


def test_a_report_names_the_family_of_the_file(tmp_path: Path, names):
    file = lora_file(tmp_path / "xl.safetensors", {"lora_te2_x.alpha": torch.zeros(())}, Family.SDXL)
    assert load_lora(file, names).report.made_for == "SDXL"


def test_a_report_counts_layers_and_names_what_fits_nowhere(tmp_path: Path, model: LoadedModel, names):
    shapes = matrices(model)
    unet = dict(list(shapes.items())[:3])
    layer = model.text_encoder.towers[0].text_model.encoder.layers[0].mlp.fc1
    text = {"lora_te_text_model_encoder_layers_0_mlp_fc1": layer.weight.shape}
    tensors = random_lora(unet | text) | {"lora_unet_nowhere.lora_up.weight": torch.zeros(4, 1)}
    report = load_lora(lora_file(tmp_path / "some.safetensors", tensors), names).report
    assert (report.unet_layers, report.text_layers) == (3, 1)
    assert report.unmatched == ("lora_unet_nowhere.lora_up.weight",)
    assert (report.matched, report.total) == (len(tensors) - 1, len(tensors))


def real_loras() -> dict[str, dict[str, list[int]]]:
    """Names and shapes of real files, by file."""
    lists = json.loads(gzip.decompress((HEADERS / "headers.json.gz").read_bytes()))
    return {name: each["shapes"] for name, each in lists.items() if each["kind"] in ("lora", "dora", "lokr")}


@pytest.mark.parametrize("name", real_loras())
def test_every_name_in_a_real_file_is_understood(name: str):
    assert [key for key in real_loras()[name] if layer_and_part(key) is None] == []


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_packed_layers_follow_a_lora_and_its_removal(tmp_path: Path, dtype: torch.dtype):
    if not can_pack(dtype):
        pytest.skip("this processor packs nothing in this format")
    # Stored in another format than is computed in, as most files are.
    stored = {name: tensor.half() for name, tensor in small_checkpoint(NARROW).items()}
    path = write(tmp_path / "small.safetensors", stored)
    numbers = NumberFormats(dtype, dtype, dtype, channels_last=True, packed=True)
    fast = load(model_file(path), numbers, CPU)
    plain = load(model_file(path), EXACT, CPU)
    tensors = random_lora(matrices(plain))
    given = torch.ones(1, 4, 8, 8), torch.tensor([500]), torch.ones(1, 77, 32)
    answers = {}
    for name, model in (("fast", fast), ("plain", plain)):
        names = layer_names(model.network, model.text_encoder, model.numbers.text)
        lora = load_lora(lora_file(tmp_path / "lora.safetensors", tensors), names)
        steps = [[], [WeightedLora(lora, 1, 1)], [WeightedLora(lora, 1, -1)], []]
        patches = PatchedWeights()
        with torch.no_grad():
            answers[name] = [model.network(*given) for step in steps if patches.use(recipes(step)) >= 0]
    first, changed, turned, last = answers["fast"]
    assert torch.equal(first, last)
    near = 2e-2 if dtype == torch.bfloat16 else 1e-4
    for made, expected in zip(answers["fast"], answers["plain"], strict=True):
        assert (made - expected).abs().max() < near * expected.abs().max()
    assert (changed - turned).abs().max() > 0.1 * first.abs().max()
