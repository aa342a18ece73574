"""Kept latents: whole files, limits, and what is offered after a crash."""

import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from webui.core.errors import NotFound, UnusableFile
from webui.core.request import GenerationRequest
from webui.core.request_infotext import PictureFacts
from webui.store.pictures.latents import FinishedBatch, KeepLimits, Latents, encode_batch

MANY = KeepLimits(100, 10**9)
FACTS = PictureFacts(model_name="m", effects=frozenset({"Pad conds", "NGMS"}), entries={"Extra": "1"})


def batch(pictures: int = 2, *, side: int = 4, first: int = 0) -> FinishedBatch:
    """Latents of zeros."""
    shape = (pictures, 4, side, side)
    return FinishedBatch(
        GenerationRequest(prompt="a fox", batch_size=pictures),
        first,
        shape,
        bytes(4 * pictures * 4 * side * side),
        "model.safetensors [0123456789]",
        FACTS,
    )


@pytest.fixture
def latents(tmp_path):
    return Latents(tmp_path / "latents")


def keep(latents: Latents, *, done: int = 2, limits: KeepLimits = MANY) -> str:
    """Keep a batch of two and decode `done` of them."""
    with latents.store(batch(), limits) as kept:
        for _ in range(done):
            kept.done()
        return kept.id


def test_a_kept_batch_comes_back_as_it_was(latents):
    given = batch(3, first=6)
    with latents.store(given, MANY) as kept:
        assert latents.open(kept.id) == given
    assert latents.open(kept.id) == given


def test_other_tools_read_the_file(tmp_path):
    numbers = struct.pack("<16f", *range(16))
    path = tmp_path / "x.safetensors"
    path.write_bytes(encode_batch(FinishedBatch(GenerationRequest(), 0, (1, 4, 2, 2), numbers, "m", FACTS)))
    tensor = load_file(path)["latent"]
    assert tensor.shape == (1, 4, 2, 2)
    assert tensor.flatten().tolist() == list(range(16))


def test_a_batch_is_unfinished_until_all_its_pictures_are_saved(latents):
    keep(latents, done=2)
    half = keep(latents, done=1)
    none = keep(latents, done=0)
    assert [(file.id, file.left) for file in latents.unfinished()] == [(half, 1), (none, 2)]


def test_a_batch_that_is_being_decoded_is_not_offered(latents):
    with latents.store(batch(), MANY) as kept:
        assert latents.unfinished() == ()
    with latents.resume(kept.id):
        assert latents.unfinished() == ()
    assert [file.id for file in latents.unfinished()] == [kept.id]


def test_a_batch_whose_decoding_failed_is_offered_at_once(latents):
    with pytest.raises(ZeroDivisionError), latents.store(batch(), MANY) as kept:
        kept.done()
        raise ZeroDivisionError
    assert [file.left for file in latents.unfinished()] == [1]


def test_resuming_goes_on_where_it_stopped(latents):
    half = keep(latents, done=1)
    with latents.resume(half) as kept:
        kept.done()
        # Decoding all of them again does no harm.
        kept.done()
    assert latents.unfinished() == ()
    assert latents.open(half).count == 2


def test_a_settled_batch_is_offered_no_more_but_still_kept(latents):
    left = keep(latents, done=0)
    latents.settle(left)
    assert latents.unfinished() == ()
    assert latents.has(left)


def test_the_oldest_go_when_there_are_too_many(latents):
    kept = [keep(latents, limits=KeepLimits(3, 10**9)) for _ in range(5)]
    assert [latents.has(latent) for latent in kept] == [False, False, True, True, True]
    with pytest.raises(NotFound, match="no longer kept"):
        latents.open(kept[0])


def test_the_oldest_go_when_they_take_too_much_space(latents, tmp_path):
    keep(latents)
    size = sum(path.stat().st_size for path in (tmp_path / "latents").iterdir())
    kept = [keep(latents, limits=KeepLimits(100, 2 * size)) for _ in range(3)]
    assert [latents.has(latent) for latent in kept] == [False, True, True]


