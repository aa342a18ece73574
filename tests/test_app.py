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
