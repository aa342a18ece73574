"""DreamBooth and fine-tuning: a whole checkpoint that loads again, with everything else as it was."""

from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.models.small_checkpoints import model_file
from tests.training.methods.trainables import (
    CHECKPOINTS,
    answer,
    load_networks,
    make_batch,
    make_run,
    take_steps,
)
from webui.core.errors import InvalidRequest
from webui.library.files.headers import read_header
from webui.library.recognise.identify import identify
from webui.models.cpu.precision import EXACT
from webui.models.files.tensors import open_tensors
from webui.training.methods.registry import make_trainable
from webui.training.methods.single_file import TrainedParts, written_tensors
from webui.training.methods.streaming import WrittenTensor, write_streaming
from webui.training.networks import TrainingNetworks


@pytest.mark.parametrize("checkpoint", CHECKPOINTS)
@pytest.mark.parametrize("parts", [(True, True), (True, False), (False, True)])
def test_a_saved_checkpoint_is_what_was_trained(
    golden_models: Path, tmp_path: Path, checkpoint: str, parts: tuple[bool, bool]
) -> None:
    networks = load_networks(golden_models, checkpoint)
    run = make_run("finetune", train_unet=parts[0], train_text=parts[1])
    trainable = make_trainable(run, networks)
    begin = trainable.state()
    take_steps(networks, trainable, rate=1e-3)
    assert any(not torch.equal(begin[name], each) for name, each in trainable.state().items())
    batch = make_batch()
    with torch.no_grad():
        trained = answer(networks, trainable, batch)
    path = tmp_path / "thing.safetensors"
    trainable.save(path, {"ss_steps": "2"})
    loaded = TrainingNetworks.load(model_file(path), torch.device("cpu"), EXACT)
    assert (loaded.family, loaded.model.prediction) == (networks.family, networks.model.prediction)
    with torch.no_grad():
        again = answer(loaded, trainable, batch)
    torch.testing.assert_close(again, trained, atol=1e-5, rtol=1e-5)
    source, written = (open_tensors(each) for each in (networks.model.file.path, path))
    assert written.keys() == source.keys()
    trains = {"model.diffusion_model.": parts[0], "cond": parts[1], "first_stage_model.": False}
    for name, tensor in source.items():
        assert written[name].shape == tensor.shape, name
        if not next((is_trained for start, is_trained in trains.items() if name.startswith(start)), False):
            assert torch.equal(written[name], tensor), name


@pytest.mark.parametrize("checkpoint", CHECKPOINTS)
def test_a_checkpoint_of_diffusers_layout_becomes_the_original_single_file(
    golden_models: Path, tmp_path: Path, checkpoint: str
) -> None:
    networks = load_networks(golden_models, checkpoint)
    source = load_file(networks.model.file.path)
    folder = tmp_path / "folder"
    parts = {"unet": networks.unet, "vae": networks.model.vae.module}
    for number, tower in enumerate(networks.model.text_encoder.towers):
        parts["text_encoder" if number == 0 else "text_encoder_2"] = tower
    for name, module in parts.items():
        (folder / name).mkdir(parents=True)
        tensors = {
            key.replace("class_embedding.", "add_embedding."): tensor
            for key, tensor in module.state_dict().items()
        }
        file = "model" if "text" in name else "diffusion_pytorch_model"
        write_streaming(
            folder / name / f"{file}.safetensors",
            [
                WrittenTensor(key, tuple(tensor.shape), tensor.dtype, partial(torch.clone, tensor))
                for key, tensor in tensors.items()
            ],
            {},
        )
    (folder / "model_index.json").write_text("{}")
    sidecar = networks.model.file.path.with_suffix(".yaml")
    (tmp_path / "folder.yaml").write_bytes(sidecar.read_bytes())
    loaded = TrainingNetworks.load(model_file(folder), torch.device("cpu"), EXACT)
    path = tmp_path / "single.safetensors"
    write_streaming(path, written_tensors(loaded, TrainedParts(True, True, torch.float32)), {})
    written = load_file(path)
    own = {name for name in written if name not in source}
    assert own == set()
    for name, tensor in written.items():
        assert torch.equal(tensor, source[name].to(tensor.dtype)), name


def test_numbers_of_the_file_are_the_runs_where_it_trained(golden_models: Path, tmp_path: Path) -> None:
    networks = load_networks(golden_models, "tiny-sd15")
    trainable = make_trainable(make_run("dreambooth", save_format="fp16", train_text=False), networks)
    path = tmp_path / "thing.safetensors"
    trainable.save(path, {"ss_steps": "2"})
    header = read_header(path)
    source = read_header(networks.model.file.path)
    assert header.metadata == {"ss_steps": "2"}
    assert identify(header).family == networks.family
    for name, info in header.tensors.items():
        is_trained = name.startswith("model.diffusion_model.")
        assert info.dtype == ("F16" if is_trained else source.tensors[name].dtype), name


def test_nothing_to_train_is_refused(golden_models: Path) -> None:
    networks = load_networks(golden_models, "tiny-sd15")
    with pytest.raises(InvalidRequest, match="Nothing is left to train"):
        make_trainable(make_run("finetune", train_unet=False, train_text=False), networks)
    with pytest.raises(InvalidRequest, match="start_from"):
        make_trainable(make_run("finetune", start_from="a.safetensors"), networks)
