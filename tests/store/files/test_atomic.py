import errno
import os

import pytest

from webui.core.errors import StorageError
from webui.store.files.atomic import move_exclusively, storage_errors, write_atomically, write_new


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_made_with_its_folders_and_replaced(tmp_path):
    path = tmp_path / "a" / "b.txt"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert names_in(path.parent) == ["b.txt"]


def test_a_full_disk_leaves_the_old_file_whole_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "kept.txt"
    path.write_bytes(b"old")

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="the disk is full"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["kept.txt"]


def test_a_refusal_is_a_sentence_that_names_the_path(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match=r"Cannot write .*file/x\.txt: a file stands where"):
        write_atomically(tmp_path / "file" / "x.txt", b"")


def test_an_uncommon_refusal_keeps_the_systems_words(tmp_path):
    with pytest.raises(StorageError, match="no such device"), storage_errors(tmp_path):
        raise OSError(errno.ENODEV, "No such device")


def test_a_new_file_never_takes_anothers_name(tmp_path):
    names = [write_new(tmp_path / "x.png", bytes([number])).name for number in range(3)]
    assert names == ["x.png", "x-1.png", "x-2.png"]
    assert [(tmp_path / name).read_bytes() for name in names] == [b"\0", b"\1", b"\2"]
    assert names_in(tmp_path) == sorted(names)


def test_others_may_read_what_the_folder_lets_them_read(tmp_path):
    tmp_path.chmod(0o755)
    write_atomically(tmp_path / "x", b"")
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o644


def test_moving_works_on_disks_without_hard_links(tmp_path, monkeypatch):
    def no_links(self, target):
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr("pathlib.Path.hardlink_to", no_links)
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(b"new")
    assert move_exclusively(source, target)
    assert target.read_bytes() == b"new"
    source.write_bytes(b"other")
    assert not move_exclusively(source, target)
    assert target.read_bytes() == b"new"
