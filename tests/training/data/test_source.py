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

from webui.core.work.training_run import TrainingRun
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


def test_pictures_of_the_class_come_as_often_as_the_others_and_take_turns(tmp_path):
    folder = fill(tmp_path / "set", [(64, 64)] * 2)
    classes = fill(tmp_path / "class", [(64, 64)] * 5)
    source = make_source(folder, regularisation=str(classes), prior_weight=0.5, repeats=2, trigger="sks")
    epochs = [list(source.epoch(number)) for number in range(5)]
    assert {len(batches) for batches in epochs} == {source.steps_per_epoch} == {8}
    shown = [each for batches in epochs for each in batches]
    weights = [float(batch.weights[0]) for batch in shown]
    assert weights.count(0.5) == weights.count(1.0) == 20
    of_class = Counter(batch.names[0] for batch in shown if batch.weights[0] == 0.5)
    assert set(of_class.values()) == {4} and len(of_class) == 5
    assert all(("sks" in batch.captions[0]) == (batch.weights[0] == 1) for batch in shown)


def test_a_mirrored_picture_is_mirrored_with_its_mask_and_hint_every_second_time(tmp_path):
    pixels = Image.new("RGBA", (64, 64), (255, 0, 0, 255))
    pixels.paste((0, 0, 255, 0), (32, 0, 64, 64))
    pixels.save(tmp_path / "a.png")
    pixels.convert("RGB").save(tmp_path / "a.hint.png")
    source = make_source(tmp_path, repeats=4, flip=True, masks=True, method="controlnet")
    sides = []
    for batch in source.epoch(0):
        left, right = batch.latents[0, :, 2, 1], batch.latents[0, :, 2, 6]
        is_mirrored = bool(right[1] < left[1])
        sides.append(is_mirrored)
        red, white = (right, left) if is_mirrored else (left, right)
        assert torch.allclose(red, torch.tensor([1.0, 0, 0])) and torch.allclose(white, torch.ones(3))
        assert batch.mask is not None and batch.hints is not None
        assert batch.mask[0, 0, 2].tolist() == (
            [0.0] * 4 + [1.0] * 4 if is_mirrored else [1.0] * 4 + [0.0] * 4
        )
        assert bool(batch.hints[0, 2, 5, 5] > 0.9) == is_mirrored
    assert sorted(sides) == [False, False, True, True]


def test_latents_are_encoded_once_and_made_again_where_files_are_damaged(tmp_path):
    folder = fill(tmp_path / "set", [(64, 40)] * 3)
    calls: list[int] = []

    def count(image: Tensor) -> Tensor:
        calls.append(1)
        return encode(image)

    def run() -> list[TrainingBatch]:
        asked = make_run(folder, batch_size=2)
        return list(BatchSource(read_data(folder, asked), asked, count, tmp_path / "cache").epoch(0))

    first = run()
    # One of them tells the encoder from others.
    assert len(calls) == 4
    assert all(map(same, run(), first)) and len(calls) == 5
    for number, file in enumerate(sorted((tmp_path / "cache").rglob("*.safetensors"))):
        data = file.read_bytes()
        file.write_bytes([data[: len(data) // 2], b"", b"x" * 90][number])
    assert all(map(same, run(), first)) and len(calls) == 9
    Image.new("RGB", (64, 40), "white").save(folder / "000.png")
    assert not all(map(same, run(), first)) and len(calls) == 11


def test_where_latents_cannot_be_kept_the_run_goes_on_and_says_so_once(tmp_path):
    folder = fill(tmp_path / "set", [(64, 64)] * 3)
    (tmp_path / "cache").write_text("a file in the way")
    told: list[str] = []
    run = make_run(folder)
    source = BatchSource(read_data(folder, run), run, encode, tmp_path / "cache", told.append)
    assert len(list(source.epoch(0))) == 3
    assert len(told) == 1 and "goes on without keeping latents" in told[0]


def test_a_picture_that_vanishes_in_a_run_is_named_and_another_takes_its_place(tmp_path):
    folder = fill(tmp_path, [(64, 64)] * 3)
    told: list[str] = []
    run = make_run(folder)
    source = BatchSource(read_data(folder, run), run, encode, folder / ".cache", told.append)
    (folder / "001.png").unlink()
    shown = Counter(batch.names[0] for batch in source.epoch(0))
    assert shown == {"000.png": 1, "002.png": 2}
    assert len(told) == 1 and "001.png" in told[0]


def test_a_focal_crop_shows_what_stands_out(tmp_path):
    picture = Image.new("RGB", (256, 64), "grey")
    picture.paste("red", (210, 20, 234, 44))
    picture.save(tmp_path / "a.png")
    (batch,) = make_source(tmp_path, bucketing=False, crop="focal").epoch(0)
    (size,) = batch.sizes
    assert size.crop_left <= 205 and size.crop_left + size.width >= 234
    assert (size.original_width, size.original_height) == (256, 64)
