"""Textual inversion: the word's vectors learn, and the file is A1111's."""

from pathlib import Path

import pytest
import torch

from tests.golden_cases import GOLDENS
from tests.training.methods.trainables import (
    CHECKPOINTS,
    answer,
    load_networks,
    make_batch,
    make_run,
    take_steps,
)
from webui.core.errors import InvalidRequest
from webui.diffusion.text_encoder import TextualInversion
from webui.models.files.embedding_files import read_embedding
from webui.models.files.pickles import load_pickle
from webui.training.methods.inversion import TrainableInversion

NOTED = {
    "ss_steps": "120",
    "ss_new_sd_model_hash": "0123456789abcdef",
    "ss_sd_model_name": "base.safetensors",
}


@pytest.mark.parametrize("checkpoint", CHECKPOINTS)
def test_a_saved_embedding_says_what_was_trained(
    golden_models: Path, tmp_path: Path, checkpoint: str
) -> None:
    networks = load_networks(golden_models, checkpoint)
    trainable = TrainableInversion(make_run("textual_inversion", vectors=3, init_text="red fox"), networks)
    begin = trainable.state()
    encoder = networks.model.text_encoder
    take_steps(networks, trainable)
    assert networks.model.text_encoder is encoder
    assert all(not torch.equal(begin[name], each) for name, each in trainable.state().items())
    batch = make_batch("[name] on snow")
    with torch.no_grad(), trainable.attach():
        trained = answer(networks, trainable, batch)
    path = tmp_path / f"thing{trainable.suffix}"
    trainable.save(path, NOTED)
    embedding = read_embedding(path)
    assert embedding is not None
    inversion = embedding.for_towers(encoder.towers)
    assert isinstance(inversion, TextualInversion)
    assert all(map(torch.equal, inversion.vectors, trainable.vectors))
    again = TrainableInversion(make_run("textual_inversion", start_from=str(path)), networks)
    with torch.no_grad(), again.attach():
        loaded = answer(networks, again, batch)
    assert all(map(torch.equal, trained, loaded))


def test_the_pickle_has_what_a1111_writes(golden_models: Path, tmp_path: Path) -> None:
    asset = GOLDENS / "assets/embeddings/ti-pt.pt"
    theirs = load_pickle(asset)
    assert isinstance(theirs, dict)
    networks = load_networks(golden_models, "tiny-sd15")
    trainable = TrainableInversion(
        make_run("textual_inversion", start_from=str(asset)).model_copy(update={"name": "ti-pt"}), networks
    )
    path = tmp_path / "ti-pt.pt"
    trainable.save(path, {"ss_steps": "100"})
    ours = load_pickle(path)
    assert isinstance(ours, dict)
    assert list(ours) == list(theirs)
    assert torch.equal(ours["string_to_param"]["*"], theirs["string_to_param"]["*"])
    assert {**ours, "string_to_param": 0} == {**theirs, "string_to_param": 0}
    trainable.save(path, NOTED)
    noted = read_embedding(path)
    assert noted is not None
    assert (noted.step, noted.sd_checkpoint, noted.sd_checkpoint_name) == (120, "0123456789", "base")


def test_the_word_stands_where_the_caption_has_it_or_before_it(golden_models: Path) -> None:
    networks = load_networks(golden_models, "tiny-sd15")
    trainable = TrainableInversion(make_run("textual_inversion"), networks)
    said = {
        "a photo of [name], snow": "a photo of thing, snow",
        "A Thing on snow": "A Thing on snow",
        "something on snow": "thing, something on snow",
        "a cat (thing)": "a cat (thing)",
        "": "thing",
        "a cat": "thing, a cat",
    }
    assert {caption: trainable.read_caption(caption) for caption in said} == said


def test_vectors_begin_as_the_words_of_the_init_text(golden_models: Path) -> None:
    networks = load_networks(golden_models, "tiny-sd15")
    tower = networks.model.text_encoder.towers[0]
    table = tower.text_model.embeddings.token_embedding.weight
    words = [table[number] for number in tower.tokenizer.encode("red fox")]
    vectors = TrainableInversion(
        make_run("textual_inversion", vectors=5, init_text="red fox"), networks
    ).vectors[0]
    assert all(map(torch.equal, vectors, [words[0]] * 3 + [words[1]] * 2))
    empty = TrainableInversion(make_run("textual_inversion", vectors=2, init_text=""), networks)
    assert not empty.vectors[0].any()


def test_an_embedding_of_another_family_is_refused(golden_models: Path) -> None:
    networks = load_networks(golden_models, "tiny-sdxl")
    asset = GOLDENS / "assets/embeddings/ti-pt.pt"
    with pytest.raises(InvalidRequest, match="same family"):
        TrainableInversion(make_run("textual_inversion", start_from=str(asset)), networks)
