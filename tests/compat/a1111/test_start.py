"""The start as a whole, in a process of its own: what it loads is global."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from webui.compat.a1111.start import with_commands

ROOT = Path(__file__).resolve().parents[3]

# Builds the program for a data folder and prints what became of it, as JSON, on its last line.
BUILD = """
import json, logging, sys
from pathlib import Path
from webui import main
from webui.core.flags import read_flags

logging.basicConfig(level="INFO")
words = sys.argv[2:]
flags, _ = read_flags(words, keep_unknown=True)
services = main.build_services(flags, Path(sys.argv[1]), arguments=words)
found = [each for each in services.extensions.records if each.origin == "a1111"]
records = [[each.name, each.state, each.error] for each in found]
compat = sorted(name for name in sys.modules if name.startswith("webui.compat"))
services.extensions.close()
print(json.dumps({"records": records, "compat": compat}))
"""


def build(root: Path, *words: str, expect: int = 0, end: str = "") -> dict[str, Any]:
    """`end` is run behind it, when the host of extensions has ended."""
    text = BUILD.replace("print(json", f"{end}\nprint(json")
    done = subprocess.run(
        [sys.executable, "-c", text, str(root), *words],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == expect, done.stderr
    answer = {"records": []} if expect else json.loads(done.stdout.splitlines()[-1])
    return answer | {"out": done.stdout, "log": done.stderr}


def write(root: Path, name: str, text: str) -> None:
    file = root / "extensions" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def test_without_a_community_extension_nothing_of_their_host_is_loaded(tmp_path):
    # A folder of something else, and an extension of the program's own kind.
    write(tmp_path, "notes/readme.txt", "nothing")
    write(tmp_path, "own/plugin.py", "")
    answer = build(tmp_path)
    assert answer["compat"] == []
    assert answer["records"] == []


def test_an_extension_that_is_off_loads_nothing_either(tmp_path):
    write(tmp_path, "theirs/scripts/a.py", "")
    answer = build(tmp_path, "--disable-extra-extensions")
    assert answer["compat"] == []
    assert answer["records"] == [["theirs", "not loaded", "The server was started without it."]]


def test_scripts_are_imported_under_the_names_of_their_files(tmp_path):
    write(tmp_path, "theirs/scripts/b.py", "print('second')")
    write(tmp_path, "theirs/scripts/a.py", "class Here: pass\nprint('first', Here.__module__)")
    write(tmp_path, "theirs/scripts/deeper/c.py", "print('never')")
    answer = build(tmp_path)
    assert answer["records"] == [["theirs", "on", ""]]
    assert answer["out"].splitlines()[:-1] == ["first a.py", "second"]
    assert "webui.compat.a1111.start" in answer["compat"]


def test_scripts_of_the_artists_own_run_without_an_extension(tmp_path):
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "xyz_grid.py").write_text("1 / 0")
    (tmp_path / "scripts" / "install.py").write_text("import sys\nassert 'install' not in sys.argv[0]")
    (tmp_path / "scripts" / "helper.py").write_text("NAME = 'helped'")
    (tmp_path / "scripts" / "mine.py").write_text(
        "import helper\nfrom modules import extensions, scripts\n"
        "print('base', scripts.basedir(), helper.NAME, extensions.extensions)\n"
    )
    answer = build(tmp_path)
    assert answer["records"] == [["Custom scripts", "on", ""]]
    assert f"base {tmp_path} helped []" in answer["out"]
    (tmp_path / "scripts" / "mine.py").write_text("1 / 0")
    [record] = build(tmp_path)["records"]
    assert record[:2] == ["Custom scripts", "on"]
    assert "scripts/mine.py (ZeroDivisionError" in record[2]


def test_a_script_that_asks_for_the_checkpoint_before_the_server_serves_is_given_it(tmp_path, golden_models):
    layers = "shared.sd_model.model.diffusion_model.named_modules()"
    count = f"sum(name.endswith('attn2') for name, _ in {layers})"
    write(tmp_path, "theirs/scripts/a.py", f"from modules import shared\nprint('layers', {count})")
    answer = build(tmp_path, "--ckpt-dir", str(golden_models), "--use-cpu", "all")
    assert answer["records"] == [["theirs", "on", ""]]
    [told] = [line for line in answer["out"].splitlines() if line.startswith("layers")]
    assert int(told.split()[1]) > 0


def test_an_extension_imports_itself_by_the_name_of_its_folder(tmp_path):
    write(tmp_path, "theirs/inner.py", "NAME = 'found'")
    write(tmp_path, "theirs/scripts/a.py", "from extensions.theirs.inner import NAME\nprint(NAME)")
    assert "found" in build(tmp_path)["out"]


def test_what_it_writes_beside_the_program_lands_in_the_data_folder(tmp_path):
    write(
        tmp_path,
        "theirs/scripts/a.py",
        "import os\nfrom modules.paths_internal import config_states_dir\n"
        "assert os.path.dirname(config_states_dir) == os.getcwd()\n"
        "os.mkdir(os.path.join(os.getcwd(), 'config_states'))\nopen('theirs.json', 'w').close()",
    )
    assert build(tmp_path)["records"] == [["theirs", "on", ""]]
    assert (tmp_path / "config_states").is_dir()
    assert (tmp_path / "theirs.json").is_file()
    assert not any((ROOT / name).exists() for name in ("config_states", "theirs.json"))


def test_its_own_flags_and_launcher_are_those_of_the_host(tmp_path):
    write(
        tmp_path,
        "theirs/scripts/a.py",
        "import launch\nfrom modules import extensions, paths, shared_cmd_options, util, errors, timer\n"
        "each = extensions.find_extension(__file__)\n"
        "print(each.name, each.remote, extensions.active() == [each], paths.models_path)\n"
        "said = launch.args\n"
        "print(said is shared_cmd_options.cmd_opts, said.gradio_allowed_path, said.api)\n"
        "print('kept:', open(launch.args.ui_config_file).read(), open(launch.args.ui_settings_file).read())\n"
        "errors.run(lambda: 1 / 0, 'dividing')\n"
        "assert errors.get_exceptions()[0]['exception'] == 'division by zero'",
    )
    answer = build(tmp_path)
    assert (tmp_path / "localizations").is_dir()
    assert f"theirs None True {tmp_path}/models\nTrue ['{tmp_path}/extensions'] True\n" in answer["out"]
    assert "kept: {} {}" in answer["out"]
    [[_, state, error]] = answer["records"]
    assert state == "on"
    assert "ZeroDivisionError" in error


# As extensions do that install what they need themselves, each with a wheel of numpy's name beside it.
INSTALLS = """
import os, subprocess, sys, zipfile
with zipfile.ZipFile("numpy-1.0-py3-none-any.whl", "w") as wheel:
    about = "numpy-1.0.dist-info/"
    wheel.writestr(about + "METADATA", "Metadata-Version: 2.1\\nName: numpy\\nVersion: 1.0\\n")
    wheel.writestr(about + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(about + "RECORD", "")
os.environ["SET_BY_AN_EXTENSION"] = "1"
own = ["--no-index", "./numpy-1.0-py3-none-any.whl"]
words = own if "own" in __file__ else ["nobody-made-this-package-yet"]
pip = [sys.executable, "-m", "pip", "install", "--dry-run", "--retries", "0", *words]
told = subprocess.run(pip, capture_output=True, text=True)
told = told.returncode, "constraint" in told.stdout + told.stderr, "Looking in indexes" in told.stdout
print(os.path.basename(__file__), *told)
"""
ENDING = """
import os
print("left:", sorted(name for name in os.environ if name.startswith(("PIP_", "UV_", "SET_BY_"))))
"""


def test_what_scripts_install_themselves_leaves_the_programs_packages_alone(tmp_path, monkeypatch):
    for name in ("PIP_CONSTRAINT", "UV_CONSTRAINT", "PIP_NO_INDEX", "UV_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    write(tmp_path, "theirs/scripts/own.py", INSTALLS)
    out = build(tmp_path, "--skip-install", end=ENDING)["out"]
    assert "own.py 1 True False" in out
    before = {name for name in os.environ if name.startswith(("PIP_", "UV_"))}
    assert f"left: {sorted(before)}" in out


def test_nothing_is_installed_by_scripts_where_nothing_shall_be(tmp_path):
    write(tmp_path, "theirs/scripts/other.py", INSTALLS)
    assert "other.py 1 False False" in build(tmp_path, "--skip-install")["out"]


def test_commands_of_the_environments_packages_are_found():
    commands = sysconfig.get_path("scripts")
    assert with_commands(os.pathsep.join(["/usr/bin", "/bin"])).split(os.pathsep) == [
        commands,
        "/usr/bin",
        "/bin",
    ]
    assert with_commands("") == commands
    assert with_commands(with_commands("/bin")) == with_commands("/bin")
