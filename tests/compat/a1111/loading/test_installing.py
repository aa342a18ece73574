"""install.py, each in a process of its own."""

import io
import shutil
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

from webui.compat.a1111.health import HealthRecords
from webui.compat.a1111.layout import SITE, HostLayout
from webui.compat.a1111.loading import packages
from webui.compat.a1111.loading.installing import MOST_TRIES, Installs, find_reason
from webui.plugins.community import CommunityFolder

COUNT = "open('ran', 'a').write('x')\n"


def make(root: Path, name: str, text: str) -> CommunityFolder:
    folder = root / "extensions" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "install.py").write_text(text)
    return CommunityFolder(name, folder)


def run(root: Path, *folders: CommunityFolder, limit_s: float = 60) -> HealthRecords:
    health = HealthRecords()
    for each in folders:
        health.add(each.name, each.folder)
    Installs(root / "data", HostLayout(root, root / "models", ("--listen",)), limit_s).run_all(
        folders, health
    )
    return health


def runs(root: Path) -> int:
    file = root / "ran"
    return len(file.read_text()) if file.exists() else 0


def test_it_runs_in_the_host_folder_and_not_again_until_something_changes(tmp_path):
    extension = make(tmp_path, "a", COUNT)
    assert not run(tmp_path, extension).all[0].failures
    assert not run(tmp_path, extension).all[0].failures
    assert runs(tmp_path) == 1
    (extension.folder / "requirements.txt").write_text("nothing-much")
    run(tmp_path, extension)
    assert runs(tmp_path) == 2
    make(tmp_path, "a", COUNT + "# changed")
    run(tmp_path, extension)
    run(tmp_path, extension)
    assert runs(tmp_path) == 3


def test_the_second_place_that_modules_come_from_is_the_host_folder_and_launch_can_be_imported(tmp_path):
    text = "import os, sys, launch\nopen('seen', 'w').write(sys.path[1] + '|' + launch.__file__)\n"
    assert not run(tmp_path, make(tmp_path, "writes", text)).all[0].failures
    seen, launch = (tmp_path / "seen").read_text().split("|")
    assert Path(seen) == tmp_path
    assert Path(launch).is_relative_to(SITE)


def test_a_failure_is_told_with_what_it_printed_and_tried_again_three_times(tmp_path):
    bad = make(tmp_path, "bad", COUNT + "print('no such package'); raise SystemExit(4)")
    good = make(tmp_path, "good", "open('good', 'w')")
    for _ in range(MOST_TRIES):
        [failure] = run(tmp_path, bad, good).all[0].failures
        assert failure.where == "install.py"
        assert "status 4" in failure.error
        assert "no such package" in failure.error
    assert (tmp_path / "good").exists()
    assert not run(tmp_path, bad, good).all[0].failures
    assert runs(tmp_path) == MOST_TRIES
    make(tmp_path, "bad", COUNT)
    assert not run(tmp_path, bad, good).all[0].failures
    assert runs(tmp_path) == MOST_TRIES + 1


def test_one_that_hangs_is_stopped_with_what_it_started(tmp_path):
    child = "import subprocess, sys, time\n"
    child += "subprocess.Popen([sys.executable, '-c', \"import time\\nwhile True: time.sleep(0.1); "
    child += "open('alive', 'w').write(str(time.time()))\"])\nprint('waiting', flush=True)\ntime.sleep(600)"
    extension = make(tmp_path, "hangs", child)
    began = time.monotonic()
    [failure] = run(tmp_path, extension, limit_s=3).all[0].failures
    assert time.monotonic() - began < 30
    assert "did not end within 3 s" in failure.error
    assert "waiting" in failure.error
    last = (tmp_path / "alive").read_text() if (tmp_path / "alive").exists() else ""
    time.sleep(0.5)
    assert last == ((tmp_path / "alive").read_text() if (tmp_path / "alive").exists() else "")


