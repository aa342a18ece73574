"""Batches: each picture as often as it shall come, the same wherever an epoch begins."""

import tempfile
from collections import Counter
from pathlib import Path

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor
from torch.nn import functional

from webui.core.training_run import TrainingRun
from webui.training.data.batch import TrainingBatch
from webui.training.data.reading import read_data
from webui.training.data.source import BatchSource


def encode(image: Tensor) -> Tensor:
    """An encoder that keeps colours: each latent pixel is the mean of 8x8."""
    return functional.avg_pool2d(image, 8)


def make_run(folder: Path, **fields: object) -> TrainingRun:
    asked = {"method": "lora", "checkpoint": "any", "name": "test", "data": str(folder), "resolution": 64}
    return TrainingRun.model_validate({"bucket_step": 8, "seed": 1} | asked | fields)


def fill(folder: Path, sizes: list[tuple[int, int]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, size in enumerate(sizes):
        Image.new("RGB", size, (number * 9 % 256, 100, 200)).save(folder / f"{number:03}.png")
        (folder / f"{number:03}.txt").write_text(f"thing {number}, red, round, old")
    return folder


def make_source(folder: Path, **fields: object) -> BatchSource:
    run = make_run(folder, **fields)
    return BatchSource(read_data(folder, run), run, encode, folder / ".cache")


def same(one: TrainingBatch, other: TrainingBatch) -> bool:
    parts = ("captions", "sizes", "names")
    return all(getattr(one, part) == getattr(other, part) for part in parts) and torch.equal(
        one.latents, other.latents
    )


SIZES = st.lists(st.tuples(st.integers(16, 200), st.integers(16, 200)), min_size=1, max_size=7)


@settings(max_examples=15)
@given(
    sizes=SIZES,
    repeats=st.integers(1, 4),
    batch_size=st.integers(1, 4),
    epoch=st.integers(0, 5),
    start=st.integers(0, 30),
    crop=st.sampled_from(["center", "random", "focal"]),
)
def test_each_picture_comes_as_often_as_it_repeats_and_an_epoch_goes_on_in_its_middle(
    sizes, repeats, batch_size, epoch, start, crop
):
    with tempfile.TemporaryDirectory() as name:
        folder = fill(Path(name), sizes)
        fields = {"repeats": repeats, "batch_size": batch_size, "crop": crop, "flip": True, "shuffle": True}
        source = make_source(folder, **fields)
        batches = list(source.epoch(epoch))
        shown = Counter(file for batch in batches for file in batch.names)
        assert len(batches) == source.steps_per_epoch
        assert shown == {f"{number:03}.png": repeats for number in range(len(sizes))}
        assert all(len(batch.names) <= batch_size for batch in batches)
        tail = list(make_source(folder, **fields).epoch(epoch, start))
        assert len(tail) == len(batches[start:])
        assert all(map(same, tail, batches[start:]))


def test_another_seed_or_epoch_has_another_order(tmp_path):
    folder = fill(tmp_path, [(64, 64)] * 8)
    names = [
        [batch.names for batch in make_source(folder, seed=seed).epoch(epoch)]
        for seed, epoch in ((1, 0), (1, 1), (2, 0))
    ]
    assert len({str(each) for each in names}) == 3


def test_global_random_numbers_are_left_alone(tmp_path):
    source = make_source(fill(tmp_path, [(64, 40)] * 3), crop="random", shuffle=True)
    torch.manual_seed(5)
    expected = torch.rand(4)
    torch.manual_seed(5)
    list(source.epoch(0))
    assert torch.equal(torch.rand(4), expected)
