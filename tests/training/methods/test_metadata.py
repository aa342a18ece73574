"""What trained files say of themselves."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.training.methods.trainables import load_networks, make_run
from webui.core.model_file import Family
from webui.core.work.training_run import Method
from webui.library.cards.cards import tags_of
from webui.library.files.headers import read_header
from webui.library.recognise.identify import identify
from webui.training.methods.metadata import TrainingFacts, training_metadata, trigger_phrase
from webui.training.methods.registry import make_trainable


@dataclass(frozen=True)
class Picture:
    """As a data set has it."""

    name: str
    caption: str
    repeats: int = 1
    is_regularisation: bool = False


PICTURES = (
    Picture("10_fox/a.png", "zwx fox, snow", 10),
    Picture("10_fox/b.png", "zwx fox, forest, snow", 10),
    Picture("c.png", "zwx fox"),
    Picture("reg/d.png", "a fox", 1, True),
)
FACTS = TrainingFacts(
    Family.SD1, "eps", "folder/base.safetensors", "ab" * 32, "12345678", PICTURES, "foxes",
    {(512, 512): 3, (448, 576): 1}, step=120, epoch=2, batches_per_epoch=70,
    started_at=1_700_000_000.0, finished_at=1_700_000_100.0,
)  # fmt: skip
RECIPE = {"resolution": 512, "steps": 140, "rate": 1e-4, "text_rate": 5e-5, "optimizer": "adamw"}


def test_a_lora_says_what_kohyas_do() -> None:
    told = training_metadata(make_run("lora", rank=16, alpha=8.0, **RECIPE), FACTS)
    expected = {
        "ss_network_module": "networks.lora", "ss_network_dim": "16", "ss_network_alpha": "8.0",
        "ss_base_model_version": "sd_v1", "ss_v2": "False", "ss_sd_model_name": "base.safetensors",
        "ss_sd_model_hash": "12345678", "ss_new_sd_model_hash": "ab" * 32, "ss_output_name": "thing",
        "ss_num_train_images": "21", "ss_num_reg_images": "1", "ss_steps": "120", "ss_epoch": "2",
        "ss_num_epochs": "2", "ss_max_train_steps": "140", "ss_learning_rate": "0.0001",
        "ss_unet_lr": "0.0001", "ss_text_encoder_lr": "5e-05", "ss_resolution": "(512, 512)",
        "modelspec.architecture": "stable-diffusion-v1/lora", "modelspec.title": "thing",
        "modelspec.implementation": "diffusers", "modelspec.resolution": "512x512",
        "modelspec.prediction_type": "epsilon", "modelspec.date": "2023-11-14T22:15:00",
        "modelspec.trigger_phrase": "zwx fox", "modelspec.sai_model_spec": "1.0.1",
    }  # fmt: skip
    assert {name: told.get(name) for name in expected} == expected
    assert all(isinstance(value, str) and value != "None" for value in told.values())
    tables = {
        name: json.loads(told[f"ss_{name}"]) for name in ("tag_frequency", "dataset_dirs", "bucket_info")
    }
    assert tables == {
        "tag_frequency": {"10_fox": {"zwx fox": 2, "snow": 2, "forest": 1}, "foxes": {"zwx fox": 1}},
        "dataset_dirs": {
            "10_fox": {"n_repeats": 10, "img_count": 2},
            "foxes": {"n_repeats": 1, "img_count": 1},
        },
        "bucket_info": {
            "buckets": {
                "0": {"resolution": [448, 576], "count": 1},
                "1": {"resolution": [512, 512], "count": 3},
            }
        },
    }
    assert tags_of(told)[:2] == [("zwx fox", 3), ("snow", 2)]


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("locon", {"conv_dim": "4", "conv_alpha": "2.0"}),
        ("loha", {"conv_dim": "4", "conv_alpha": "2.0", "algo": "loha"}),
        ("lokr", {"conv_dim": "4", "conv_alpha": "2.0", "algo": "lokr", "factor": "8"}),
        ("dora", {"conv_dim": "4", "conv_alpha": "2.0", "algo": "locon", "dora_wd": "True",
                  "wd_on_output": "False"}),
    ],
)  # fmt: skip
def test_other_kinds_tell_their_arguments(method: Method, arguments: dict[str, str]) -> None:
    told = training_metadata(make_run(method, conv_rank=4, conv_alpha=2.0, factor=8, **RECIPE), FACTS)
    assert json.loads(told["ss_network_args"]) == arguments
    assert told["ss_network_module"] == ("networks.lora" if method == "locon" else "lycoris.kohya")


@pytest.mark.parametrize(
    ("family", "prediction", "version", "architecture"),
    [
        (Family.SD2, "v", "sd_v2_v", "stable-diffusion-v2-768-v"),
        (Family.SD2, "eps", "sd_v2", "stable-diffusion-v2-512"),
        (Family.SDXL, "eps", "sdxl_base_v1-0", "stable-diffusion-xl-v1-base"),
    ],
)
def test_families_are_told(family, prediction, version, architecture) -> None:
    facts = TrainingFacts(family, prediction, "base.safetensors")
    told = training_metadata(make_run("finetune", **RECIPE), facts)
    assert (told["ss_base_model_version"], told["modelspec.architecture"]) == (version, architecture)
    assert "ss_network_module" not in told
    inversion = training_metadata(make_run("textual_inversion", **RECIPE), facts)
    assert inversion["modelspec.architecture"] == f"{architecture}/textual-inversion"
    assert inversion["modelspec.trigger_phrase"] == "thing"


def test_the_trigger_is_what_all_captions_begin_with() -> None:
    run = make_run("lora")
    assert trigger_phrase(run, PICTURES) == "zwx fox"
    assert trigger_phrase(run, (*PICTURES, Picture("e.png", "another"))) == ""
    assert trigger_phrase(make_run("lora", trigger="zwx"), PICTURES) == "zwx"


@pytest.mark.parametrize("rank", [1, 16])
def test_a_file_is_known_by_the_hashes_in_it(golden_models: Path, tmp_path: Path, rank: int) -> None:
    networks = load_networks(golden_models, "tiny-sd15")
    run = make_run("lora", rank=rank, **RECIPE)
    path = tmp_path / "thing.safetensors"
    make_trainable(run, networks).save(path, training_metadata(run, FACTS))
    raw = path.read_bytes()
    header = read_header(path)
    assert (
        header.metadata["sshs_model_hash"]
        == hashlib.sha256(raw[8 + int.from_bytes(raw[:8], "little") :]).hexdigest()
    )
    assert len(header.metadata["sshs_legacy_hash"]) == 8
    assert identify(header).family == Family.SD1
