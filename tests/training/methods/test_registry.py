"""From a method to what it trains; what every method must keep to."""

from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import load_file
from torch import nn

from tests.plugins.extension_files import write_extension
from tests.training.methods.trainables import answer, load_networks, make_batch, make_run, take_steps
from webui.core.errors import InvalidRequest
from webui.core.work.training_run import Method
from webui.plugins.loading import Extensions, WantedExtensions, find_extensions
from webui.plugins.trainables import AddedTrainable
from webui.training.methods.adapters import make_layers
from webui.training.methods.registry import OWN, make_trainable
from webui.training.networks import TrainingNetworks

HINTS = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(5))
METHODS: tuple[Method, ...] = (
    "lora", "locon", "loha", "lokr", "dora", "textual_inversion", "hypernetwork", "controlnet", "finetune",
)  # fmt: skip
SMALL: dict[str, dict[str, Any]] = {"locon": {"conv_rank": 2}, "textual_inversion": {"vectors": 2}}
EXTENSION = """
from webui.plugins import AddedTrainable, hookimpl


def make(run, networks):
    raise AssertionError("nobody asked for it")


@hookimpl
def register_trainables():
    return [AddedTrainable("NAME", "Example", make)]
"""


def test_every_method_of_a_run_is_there() -> None:
    assert set(OWN) == set(Method.__args__)


# LoCon, LoHa and DoRA keep their state as LoRA and LoKr do.
@pytest.mark.parametrize("method", [each for each in METHODS if each not in {"locon", "loha", "dora"}])
def test_a_state_brings_back_every_bit_and_nothing_draws_shared_numbers(
    golden_models: Path, method: Method
) -> None:
    networks = load_networks(golden_models, "tiny-sd15")
    has_dropout = method in {"lora", "locon", "hypernetwork"}
    run = make_run(method, **SMALL.get(method, {}), dropout=0.3 if has_dropout else 0.0)
    shared = torch.get_rng_state()
    trainable = make_trainable(run, networks)
    take_steps(networks, trainable, 1, hints=HINTS)
    assert torch.equal(shared, torch.get_rng_state())
    state = trainable.state()
    batch = make_batch(hints=HINTS)
    with torch.no_grad(), trainable.attach():
        here = answer(networks, trainable, batch)
    take_steps(networks, trainable, 1, hints=HINTS)
    assert any(not torch.equal(each, trainable.state()[name]) for name, each in state.items())
    others = load_networks(golden_models, "tiny-sd15")
    other = make_trainable(run, others)
    for which, its in ((trainable, networks), (other, others)):
        which.load_state(state)
        assert list(which.state()) == list(state)
        assert all(torch.equal(each, which.state()[name]) for name, each in state.items())
        with torch.no_grad(), which.attach():
            assert all(map(torch.equal, answer(its, which, batch), here))


@pytest.mark.parametrize("method", METHODS[:7])
def test_nothing_is_left_behind(golden_models: Path, method: Method) -> None:
    networks = load_networks(golden_models, "tiny-sdxl")
    before = snapshot(networks)
    trainable = make_trainable(make_run(method), networks)
    take_steps(networks, trainable, 1)
    with pytest.raises(RuntimeError, match="by the way"), trainable.attach():
        raise RuntimeError("by the way")
    after = snapshot(networks)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    for module in modules_of(networks):
        assert "forward" not in module.__dict__
        assert not module._forward_hooks and not module._forward_pre_hooks
        assert all(each.grad is None and not each.requires_grad for each in module.parameters())


@pytest.mark.parametrize("share", [0.3, 0.0])
def test_checkpointing_changes_no_gradient(golden_models: Path, share: float) -> None:
    found: list[list[torch.Tensor]] = []
    for checkpointing in (False, True):
        networks = load_networks(golden_models, "tiny-sd15")
        assert isinstance(networks.unet, UNet2DConditionModel)
        if checkpointing:
            networks.unet.enable_gradient_checkpointing()
            networks.unet.train()
        trainable = make_layers(make_run("lora", dropout=share, train_text=False), networks)
        with torch.no_grad():
            for parameter in trainable.parameters().values():
                if not parameter.any():
                    parameter.normal_(0, 0.1, generator=torch.Generator().manual_seed(len(found)))
                    parameter.fill_(0.05)
        trainable.generator.manual_seed(11)
        with trainable.attach():
            answer(networks, trainable, make_batch())[0].square().mean().backward()
        found.append([each.grad for each in trainable.parameters().values() if each.grad is not None])
    assert len(found[0]) == len(found[1]) > 40
    for mine, its in zip(*found, strict=True):
        torch.testing.assert_close(mine, its, atol=1e-7, rtol=1e-5)


def test_dropout_follows_its_generator(golden_models: Path) -> None:
    networks = load_networks(golden_models, "tiny-sd15")
    trainable = make_layers(make_run("lora", dropout=0.5), networks)
    with torch.no_grad():
        for parameter in trainable.parameters().values():
            parameter.add_(0.05)
    answers = []
    with trainable.attach():
        for seed in (1, 2, 1):
            trainable.generator.manual_seed(seed)
            answers.append(answer(networks, trainable, make_batch())[0].detach())
        assert torch.equal(answers[0], answers[2])
        assert not torch.allclose(answers[0], answers[1], atol=1e-3)
        with torch.no_grad():
            whole = answer(networks, trainable, make_batch())[0]
    assert not torch.allclose(whole, answers[0], atol=1e-3)


