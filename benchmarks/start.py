"""Seconds from the start of the process to the first answer with the page, second start; resident size then.

    python -m benchmarks.start [--rounds 3] [--port 7971] [--beside OLD]

The page is ready when the server answers `/` with it; the first start, which fills Python's caches, is not
counted. OLD is a folder with another version of the program, started in turn with this one.
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
from dataclasses import dataclass
from pathlib import Path

from benchmarks.meter import MUCH, busy_seconds, describe_machine, say

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 120.0
PAUSE_S = 0.02


@dataclass(frozen=True, slots=True)
class Start:
    """What one start took: seconds, processor seconds, and MB resident when the page was there."""

    seconds: float
    processor_s: float
    resident_mb: float


def main() -> None:
    """Start, wait, stop; several times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--port", type=int, default=7971)
    parser.add_argument("--beside", type=Path)
    chosen = parser.parse_args()
    describe_machine(os.cpu_count() or 1)
    versions = [ROOT, *([chosen.beside] if chosen.beside else [])]
    starts: dict[Path, list[Start]] = {root: [] for root in versions}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(chosen.rounds + 1):
            for place, root in enumerate(versions):
                start = one_start(root, chosen.port, Path(folder) / str(place))
                if number:
                    starts[root].append(start)
    for root, found in starts.items():
        say(f"{root}: second start, median and range of {len(found)}")
        say(f"  page ready {summary([each.seconds for each in found], 2)} s")
        say(f"  processor {summary([each.processor_s for each in found], 2)} s")
        say(f"  resident {summary([each.resident_mb for each in found], 0)} MB")


def summary(values: list[float], digits: int) -> str:
    """Median, least and most."""
    median, least, most = statistics.median(values), min(values), max(values)
    return f"{median:.{digits}f} ({least:.{digits}f}-{most:.{digits}f})"


def one_start(root: Path, port: int, folder: Path) -> Start:
    """Start a version, wait for its page, stop it."""
    # The data folder has no checkpoints, as the page needs none to open.
    command = [sys.executable, str(root / "app.py"), "--port", str(port), "--data-dir", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    busy, start = busy_seconds(), time.perf_counter()
    with subprocess.Popen(
        command, cwd=root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            wait_for_page(f"http://127.0.0.1:{port}/", server)
            took = time.perf_counter() - start
            own = processor_seconds(server.pid)
            resident = resident_mb(server.pid)
            foreign = (busy_seconds() - busy - own) / took
            say(
                f"  {root.name}: {took:.2f} s, processor {own:.2f} s, {resident:.0f} MB, "
                f"others {foreign:.2f} cores" + (" (disturbed)" if foreign > MUCH else "")
            )
        finally:
            server.terminate()
    return Start(took, own, resident)


def resident_mb(pid: int) -> float:
    """Memory of a process that is in use now, in MB of 10^6 bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


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
