"""The hash of an extension's code, and files that lead out of it."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.core.errors import UnusableFile
from webui.library.community.git import FetchLimits
from webui.library.community.records import InstallRecord, InstallRecords, is_trusted
from webui.library.community.tree import check_checkout, drop_compiled, tree_hash


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "extensions" / "one"
    (folder / "scripts").mkdir(parents=True)
    (folder / "scripts" / "a.py").write_text("x = 1\n")
    (folder / "javascript").mkdir()
    (folder / "javascript" / "a.js").write_text("x = 1\n")
    (folder / "requirements.txt").write_text("lxml\n")
    (folder / "words.txt").write_text("one\n")
    return folder


@pytest.mark.parametrize(
    "path",
    ["scripts/a.py", "scripts/b.py", "javascript/a.js", "javascript/c.mjs", "style.css", "install.py",
     "preload.py", "requirements.txt", "requirements_versions.txt", "metadata.ini", "lib/x.so",
     "scripts/a.pyc", "web/index.html", "go.sh"],
)  # fmt: skip
def test_a_file_that_can_run_changes_the_hash_when_it_changes_comes_or_goes(folder, path):
    before = tree_hash(folder)
    target = folder / path
    old = target.read_bytes() if target.exists() else None
    target.parent.mkdir(exist_ok=True)
    target.write_text("something else")
    assert tree_hash(folder) != before
    if old is None:
        target.unlink()
    else:
        target.write_bytes(old)
    assert tree_hash(folder) == before


def test_what_an_extension_writes_for_itself_does_not_change_the_hash(folder):
    before = tree_hash(folder)
    (folder / "words.txt").write_text("two\n")
    (folder / "tmp").mkdir()
    (folder / "tmp" / "cache.json").write_text("{}")
    (folder / "scripts" / "__pycache__").mkdir()
    (folder / "scripts" / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"x")
    (folder / ".git").mkdir()
    (folder / ".git" / "index.py").write_text("x")
    assert tree_hash(folder) == before


@given(
    st.lists(
        st.tuples(st.text("ab", min_size=1, max_size=3), st.binary(max_size=4)), unique_by=lambda it: it[0]
    )
)
def test_the_hash_is_of_names_and_contents_and_of_nothing_else(tmp_path_factory, files):
    def write(order):
        folder = tmp_path_factory.mktemp("tree")
        for name, content in order:
            (folder / f"{name}.py").write_bytes(content)
        return tree_hash(folder)

    assert write(files) == write(files[::-1])
    if files:
        (name, content), *others = files
        assert write([(name, content + b"!"), *others]) != write(files)
        assert write([(name + "c", content), *others]) != write(files)


@pytest.mark.parametrize("target", ["/etc/passwd", "../../secret", "..", ".git/config", "scripts/../../.."])
def test_a_link_that_leads_out_is_refused(folder, target):
    (folder / ".git").mkdir()
    (folder / "link").symlink_to(target)
    with pytest.raises(UnusableFile, match="link that leads out"):
        check_checkout(folder, FetchLimits())


def test_a_link_inside_is_kept_and_counts(folder):
    before = tree_hash(folder)
    (folder / "link.py").symlink_to("scripts/a.py")
    check_checkout(folder, FetchLimits())
    assert tree_hash(folder) != before


def test_a_linked_folder_that_leads_out_and_a_pipe_are_refused(folder, tmp_path):
    (folder / "lib").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(UnusableFile, match="link"):
        check_checkout(folder, FetchLimits())
    (folder / "lib").unlink()
    os.mkfifo(folder / "pipe")
    with pytest.raises(UnusableFile, match="no file"):
        check_checkout(folder, FetchLimits())
    (folder / "pipe").rename(folder / "pipe.py")
    assert tree_hash(folder)


def test_too_many_files_and_bytes_are_refused(folder):
    with pytest.raises(UnusableFile, match="more than 2 files"):
        check_checkout(folder, FetchLimits(files=2))
    with pytest.raises(UnusableFile, match="MB"):
        check_checkout(folder, FetchLimits(size_bytes=10))


def test_what_looks_compiled_is_dropped(folder):
    (folder / "scripts" / "__pycache__").mkdir()
    (folder / "scripts" / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"evil")
    drop_compiled(folder)
    assert not (folder / "scripts" / "__pycache__").exists()


def test_an_accepted_tree_is_trusted_and_a_changed_one_is_named(folder, tmp_path):
    data = tmp_path / "data"
    assert is_trusted(data, folder) == ""
    InstallRecords(data).write(InstallRecord(name="one", tree=tree_hash(folder)))
    assert is_trusted(data, folder) == ""
    (folder / "scripts" / "a.py").write_text("x = 2\n")
    assert "'one'" in is_trusted(data, folder) and "changed it on disk" in is_trusted(data, folder)
    (data / "extension-records" / "one.json").write_text("{")
    assert "cannot be read" in is_trusted(data, folder)
