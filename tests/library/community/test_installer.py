"""Fetching from hostile and from plain hosts, replacing, and what a killed program leaves."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.repositories import git, serve_repositories
from webui.core.errors import InvalidRequest, UnusableFile, WebuiError
from webui.library.community.community import Community, recover_extensions
from webui.library.community.git import FetchLimits
from webui.library.community.installer import StagedExtension
from webui.library.community.records import InstallRecord, InstallRecords
from webui.library.community.repository import RepositoryAddress
from webui.library.community.staging_area import StagingArea
from webui.library.community.tree import tree_hash
from webui.library.fetch.sites import Sites
from webui.library.fetch.web import Web

ROOT = Path(__file__).parents[3]
FILES = {"scripts/a.py": "x = 1\n"}


def build(tmp_path, limits=None) -> Community:
    home = tmp_path / "extensions"
    return Community.build(
        home, tmp_path / "shipped", tmp_path / "data", Web(Sites(), lambda _: None), os.environ, limits
    )


def stage(community, url: str, **more) -> StagedExtension:
    *_, last = community.installer.stage(RepositoryAddress.read(url, **more), "ann")
    assert last.staged is not None
    return last.staged


def install(community, url: str, **more) -> InstallRecord:
    return community.installer.accept(stage(community, url, **more).token, "ann")


def left(tmp_path) -> list[str]:
    """What lies in the folder of extensions, hidden folders with something in them too."""
    home = tmp_path / "extensions"
    hidden = [each.name for each in home.glob(".*") if any(each.iterdir())]
    return sorted([*hidden, *(each.name for each in home.glob("[!.]*"))])


@pytest.fixture(params=[False, True], ids=["git's own server", "a server of files"])
def served(request, tmp_path):
    (tmp_path / "remote").mkdir()
    with serve_repositories(tmp_path / "remote", is_dumb=request.param) as served:
        yield served


@pytest.fixture
def plain(tmp_path):
    (tmp_path / "remote").mkdir()
    with serve_repositories(tmp_path / "remote") as served:
        yield served


def test_a_branch_a_commit_and_a_short_commit_are_what_is_installed(served, tmp_path):
    first = served.make("one", FILES)
    second = served.commit("one", {"scripts/a.py": "x = 2\n"})
    other = served.commit("one", {"scripts/a.py": "x = 3\n"}, branch="try/it")
    folder = tmp_path / "extensions" / "one"
    community = build(tmp_path)
    for more, commit, text in (
        ({}, second, "x = 2\n"),
        ({"branch": "try/it"}, other, "x = 3\n"),
        ({"commit": first}, first, "x = 1\n"),
        ({"commit": first[:8]}, first, "x = 1\n"),
    ):
        record = install(community, served.url("one"), **more)
        assert (record.commit, (folder / "scripts" / "a.py").read_text()) == (commit, text)
        assert record.is_pinned == ("commit" in more)
        assert git(folder, "rev-parse", "HEAD") == commit
        assert git(folder, "status", "--porcelain") == ""
        community.installer.remove("one", "ann")


@pytest.mark.parametrize("more", [{"branch": "none"}, {"commit": "a" * 40}, {"commit": "abcdef12"}])
def test_a_state_that_is_not_there_is_refused_and_leaves_nothing(served, tmp_path, more):
    served.make("one", FILES)
    with pytest.raises(WebuiError, match=r"no (such )?(branch|commit)"):
        stage(build(tmp_path), served.url("one"), **more)
    assert left(tmp_path) == []


def test_no_such_repository_and_no_server_are_told(plain, tmp_path):
    community = build(tmp_path)
    with pytest.raises(WebuiError, match="no such repository"):
        stage(community, f"{plain.address}/none.git")
    with pytest.raises(WebuiError, match="cannot be reached"):
        stage(community, "http://127.0.0.1:9/none")
    assert left(tmp_path) == []


def test_what_is_no_extension_is_refused(plain, tmp_path):
    plain.make("notes", {"README.md": "hello"})
    with pytest.raises(UnusableFile, match="no extension"):
        stage(build(tmp_path), plain.url("notes"))
    assert left(tmp_path) == []


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../secret", ".git/config"])
def test_a_link_out_of_the_checkout_is_refused(plain, tmp_path, target):
    plain.make("linked", FILES)
    plain.link("linked", "link", target)
    with pytest.raises(UnusableFile, match="link"):
        stage(build(tmp_path), plain.url("linked"))
    assert left(tmp_path) == []


def test_submodules_of_this_disk_are_not_fetched_and_hooks_and_settings_of_this_machine_are_not_used(
    plain, tmp_path, monkeypatch
):
    plain.make("inner", FILES)
    plain.make("outer", FILES)
    work = plain.home / ".work" / "outer"
    git(
        work,
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "add",
        "--quiet",
        str(plain.home / "inner.git"),
        "inner",
    )
    git(work, "commit", "--quiet", "--message", "Add")
    plain.push("outer")
    ran = tmp_path / "ran"
    own = tmp_path / "own"
    (own / "hooks").mkdir(parents=True)
    hook = own / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {ran}\n")
    hook.chmod(0o755)
    (own / ".gitconfig").write_text(
        f'[core]\n\thooksPath = {own / "hooks"}\n\tfsmonitor = "touch {ran}"\n'
        f'[url "file:///nowhere/"]\n\tinsteadOf = {plain.address}\n[submodule]\n\trecurse = true\n'
    )
    monkeypatch.setenv("HOME", str(own))
    monkeypatch.setenv("GIT_DIR", str(own))
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(own))
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", f"'core.hooksPath={own / 'hooks'}'")
    record = install(build(tmp_path), plain.url("outer"))
    assert record.name == "outer" and not ran.exists()
    assert not list((tmp_path / "extensions" / "outer" / "inner").iterdir())


@pytest.mark.parametrize("is_relative", [False, True])
def test_a_submodule_is_fetched_at_its_commit_and_belongs_to_the_extension(served, tmp_path, is_relative):
    first = served.make("inner", {"own.py": "x = 1\n", "list.txt": "a"})
    served.make("outer", FILES)
    work = served.home / ".work" / "outer"
    allowed = ("-c", "protocol.file.allow=always", "submodule", "add", "--quiet")
    git(work, *allowed, str(served.home / "inner.git"), "lib/inner")
    address = "../inner.git" if is_relative else served.url("inner")
    git(work, "config", "--file", ".gitmodules", "submodule.lib/inner.url", address)
    git(work, "commit", "--quiet", "--all", "--message", "Add")
    served.push("outer")
    served.commit("inner", {"own.py": "x = 2\n"})
    record = install(build(tmp_path), served.url("outer"))
    folder = tmp_path / "extensions" / "outer"
    assert (folder / "lib" / "inner" / "own.py").read_text() == "x = 1\n"
    assert git(folder / "lib" / "inner", "rev-parse", "HEAD") == first
    assert {"scripts/a.py", "lib/inner/own.py", "lib/inner/list.txt"} <= set(record.files)
    assert git(folder, "status", "--porcelain") == ""
    (folder / "lib" / "inner" / "own.py").write_text("x = 3\n")
    assert tree_hash(folder) != record.tree


def test_a_submodule_that_cannot_be_had_is_left_out(plain, tmp_path):
    plain.make("inner", FILES)
    plain.make("outer", FILES)
    work = plain.home / ".work" / "outer"
    for at, url in enumerate((plain.url("none"), "git@host.test:a/b", f"{plain.address}/../x", "../outer")):
        allowed = ("-c", "protocol.file.allow=always", "submodule", "add", "--quiet")
        git(work, *allowed, str(plain.home / "inner.git"), f"inner{at}")
        git(work, "config", "--file", ".gitmodules", f"submodule.inner{at}.url", url)
    git(work, "commit", "--quiet", "--all", "--message", "Add")
    plain.push("outer")
    record = install(build(tmp_path), plain.url("outer"))
    assert [name for name in record.files if name.startswith("inner")] == [f"inner{at}" for at in range(4)]
    assert (tmp_path / "extensions" / "outer" / "scripts" / "a.py").read_text() == "x = 1\n"


def test_a_repository_that_sends_elsewhere_is_not_followed(plain, tmp_path):
    plain.make("one", FILES)
    (plain.home / "away.git").mkdir()
    (plain.home / "away.git" / "info").mkdir()
    for url in ("file:///etc", "ext::sh"):
        community = build(tmp_path)
        with pytest.raises(InvalidRequest):
            stage(community, url)


def test_a_repository_that_is_too_large_or_too_slow_is_given_up(plain, tmp_path):
    plain.make("large", FILES | {"data.bin": os.urandom(400_000)})
    with pytest.raises(WebuiError, match="MB"):
        stage(build(tmp_path, FetchLimits(size_bytes=100_000)), plain.url("large"))
    with pytest.raises(WebuiError, match="files"):
        stage(build(tmp_path, FetchLimits(files=1)), plain.url("large"))
    with pytest.raises(WebuiError, match="within"):
        stage(build(tmp_path, FetchLimits(seconds=0.0001, asking_s=0.0001)), plain.url("large"))
    assert left(tmp_path) == []


def test_who_stops_reading_stops_the_fetching_and_leaves_nothing(plain, tmp_path):
    plain.make("one", FILES)
    steps = build(tmp_path).installer.stage(RepositoryAddress.read(plain.url("one")), "ann")
    next(steps)
    steps.close()
    assert left(tmp_path) == []


def test_an_extension_of_the_same_name_is_never_overwritten(plain, tmp_path):
    plain.make("One", FILES)
    community = build(tmp_path)
    mine = tmp_path / "extensions" / "one"
    mine.mkdir(parents=True)
    with pytest.raises(InvalidRequest, match="already"):
        stage(community, plain.url("One"))
    mine.rename(tmp_path / "extensions" / "two")
    staged = stage(community, plain.url("One"))
    (tmp_path / "extensions" / "one").mkdir()
    with pytest.raises(InvalidRequest, match="already"):
        community.installer.accept(staged.token, "ann")
    (tmp_path / "shipped" / "three").mkdir(parents=True)
    plain.make("Three", FILES)
    with pytest.raises(InvalidRequest, match="already"):
        stage(community, plain.url("Three"))


def test_what_was_changed_since_it_was_shown_is_not_installed(plain, tmp_path):
    plain.make("one", FILES)
    community = build(tmp_path)
    staged = stage(community, plain.url("one"))
    (staged.place.checkout / "scripts" / "a.py").write_text("evil = 1\n")
    with pytest.raises(UnusableFile, match="changed since"):
        community.installer.accept(staged.token, "ann")
    assert left(tmp_path) == []


def test_compiled_files_of_a_repository_are_not_kept(plain, tmp_path):
    plain.make("one", FILES | {"scripts/__pycache__/a.cpython-311.pyc": b"evil"})
    install(build(tmp_path), plain.url("one"))
    assert not (tmp_path / "extensions" / "one" / "scripts" / "__pycache__").exists()


def test_an_earlier_state_that_was_changed_on_disk_is_not_rolled_back_to(plain, tmp_path):
    plain.make("one", FILES)
    community = build(tmp_path)
    install(community, plain.url("one"))
    second = plain.commit("one", {"scripts/a.py": "x = 2\n"})
    *_, last = community.installer.stage_update("one", "ann")
    community.installer.accept(last.staged.token, "ann")
    assert community.installed.describe("one").commit == second
    (tmp_path / "extensions" / ".previous" / "one" / "scripts" / "a.py").write_text("evil = 1\n")
    with pytest.raises(UnusableFile, match="changed on disk"):
        community.installer.roll_back("one", "ann")
    assert (tmp_path / "extensions" / "one" / "scripts" / "a.py").read_text() == "x = 2\n"


def test_a_folder_put_there_by_hand_is_updated_and_keeps_its_own_files(plain, tmp_path):
    plain.make("one", FILES | {"words.txt": "1"})
    home = tmp_path / "extensions"
    home.mkdir()
    git(home, "clone", "--quiet", plain.url("one"))
    (home / "one" / "mine.txt").write_text("mine")
    (home / "one" / "mine.py").write_text("mine = 1")
    second = plain.commit("one", {"words.txt": "2"})
    community = build(tmp_path)
    assert community.installed.describe("one").is_checked is False
    assert community.installer.look_for_update("one") == second
    *_, last = community.installer.stage_update("one", "ann")
    community.installer.accept(last.staged.token, "ann")
    described = community.installed.describe("one")
    assert (described.commit, described.distrust, described.is_checked) == (second, "", True)
    assert (home / "one" / "mine.txt").read_text() == "mine" and (
        home / "one" / "words.txt"
    ).read_text() == "2"
    # Code that nobody showed does not come along; it lies in the earlier state.
    assert not (home / "one" / "mine.py").exists() and (home / ".previous" / "one" / "mine.py").exists()
    community.installer.roll_back("one", "ann")
    assert (home / "one" / "mine.py").exists() and community.installed.describe("one").is_checked is False


def make_swap(tmp_path) -> tuple[StagingArea, InstallRecords, object, InstallRecord]:
    """An extension, and a new state of it that is ready to replace it."""
    records = InstallRecords(tmp_path / "data")
    area = StagingArea(tmp_path / "extensions", records)
    old = tmp_path / "extensions" / "one"
    (old / "scripts").mkdir(parents=True)
    (old / "scripts" / "a.py").write_text("x = 1\n")
    records.write(InstallRecord(name="one", commit="1", tree=tree_hash(old)))
    place = area.open()
    shutil.copytree(old, place.checkout, dirs_exist_ok=True)
    (place.checkout / "scripts" / "a.py").write_text("x = 2\n")
    return area, records, place, InstallRecord(name="one", commit="2", tree=tree_hash(place.checkout))


class Killed(BaseException):
    """The end of the program, at one step."""


@pytest.mark.parametrize("step", range(1, 9))
def test_whenever_a_replacement_is_cut_off_the_next_start_has_the_old_or_the_new(tmp_path, monkeypatch, step):
    area, records, place, after = make_swap(tmp_path)
    count = 0
    rename, replace = Path.rename, Path.replace

    def cut(function):
        def counted(self, target):
            nonlocal count
            count += 1
            if count == step:
                raise Killed
            return function(self, target)

        return counted

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", cut(rename))
        patch.setattr(Path, "replace", cut(replace))
        with contextlib.suppress(Killed):
            area.replace(place, "one", records.read("one"), after)
    recover_extensions(tmp_path / "extensions", tmp_path / "data")
    folder = tmp_path / "extensions" / "one"
    text = (folder / "scripts" / "a.py").read_text()
    record = records.read("one")
    assert record is not None and record.commit == text.strip()[-1]
    assert records.explain_distrust(folder) == ""
    assert not any((tmp_path / "extensions" / ".incoming").iterdir())
    if count < step:
        assert text == "x = 2\n"


KILLED = """
import os, sys, time
from pathlib import Path
from tests.library.community.test_installer import build, stage
community = build(Path(sys.argv[1]))
if sys.argv[3] == "staged":
    stage(community, sys.argv[2])
    print("ready", flush=True)
    time.sleep(60)
from webui.library.community.repository import RepositoryAddress
steps = community.installer.stage(RepositoryAddress.read(sys.argv[2]), "ann")
next(steps)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("state", ["fetching", "staged"])
def test_a_program_that_is_killed_in_mid_install_leaves_nothing_half_installed(plain, tmp_path, state):
    plain.make("one", FILES)
    command = [sys.executable, "-c", KILLED, str(tmp_path), plain.url("one"), state]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "extensions" / "one").exists()
    # A git that it left ends by itself; the next start finds what it wrote.
    until = time.monotonic() + 20
    while left(tmp_path) and time.monotonic() < until:
        recover_extensions(tmp_path / "extensions", tmp_path / "data")
    assert left(tmp_path) == []
    assert install(build(tmp_path), plain.url("one")).name == "one"