def test_launch_can_be_imported_and_knows_what_is_installed(tmp_path):
    extension = make(
        tmp_path,
        "a",
        "import launch, json, os\n"
        "from modules.paths_internal import models_path, extensions_dir\n"
        "from modules import paths, launch_utils, extensions\n"
        "from webui.compat.a1111.host import current\n"
        "assert str(current().root) == os.getcwd() and launch.args.listen\n"
        "names = ('numpy', 'opencv-python', 'PIL', 'no_such_thing_at_all')\n"
        "known = [launch.is_installed(name) for name in names]\n"
        "json.dump([known, models_path, extensions_dir, launch.args.listen, launch.git_tag(), os.getcwd(),\n"
        "           launch.run('echo hello').strip()], open('told', 'w'))\n"
        "try: launch.run('exit 3', errdesc='it failed')\n"
        "except RuntimeError as error: open('refused', 'w').write(str(error))\n",
    )
    assert not run(tmp_path, extension).all[0].failures
    told = (tmp_path / "told").read_text()
    places = f'"{tmp_path}/models", "{tmp_path}/extensions"'
    assert told == f'[[true, true, true, false], {places}, true, "v1.10.1", "{tmp_path}", "hello"]'
    assert "it failed" in (tmp_path / "refused").read_text()


@pytest.mark.parametrize(
    "words", ["install numpy==1.23.4", "install Pillow opencv-python", "uninstall -y torch"]
)
def test_packages_of_the_program_are_left_as_they_are(tmp_path, words):
    extension = make(tmp_path, "a", f"import launch\nassert launch.run_pip({words!r}, 'things') == ''")
    assert not run(tmp_path, extension).all[0].failures


def test_pip_itself_is_held_to_the_versions_of_the_program(tmp_path):
    """Whichever way an install.py calls pip: offline, a wheel with another version is refused."""
    script = (
        "import subprocess, sys, zipfile\n"
        "with zipfile.ZipFile('numpy-1.0-py3-none-any.whl', 'w') as wheel:\n"
        "    about = 'numpy-1.0.dist-info/'\n"
        "    wheel.writestr(about + 'METADATA', 'Metadata-Version: 2.1\\nName: numpy\\nVersion: 1.0\\n')\n"
        "    tags = 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n'\n"
        "    wheel.writestr(about + 'WHEEL', tags)\n"
        "    wheel.writestr(about + 'RECORD', '')\n"
        "done = subprocess.run([sys.executable, '-m', 'pip', 'install', '--no-index', '--dry-run',\n"
        "                       './numpy-1.0-py3-none-any.whl'], capture_output=True, text=True)\n"
        "open('told', 'w').write(done.stdout + done.stderr)\n"
        "sys.exit(done.returncode)\n"
    )
    [failure] = run(tmp_path, make(tmp_path, "a", script)).all[0].failures
    assert "status 1" in failure.error
    assert "numpy" in (tmp_path / "told").read_text()
    assert "constraint" in (tmp_path / "told").read_text()


def test_pkg_resources_answers_what_install_files_ask(tmp_path):
    script = (
        "import pkg_resources, re\n"
        "assert pkg_resources.get_distribution('numpy').version\n"
        "pkg_resources.require(['numpy>1', 'Pillow'])\n"
        "assert 'numpy' in {each.key for each in pkg_resources.working_set}\n"
        "for name, error in (('no-such-thing', pkg_resources.DistributionNotFound),\n"
        "                    ('numpy<1', pkg_resources.VersionConflict)):\n"
        "    try: pkg_resources.require(name)\n"
        "    except error: pass\n"
        "    else: raise SystemExit('no ' + error.__name__)\n"
        "assert pkg_resources.parse_version('1.10') > pkg_resources.parse_version('1.9')\n"
        "from pkg_resources import packaging\n"
        "assert packaging.version.parse('1.10') in packaging.specifiers.SpecifierSet('>1.9')\n"
    )
    assert not run(tmp_path, make(tmp_path, "a", script)).all[0].failures