@pytest.mark.parametrize("method", METHODS[:5])
def test_fewer_bits_train_the_same_parameters(golden_models: Path, method: Method) -> None:
    networks = load_networks(golden_models, "tiny-sd15")
    trainable = make_trainable(make_run(method, **SMALL.get(method, {})), networks)
    with trainable.attach(), torch.autocast("cpu", torch.bfloat16):
        output, _ = answer(networks, trainable, make_batch())
    output.float().square().mean().backward()
    gradients = [each.grad for group in trainable.groups for each in group.parameters]
    assert all(each is not None and each.dtype == torch.float32 for each in gradients)
    assert all(each.isfinite().all() for each in gradients if each is not None)


@pytest.mark.parametrize("method", METHODS[:5])
def test_a_run_goes_on_from_its_own_file(golden_models: Path, tmp_path: Path, method: Method) -> None:
    networks = load_networks(golden_models, "tiny-sdxl")
    trainable = make_trainable(make_run(method, conv_rank=2), networks)
    take_steps(networks, trainable, 1)
    path = tmp_path / "thing.safetensors"
    trainable.save(path, {})
    again = make_trainable(make_run(method, conv_rank=2, start_from=str(path), seed=8), networks)
    assert all(torch.equal(each, again.state()[name]) for name, each in trainable.state().items())
    if method != "lokr":
        with pytest.raises(InvalidRequest, match="Choose the method, rank and factor"):
            make_trainable(make_run(method, rank=3, start_from=str(path)), networks)


def test_no_layer_of_a_file_is_lost_without_a_word(golden_models: Path, tmp_path: Path) -> None:
    networks = load_networks(golden_models, "tiny-sd15")
    trainable = make_trainable(make_run("lora", conv_rank=2), networks)
    path = tmp_path / "thing.safetensors"
    # Before the first step every change is a product with zero.
    trainable.save(path, {})
    make_trainable(make_run("lora", start_from=str(path)), networks)
    take_steps(networks, trainable, 1)
    trainable.save(path, {})
    for less in ({"conv_rank": 0}, {"conv_rank": 2, "train_text": False}):
        with pytest.raises(InvalidRequest, match=r"would be lost\. Set conv_rank, train_text"):
            make_trainable(make_run("lora", **less, start_from=str(path)), networks)


def test_a_file_of_another_method_is_refused(golden_models: Path, tmp_path: Path) -> None:
    networks = load_networks(golden_models, "tiny-sd15")
    path = tmp_path / "thing.safetensors"
    make_trainable(make_run("dora"), networks).save(path, {})
    with pytest.raises(InvalidRequest, match="dora_scale"):
        make_trainable(make_run("lora", start_from=str(path)), networks)


def test_alpha_is_not_rounded_with_the_weights(golden_models: Path, tmp_path: Path) -> None:
    networks = load_networks(golden_models, "tiny-sd15")
    for alpha, dtype in ((2.0, torch.bfloat16), (2.7, torch.float32)):
        path = tmp_path / "thing.safetensors"
        make_trainable(make_run("lora", alpha=alpha, save_format="bf16"), networks).save(path, {})
        written = load_file(path)
        alphas = [tensor for name, tensor in written.items() if name.endswith(".alpha")]
        assert {(each.dtype, float(each)) for each in alphas} == {(dtype, float(torch.tensor(alpha)))}
        others = {tensor.dtype for name, tensor in written.items() if not name.endswith(".alpha")}
        assert others == {torch.bfloat16}


def test_dropout_that_a_method_lacks_is_refused(golden_models: Path) -> None:
    networks = load_networks(golden_models, "tiny-sd15")
    with pytest.raises(InvalidRequest, match="loha has no dropout"):
        make_trainable(make_run("loha", dropout=0.1), networks)
    with pytest.raises(InvalidRequest, match="Nothing is left to train"):
        make_trainable(make_run("lora", train_unet=False, train_text=False), networks)


def test_dreambooth_is_a_lora_where_that_is_asked_for(golden_models: Path) -> None:
    networks = load_networks(golden_models, "tiny-sd15")
    kinds = {
        each: make_trainable(make_run("dreambooth", as_lora=each), networks).kind for each in (True, False)
    }
    assert kinds == {True: "lora", False: "checkpoint"}


def test_an_extensions_method_trains_in_place_of_the_runs(golden_models: Path, tmp_path: Path) -> None:
    networks = load_networks(golden_models, "tiny-sd15")
    added = {"small": AddedTrainable("small", "Small", lambda run, given: (run, given))}
    run = make_run("lora").model_copy(update={"trainable": "small"})
    assert make_trainable(run, networks, added) == (run, networks)
    with pytest.raises(InvalidRequest, match="no method of training named 'small'"):
        make_trainable(run, networks)
    names = {"one": "example", "two": "lora", "three": "Not a name", "four": "example"}
    for folder, name in names.items():
        write_extension(tmp_path, folder, EXTENSION.replace("NAME", name))
    extensions = Extensions()
    extensions.load(find_extensions(tmp_path, tmp_path), WantedExtensions(), 60)
    assert list(extensions.plugins.trainables) == ["example"]
    states = {each.name: each.state for each in extensions.records}
    assert sorted(states.values()) == ["failed", "failed", "failed", "on"]
    assert sum("named 'lora' already" in problem for problem in extensions.problems) == 1


def modules_of(networks: TrainingNetworks) -> list[nn.Module]:
    """Every module of the networks."""
    return [each for module in networks.model.modules() for each in module.modules()]


def snapshot(networks: TrainingNetworks) -> dict[str, torch.Tensor]:
    """Every weight as it is."""
    return {
        f"{number}.{name}": tensor.clone()
        for number, module in enumerate(networks.model.modules())
        for name, tensor in module.state_dict().items()
    }
