import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

import webui.store.pictures.numbering as numbering_module
from webui.store.pictures.numbering import Numbering, add_number, next_number


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def save(numbering, folder, ending="-1.png", basename=""):
    with numbering.reserved(folder, basename) as reservation:
        path = folder / f"{add_number(basename, reservation.number)}{ending}"
        assert numbering.publish(reservation, path, basename)
    return path.name


def test_numbers_are_written_as_A1111_writes_them():
    assert add_number("", 7) == "00007"
    assert add_number("", 123456) == "123456"
    assert add_number("grid", 7) == "grid-0007"


@pytest.mark.parametrize(
    ("names", "basename", "expected"),
    [
        ([], "", 0),
        (["00004-9.png", "00002-1.png"], "", 5),
        (["00007.png", "x.png", "readme", "-5.png"], "", 8),
        (["grid-0003.png", "00009-1.png"], "grid", 4),
        (["grid-0003.png"], "", 0),
        (["00011.copy-x.png"], "", 0),
        (["20240309123005123456789-1.png"], "", 0),
    ],
)
def test_the_next_number_is_one_more_than_the_largest(tmp_path, names, basename, expected):
    for name in names:
        (tmp_path / name).touch()
    assert next_number(tmp_path, basename) == expected


def test_pictures_saved_one_after_another_count_up_and_leave_nothing_else(tmp_path):
    numbering = Numbering()
    assert [save(numbering, tmp_path) for _ in range(3)] == ["00000-1.png", "00001-1.png", "00002-1.png"]
    assert len(names_in(tmp_path)) == 3


def test_the_folder_is_listed_once_as_long_as_nobody_else_writes(tmp_path, monkeypatch):
    listed = []
    monkeypatch.setattr(
        numbering_module, "next_number", lambda *place: listed.append(place) or next_number(*place)
    )
    numbering = Numbering()
    for _ in range(5):
        save(numbering, tmp_path)
    assert len(listed) == 1
    time.sleep(0.02)
    (tmp_path / "00041-1.png").touch()
    assert save(numbering, tmp_path) == "00042-1.png"
    assert len(listed) == 2


def test_deleted_pictures_free_their_numbers_as_in_A1111(tmp_path):
    numbering = Numbering()
    names = [save(numbering, tmp_path) for _ in range(3)]
    time.sleep(0.02)
    for name in names[1:]:
        (tmp_path / name).unlink()
    assert save(numbering, tmp_path) == "00001-1.png"


def test_a_failed_picture_gives_its_number_back(tmp_path):
    numbering = Numbering()
    with pytest.raises(ZeroDivisionError), numbering.reserved(tmp_path):
        raise ZeroDivisionError
    assert names_in(tmp_path) == []
    assert save(numbering, tmp_path) == "00000-1.png"


def test_a_taken_name_is_not_replaced(tmp_path):
    numbering = Numbering()
    taken = tmp_path / "00000-1.png"
    with numbering.reserved(tmp_path) as reservation:
        taken.write_bytes(b"mine")
        assert not numbering.publish(reservation, taken)
    assert taken.read_bytes() == b"mine"


def test_what_a_dead_server_left_is_cleared_away(tmp_path):
    marker = tmp_path / ".00005.numbered.tmp"
    marker.touch()
    assert next_number(tmp_path) == 6
    os.utime(marker, (1, 1))
    assert next_number(tmp_path) == 0
    assert not marker.exists()


def test_threads_and_grids_share_a_folder_without_a_number_twice(tmp_path):
    numbering = Numbering()
    names: list[str] = []

    def work(seed):
        for _ in range(15):
            names.append(save(numbering, tmp_path, f"-{seed}.png"))
            names.append(save(numbering, tmp_path, ".png", "grid"))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(name.split("-")[0] for name in names if not name.startswith("grid")) == [
        f"{number:05}" for number in range(60)
    ]
    assert sorted(name for name in names if name.startswith("grid")) == [
        f"grid-{n:04}.png" for n in range(60)
    ]
    assert names_in(tmp_path) == sorted(names)


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be locked there")
def test_servers_share_a_folder_without_a_number_twice(tmp_path):
    program = textwrap.dedent("""
        import sys
        from pathlib import Path
        from webui.store.pictures.numbering import Numbering
        numbering, folder = Numbering(), Path(sys.argv[1])
        for _ in range(40):
            with numbering.reserved(folder) as reservation:
                path = folder / f"{reservation.number:05}-{sys.argv[2]}.png"
                assert numbering.publish(reservation, path)
    """)
    servers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path), str(seed)], cwd=Path(__file__).parents[3]
        )
        for seed in range(3)
    ]
    assert [server.wait() for server in servers] == [0, 0, 0]
    assert [name.split("-")[0] for name in names_in(tmp_path)] == [f"{number:05}" for number in range(120)]
