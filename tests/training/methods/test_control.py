"""ControlNets: they begin by adding nothing, learn, and extensions/controlnet reads the file."""

from pathlib import Path

import pytest
import torch

from extensions.controlnet.networks.base import ControlCall
from extensions.controlnet.networks.controlnet import load_controlnet
from tests.training.methods.trainables import (
    CHECKPOINTS,
    answer,
    load_networks,
    make_batch,
    make_run,
    take_steps,
)
from webui.core.errors import InvalidRequest
from webui.core.model_file import Family, ModelKind
from webui.library.files.headers import read_header
from webui.library.recognise.identify import identify
from webui.models.files.tensors import open_tensors
from webui.training.methods.control import TrainableControlNet

HINTS = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("checkpoint", CHECKPOINTS)
def test_a_saved_controlnet_adds_what_was_trained(
    golden_models: Path, tmp_path: Path, checkpoint: str
) -> None:
    networks = load_networks(golden_models, checkpoint)
    random = torch.get_rng_state()
    trainable = TrainableControlNet(make_run("controlnet"), networks)
    assert torch.equal(random, torch.get_rng_state())
    batch = make_batch(hints=HINTS)
    with torch.no_grad():
        text = networks.tell_sizes(networks.encode_text(batch.captions), batch.sizes)
        timestep = torch.tensor([500])
        plain = networks.predict(batch.latents, timestep, text)
        assert torch.equal(plain, answer(networks, trainable, batch)[0])
    take_steps(networks, trainable, hints=HINTS)
    with torch.no_grad():
        trained = trainable.residuals(batch.latents, timestep, text, batch)
        assert not torch.allclose(plain, answer(networks, trainable, batch)[0], atol=1e-4)
    path = tmp_path / "thing.safetensors"
    trainable.save(path, {})
    identity = identify(read_header(path))
    assert (identity.kind, identity.family) == (ModelKind.CONTROLNET, networks.family)
    network = load_controlnet(open_tensors(path), name=path.name, family=identity.family.value)
    loaded = network.network.state_dict()
    assert loaded.keys() == trainable.network.state_dict().keys()
    assert all(torch.equal(loaded[name], each) for name, each in trainable.network.state_dict().items())
    # The other tiny networks have heads of sizes that real ones never have, and only their sidecars say so.
    if networks.family == Family.SD1:
        found = network.evaluate(
            ControlCall(
                latent=batch.latents,
                timestep=timestep,
                crossattn=text.crossattn,
                vector=text.vector,
                hint=HINTS,
                share=0.0,
            )
        )
        down = trained["down_block_additional_residuals"]
        assert isinstance(down, list | tuple)
        torch.testing.assert_close(tuple(found.down), tuple(down), atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(found.mid, trained["mid_block_additional_residual"], atol=1e-5, rtol=1e-4)
    again = TrainableControlNet(make_run("controlnet", start_from=str(path)), networks)
    assert all(torch.equal(each, again.state()[name]) for name, each in trainable.state().items())


def test_a_hint_is_felt_in_a_small_network_from_the_first_step(golden_models: Path) -> None:
    path = TrainableControlNet(
        make_run("controlnet"), load_networks(golden_models, "tiny-sd15")
    ).network.controlnet_cond_embedding
    drawn = torch.zeros(1, 3, 128, 128)
    drawn[..., 40:90, 40:42] = drawn[..., 40:42, 40:90] = 1.0
    with torch.no_grad():
        answer_to_lines, to_nothing = path(drawn), path(torch.zeros_like(drawn))
    assert float(to_nothing.abs().max()) == 0
    assert 0.02 < float(answer_to_lines[..., 5:12, 5:12].std()) < 0.6


def test_a_batch_without_hints_is_refused(golden_models: Path) -> None:
    networks = load_networks(golden_models, "tiny-sd15")
    trainable = TrainableControlNet(make_run("controlnet"), networks)
    with pytest.raises(InvalidRequest, match="has no picture"):
        take_steps(networks, trainable, 1)
