"""What `app.py` does when the server has ended."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LEFT = {
    "a thread that never ends": "threading.Thread(target=time.sleep, args=(300,)).start()",
    "a function at the end that never ends": "atexit.register(time.sleep, 300)",
    "nothing": "",
}


def run(code: str) -> "subprocess.CompletedProcess[str]":
    before = "import atexit, sys, threading, time\nimport app\n"
    return subprocess.run(
        [sys.executable, "-c", before + code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("left", LEFT)
def test_what_extensions_leave_running_keeps_the_program_for_a_moment_alone(left):
    began = time.monotonic()
    ended = run(f"{LEFT[left]}\napp.end_within(0.5, 7)\nsys.exit(7)")
    assert ended.returncode == 7
    assert time.monotonic() - began < 40


def test_a_restart_is_the_same_command_in_the_same_folder_at_the_same_port(tmp_path):
    script = tmp_path / "again.py"
    script.write_text(
        f"import os, sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom pathlib import Path\nimport app\n"
        "print(Path.cwd().name, sys.argv[1:], os.environ.get('SD_WEBUI_RESTARTING'), flush=True)\n"
        "count = int(os.environ.get('COUNT', 0))\nos.environ['COUNT'] = str(count + 1)\n"
        "os.chdir('/')\n"
        "if count < 2: app.start_again(Path(sys.argv[1]), 7861)\n"
    )
    words = [sys.executable, str(script), str(tmp_path), "--steps", "a b"]
    told = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True).stdout
    again = [str(tmp_path), "--steps", "a b", "--port", "7861"]
    assert told.splitlines() == [
        f"{tmp_path.name} {again[:3]} None", f"{tmp_path.name} {again} 1", f"{tmp_path.name} {again} 1",
    ]  # fmt: skip


def test_a_flag_that_nobody_knows_is_refused_at_once_where_no_extension_adds_any(tmp_path):
    words = ["app.py", "--data-dir", str(tmp_path), "--wildcardz", "x"]
    command = f"import sys\nsys.argv = {words!r}\nsys.exit(app.main())"
    # A custom script adds none, whatever it is called.
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "preload.py").write_text("")
    refused = run(command)
    assert refused.returncode == 2
    assert "--wildcardz" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_flag_may_be_an_extensions(tmp_path):
    (tmp_path / "extensions" / "theirs").mkdir(parents=True)
    (tmp_path / "extensions" / "theirs" / "preload.py").write_text("")
    words = ["--data-dir", str(tmp_path), "--wildcardz", "x"]
    read = run(f"print(app.read_command_line({words!r})[0].data_dir)")
    assert read.stdout.strip() == str(tmp_path)
