"""Seconds from the start of the process to the first answer with the page, second start.

    python -m benchmarks.start [--rounds 3] [--port 7971]

The page is ready when the server answers `/` with it; the first start, which fills Python's caches, is not
counted.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from benchmarks.meter import MUCH, busy_seconds, describe_machine, say

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 120.0
PAUSE_S = 0.02


def main() -> None:
    """Start, wait, stop; several times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--port", type=int, default=7971)
    chosen = parser.parse_args()
    describe_machine(os.cpu_count() or 1)
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(chosen.rounds + 1):
            took = one_start(chosen.port, Path(folder))
            if number:
                seconds.append(took)
    say(f"page ready, second start: median {statistics.median(seconds):.2f} s of {sorted(seconds)}")


def one_start(port: int, folder: Path) -> float:
    """Seconds until the page is there."""
    # The data folder has no checkpoints, as the page needs none to open.
    command = [sys.executable, str(ROOT / "app.py"), "--port", str(port), "--data-dir", str(folder)]
    busy, start = busy_seconds(), time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for_page(f"http://127.0.0.1:{port}/", server)
            took = time.perf_counter() - start
            own = processor_seconds(server.pid)
            foreign = (busy_seconds() - busy - own) / took
            say(
                f"  {took:.2f} s, processor {own:.2f} s, others {foreign:.2f} cores"
                + (" (disturbed)" if foreign > MUCH else "")
            )
        finally:
            server.terminate()
    return round(took, 2)


def wait_for_page(address: str, server: "subprocess.Popen[bytes]") -> None:
    """Return when the server answers with a page."""
    end = time.perf_counter() + PATIENCE_S
    while time.perf_counter() < end:
        if server.poll() is not None:
            raise SystemExit("The server ended before it was ready.")
        try:
            with urllib.request.urlopen(address, timeout=PATIENCE_S) as answer:
                answer.read()
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(PAUSE_S)
    raise SystemExit("The page did not come.")


def processor_seconds(pid: int) -> float:
    """What a process has used so far, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