def make_wheel(folder: Path, package: str, more: str = "") -> None:
    folder.mkdir(exist_ok=True)
    about = f"{package}-1.0.dist-info/"
    with zipfile.ZipFile(folder / f"{package}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{package}.py", "VALUE = 1\n")
        wheel.writestr(about + "METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n{more}")
        wheel.writestr(about + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(about + "RECORD", "")


def test_what_a1111_brings_along_comes_with_the_extension_that_imports_it(tmp_path, monkeypatch):
    make_wheel(tmp_path / "wheels", "brought_thing")
    for name, value in {
        "NO_INDEX": "1",
        "FIND_LINKS": tmp_path / "wheels",
        "TARGET": tmp_path / "there",
    }.items():
        monkeypatch.setenv(f"PIP_{name}", str(value))
    missing = {"brought_thing": "brought_thing", "other_thing": "other_thing"}

    def run_with_missing(*folders: CommunityFolder) -> HealthRecords:
        health = HealthRecords()
        for each in folders:
            health.add(each.name, each.folder)
        layout = HostLayout(tmp_path, tmp_path / "models", ())
        Installs(tmp_path / "data", layout, find_missing=lambda: missing).run_all(folders, health)
        return health

    idle = make(tmp_path, "idle", COUNT + "# brought_thing")
    uses = make(tmp_path, "uses", COUNT)
    (uses.folder / "scripts").mkdir()
    (uses.folder / "scripts" / "a.py").write_text("import os, brought_thing.part")
    (uses.folder / "other_thing").mkdir()
    (uses.folder / "scripts" / "b.py").write_text(
        "try:\n    from other_thing import x\nexcept Exception: pass"
    )
    assert not run_with_missing(idle).all[0].failures
    assert not (tmp_path / "there").exists()
    assert not run_with_missing(uses).all[0].failures
    assert (tmp_path / "there" / "brought_thing.py").read_text() == "VALUE = 1\n"
    assert runs(tmp_path) == 2

    # Not again, until its files change; one that cannot be had is told, three times.
    shutil.rmtree(tmp_path / "there")
    run_with_missing(idle, uses)
    assert not (tmp_path / "there").exists()
    shutil.rmtree(uses.folder / "other_thing")
    (uses.folder / "scripts" / "c.py").write_text("")
    for _ in range(MOST_TRIES):
        [failure] = run_with_missing(idle, uses).all[1].failures
        assert failure.where == "packages that A1111 brings along"
        assert "other_thing" in failure.error
    assert not run_with_missing(idle, uses).all[1].failures
    assert runs(tmp_path) == 2


def test_what_the_program_needs_in_turn_never_becomes_older(tmp_path, monkeypatch):
    """moviepy of 2017 wants a tqdm of 2017, without which the program could not start again."""
    found = packages.find_protected()
    assert found.versions["tqdm"] == packages.installed_version("tqdm")
    assert "numpy" in found.built_on
    assert "tqdm" not in found.built_on
    lines = found.constraints_text().splitlines()
    assert f"numpy=={found.versions['numpy']}" in lines
    # The program's own cv2 has the same files.
    assert f"opencv-python=={found.versions['opencv-python-headless']}" in lines
    assert not {"setuptools", "pip"} & set(found.versions)
    kept = {
        word for word in ("tqdm", "tqdm==4.11.2", "tqdm>=999", "other", "numpy>=999") if found.keeps(word)
    }
    assert kept == {"tqdm", "tqdm==4.11.2", "numpy>=999"}

    versions = {**found.versions, "tqdm": "4.11.2", "requests": "999", "numpy": "999"}
    del versions["pyyaml"]
    monkeypatch.setattr(packages, "installed_version", versions.get)
    told = found.describe_changes()
    assert {each.split()[0] for each in told} == {"numpy", "pyyaml", "tqdm"}
    assert f"tqdm {found.versions['tqdm']} is now 4.11.2" in told


def test_pip_is_held_to_what_the_program_needs_in_turn(tmp_path, monkeypatch):
    """Whatever a package wants of it: the wheel that asks for an old one is not installed."""
    make_wheel(tmp_path / "wheels", "old_thing", "Requires-Dist: tqdm==4.11.2\n")
    make_wheel(tmp_path / "wheels", "new_thing", "Requires-Dist: tqdm>=4\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    script = "import launch\nlaunch.run_pip('install --dry-run {}_thing', 'it')"
    assert not run(tmp_path, make(tmp_path, "new", script.format("new"))).all[0].failures
    [failure] = run(tmp_path, make(tmp_path, "old", script.format("old"))).all[0].failures
    version = packages.installed_version("tqdm")
    assert failure.error.startswith(
        "InstallFailed: It ended with status 1: packages do not go together: old-thing 1.0 depends on "
        "tqdm==4.11.2; the program keeps tqdm"
    )
    assert f">={version}" in failure.error.partition(". It printed last")[0]


def test_what_cannot_be_built_comes_as_an_older_one_that_is_built(tmp_path, monkeypatch):
    """What can be built comes in its newest version, as without A1111's wish for built ones."""
    setups = {
        "broken_thing": "raise SystemExit('no compiler')",
        "made_thing": "from setuptools import setup\nsetup(name='made_thing', version='2.0')",
    }
    for package, setup in setups.items():
        make_wheel(tmp_path / "wheels", package)
        with tarfile.open(tmp_path / "wheels" / f"{package}-2.0.tar.gz", "w:gz") as archive:
            info = tarfile.TarInfo(f"{package}-2.0/setup.py")
            info.size = len(setup)
            archive.addfile(info, io.BytesIO(setup.encode()))
    for name, value in {
        "NO_INDEX": "1",
        "FIND_LINKS": tmp_path / "wheels",
        "TARGET": tmp_path / "there",
    }.items():
        monkeypatch.setenv(f"PIP_{name}", str(value))
    # Its way to say that what builds is not to be fetched.
    monkeypatch.setenv("PIP_NO_BUILD_ISOLATION", "0")
    for package in setups:
        script = f"import launch\nlaunch.run_pip('install {package}', 'it')"
        assert not run(tmp_path, make(tmp_path, package, script)).all[0].failures
    assert {each.name for each in (tmp_path / "there").glob("*.dist-info")} == {
        "broken_thing-1.0.dist-info",
        "made_thing-2.0.dist-info",
    }


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("Traceback …\n  File 'a'\nValueError: no good.\n", "ValueError: no good"),
        ("urllib.error.URLError: <urlopen error no>", "urllib.error.URLError: <urlopen error no>"),
        (
            "ERROR: No matching distribution found for x\nRuntimeError: Couldn't",
            "No matching distribution found for x",
        ),
        ("nothing of that kind", ""),
    ],
)
def test_the_reason_is_told_first(told, reason):
    assert find_reason(told) == reason


def test_extensions_import_their_own_files_from_install_py_as_everywhere(tmp_path):
    """`from extensions.NAME import …`, beside the program's own folder of that name."""
    script = (
        "import sys, pathlib\n"
        "from extensions.own_files import part\n"
        "import beside\n"
        "import extensions.detailer\n"
        "from PIL.Image import ANTIALIAS\n"
        "assert __name__ == '__main__' and sys.argv == [__file__]\n"
        "assert sys.path[0] == str(pathlib.Path(__file__).parent), sys.path\n"
        "open('told', 'w').write(part.VALUE + beside.VALUE)\n"
    )
    extension = make(tmp_path, "own_files", script)
    (extension.folder / "part.py").write_text("import numpy as np\nVALUE = np.str('part')")
    (extension.folder / "beside.py").write_text("VALUE = ' and beside'")
    assert not run(tmp_path, extension).all[0].failures
    assert (tmp_path / "told").read_text() == "part and beside"
