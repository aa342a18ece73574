"""The program in a process of its own with community extensions, for tests of what is global to a process."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.ui.browser import ROOT, START_S, wait_for

EXTENSIONS = Path(__file__).parent / "extensions"
LOG_NAME = "server.log"
PROGRAM = "app.py"


def data_folder(folder: Path) -> Path:
    """Where `serve` keeps what the program writes: settings, extensions, pictures."""
    return folder / "data"


def read_log(folder: Path) -> str:
    """What the server of this folder has told so far."""
    return (folder / LOG_NAME).read_text(encoding="utf-8", errors="replace")


@contextmanager
def serve(
    extension_folders: Sequence[str | Path], tmp_path: Path, flags: Sequence[str] = ()
) -> Iterator[str]:
    """The program with copies of these extensions; gives the page's address, which ends with "/".

    An extension is a folder, or the name of one in `tests/compat/a1111/extensions`. The data folder lies in
    `tmp_path`, so that a second `serve` there finds what the first one wrote; extensions that are there
    already are left as they are. Models are the flags' affair (`--ckpt-dir`). Computes on the CPU.
    """
    data = data_folder(tmp_path)
    for folder in extension_folders:
        source = EXTENSIONS / folder
        target = data / "extensions" / source.name
        if not target.exists():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    data.mkdir(parents=True, exist_ok=True)
    port = find_free_port()
    words = ["--port", str(port), "--data-dir", str(data), "--use-cpu", "all", *flags]
    address = f"http://127.0.0.1:{port}/"
    with (tmp_path / LOG_NAME).open("w") as log:
        server = subprocess.Popen(
            [sys.executable, PROGRAM, *words],
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        try:
            wait_for_server(address, server, tmp_path)
            yield address
        finally:
            stop(server)


def find_free_port() -> int:
    """A port of this machine that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_server(address: str, server: "subprocess.Popen[bytes]", folder: Path) -> None:
    """Until the server answers. Raises AssertionError with the end of its log if it does not."""
    try:
        wait_for(address, server)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{read_log(folder)[-4000:]}") from None


def stop(server: "subprocess.Popen[bytes]") -> None:
    """End it, by force if it does not end by itself."""
    server.terminate()
    try:
        server.wait(START_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