def test_what_was_never_saved_outlives_what_was(latents):
    left = keep(latents, done=0)
    saved = keep(latents, limits=KeepLimits(0, 10**9))
    assert not latents.has(saved)
    assert latents.has(left)


def test_a_folder_that_cannot_be_written_is_a_warning_and_the_work_goes_on(tmp_path):
    (tmp_path / "latents").write_text("a file in the way")
    with Latents(tmp_path / "latents").store(batch(), MANY) as kept:
        kept.done()
    assert kept.id == ""
    assert kept.warning is not None
    assert "could not be kept" in kept.warning


@pytest.mark.parametrize("cut", [0, 5, 60, -3])
def test_a_damaged_file_is_told(latents, tmp_path, cut):
    latent = keep(latents)
    (path,) = (tmp_path / "latents").iterdir()
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(UnusableFile, match="damaged"):
        latents.open(latent)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "0", "x" * 300])
def test_what_is_no_latent_is_not_found(latents, name):
    with pytest.raises(NotFound):
        latents.open(name)


WRITER = """
import sys
from pathlib import Path
from tests.store.pictures.test_latents import MANY, batch
from webui.store.pictures.latents import Latents
latents = Latents(Path(sys.argv[1]))
while True:
    with latents.store(batch(4, side=512), MANY) as kept:
        print("kept", flush=True)
"""


def test_a_killed_process_leaves_whole_files_that_are_offered(tmp_path):
    folder = tmp_path / "latents"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder)],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
    )
    assert writer.stdout is not None
    for _ in range(3):
        writer.stdout.readline()
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    latents = Latents(folder)
    offered = latents.unfinished()
    assert len(offered) >= 3
    for file in offered:
        assert latents.open(file.id) == batch(4, side=512)
    for scrap in folder.glob(".*.tmp"):
        os.utime(scrap, (0, time.time() - 7200))
    latents.trim(MANY)
    assert not list(folder.glob(".*.tmp"))


def test_a_picture_that_a_saver_holds_is_not_safe_before_it_is_released(latents, tmp_path):
    with latents.store(batch(), MANY) as kept:
        for _ in range(2):
            latents.hold(kept.id)
            kept.done()
        latents.release(kept.id, is_saved=True)
    # What a killed server would leave.
    assert [file.left for file in Latents(tmp_path / "latents").unfinished()] == [1]
    # The saver is at work: nothing is offered.
    assert latents.unfinished() == ()
    latents.release(kept.id, is_saved=True)
    assert Latents(tmp_path / "latents").unfinished() == ()
    assert latents.has(kept.id)


def test_a_quick_saver_and_the_recipe_count_a_picture_once(latents):
    with latents.store(batch(3), MANY) as kept:
        latents.hold(kept.id)
        latents.release(kept.id, is_saved=True)
        kept.done()
        kept.done()
    assert [file.left for file in latents.unfinished()] == [1]


def test_after_a_picture_that_was_not_saved_the_rest_of_the_batch_is_offered(latents):
    with latents.store(batch(3), MANY) as kept:
        for _ in range(3):
            latents.hold(kept.id)
            kept.done()
    for is_saved in (True, False, True):
        latents.release(kept.id, is_saved=is_saved)
    assert [(file.id, file.left) for file in latents.unfinished()] == [(kept.id, 2)]


def test_a_batch_is_trimmed_once_its_last_picture_is_saved(latents):
    nothing = KeepLimits(0, 10**9)
    with latents.store(batch(1), nothing) as kept:
        latents.hold(kept.id)
        kept.done()
    assert latents.has(kept.id)
    latents.release(kept.id, is_saved=True)
    assert not latents.has(kept.id)


def test_holding_what_is_not_there_is_nothing(latents):
    for latent in ("", "1"):
        latents.hold(latent)
        latents.release(latent, is_saved=True)
    assert latents.unfinished() == ()
