import asyncio
import os
import threading
import time
from pathlib import Path

import pytest

from webui.core.flags import read_flags
from webui.main import build_services, running, written_folders
from webui.store.files.atomic import write_beside
from webui.store.files.staging import COPY_PREFIX
from webui.store.files.sweep import WrittenFolders, keep_outermost, sweep
from webui.store.pictures.numbering import Numbering

OURS = [
    "grid-abc_1234.tmp",
    ".abcd_123.tmp",
    ".00012.numbered.tmp",
    ".grid-0003.numbered.tmp",
    f"{COPY_PREFIX}0123456789abcdef.tmp",
]
OTHERS = [
    *(
        "notes.tmp",
        ".hidden.tmp",
        ".ABCD_123.tmp",
        "x.abcd_123.tmp",
        ".abcd_123.tmp.png",
        ".abcd_123",
        "00012.png",
    ),
    *(".12.numbered.tmp", ".x.numbered.tmp", "model.safetensors", ".abcd-123.tmp"),
]
HOUR_S = 3600


def put(path: Path, age_s: float = HOUR_S) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("half")
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def test_half_written_files_go_and_all_others_stay(tmp_path):
    gone = [put(tmp_path / folder / name) for name in OURS for folder in ("", "a", "a/b")]
    stay = [put(tmp_path / folder / name) for name in OTHERS for folder in ("", "a/b")]
    assert sweep(WrittenFolders([tmp_path, tmp_path / "a", tmp_path / "none"]), time.time()) == len(gone)
    assert not any(path.exists() for path in gone)
    assert all(path.exists() for path in stay)


def test_what_is_younger_than_the_start_stays(tmp_path):
    started = time.time() - 60
    old, young = put(tmp_path / OURS[0], 120), put(tmp_path / OURS[1], 30)
    assert sweep(WrittenFolders([tmp_path]), started) == 1
    assert (old.exists(), young.exists()) == (False, True)


def test_only_the_files_of_a_flat_folder_are_looked_at(tmp_path):
    near, far = put(tmp_path / OURS[0]), put(tmp_path / "a" / OURS[0])
    assert sweep(WrittenFolders([], [tmp_path, tmp_path / "none"]), time.time()) == 1
    assert (near.exists(), far.exists()) == (False, True)


def test_links_pipes_and_folders_of_such_names_stay(tmp_path):
    outside = put(tmp_path / "outside" / OURS[0])
    inside = tmp_path / "inside"
    (inside / OURS[0]).mkdir(parents=True)
    (inside / OURS[1]).symlink_to(outside)
    os.mkfifo(inside / OURS[2])
    (inside / "link").symlink_to(outside.parent)
    for name in (OURS[0], OURS[2]):
        os.utime(inside / name, (0, 0))
    assert sweep(WrittenFolders([inside]), time.time()) == 0
    assert outside.exists()


def test_a_folder_is_walked_once(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert keep_outermost([tmp_path / "a" / "b", tmp_path / "a", tmp_path / "link"]) == [tmp_path / "a"]


def test_the_names_are_those_that_the_program_gives(tmp_path):
    """Files that really are being written: swept once they are old."""
    with (
        write_beside(tmp_path / "x.png", b"half") as temporary,
        Numbering().reserved(tmp_path) as reservation,
    ):
        for path in (temporary, reservation.marker):
            os.utime(path, (0, 0))
        assert sweep(WrittenFolders([tmp_path]), time.time()) == 2


@pytest.fixture
def services(tmp_path: Path):
    flags, _ = read_flags(["--data-dir", str(tmp_path / "home"), "--lora-dir", str(tmp_path / "loras")])
    return build_services(flags, tmp_path)


def test_a_start_clears_every_folder_that_is_written_to(services, tmp_path):
    home = tmp_path / "home"
    folders = [
        *(
            "data/inputs/ab",
            "data/thumbnails",
            "outputs/txt2img-images/2026",
            "outputs/init-images",
            "log/images",
        ),
        *("models/Lora/sub", "embeddings", "wildcards/sub", "", "../loras"),
    ]
    gone = [put(home / folder / OURS[0]) for folder in folders]
    stays = put(home / "mine" / OURS[0])

    async def run() -> None:
        async with running(services):
            end = time.monotonic() + 20
            while any(path.exists() for path in gone) and time.monotonic() < end:
                await asyncio.sleep(0.05)

    asyncio.run(run())
    assert [path for path in gone if path.exists()] == []
    assert stays.exists()
    assert "sweep" not in [thread.name for thread in threading.enumerate()]
    assert home / "data" in written_folders(services).whole
