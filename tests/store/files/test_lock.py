import os
import subprocess
import sys
from pathlib import Path

import pytest

from webui.core.errors import Busy
from webui.store.files.lock import LOCK_NAME, PID_NAME, DataLock

HOLD = """
import sys, pathlib
from webui.store.files.lock import DataLock
with DataLock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
ROOT = Path(__file__).parents[3]


def test_a_second_server_is_told_the_process_that_holds_the_folder(tmp_path):
    with DataLock(tmp_path / "data"), pytest.raises(Busy, match=f"process {os.getpid()}.*--data-dir"):
        DataLock(tmp_path / "data").acquire()


def test_a_released_folder_is_free_and_tidy(tmp_path):
    with DataLock(tmp_path):
        assert (tmp_path / PID_NAME).exists()
    assert not (tmp_path / PID_NAME).exists()
    with DataLock(tmp_path):
        pass


def test_two_folders_do_not_disturb_each_other(tmp_path):
    with DataLock(tmp_path / "a"), DataLock(tmp_path / "b"):
        assert (tmp_path / "a" / LOCK_NAME).exists()


def test_releasing_what_is_not_held_does_nothing(tmp_path):
    with DataLock(tmp_path):
        DataLock(tmp_path).release()
        assert (tmp_path / PID_NAME).exists()


def test_another_process_is_kept_out_and_a_dead_one_is_not_in_the_way(tmp_path):
    server = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout.readline() == "held\n"
    with pytest.raises(Busy, match=f"process {server.pid}"):
        DataLock(tmp_path).acquire()
    server.kill()
    server.communicate()
    with DataLock(tmp_path):
        assert (tmp_path / PID_NAME).read_text(encoding="ascii") == f"{os.getpid()}\n"
