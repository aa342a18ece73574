"""Seconds until a browser can use the page: of one program or more, in turn.

    python -m benchmarks.opening FOLDER [FOLDER ...] [--rounds 7] [--port 7981] [--data DATA]

Each folder holds a version of the program; each is started with this Python and a data folder of its own: an
empty one, or a copy of DATA with community extensions in it.
Chromium opens the page as a new browser does, from the address to the moment when the checkpoint is shown and
the server has answered all that the page asked. Processor seconds of the page stand beside, which hardly
depend on what else the machine does. The first round, which fills caches, is not counted.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from benchmarks.meter import describe_machine, say
from tests.ui import browser as steps

PATIENCE_MS = 180_000


def main() -> None:
    """Start all, open each in turn, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--port", type=int, default=7981)
    parser.add_argument("--data", type=Path)
    chosen = parser.parse_args()
    describe_machine(os.cpu_count() or 1)
    with ExitStack() as stack:
        pages = {
            folder: stack.enter_context(serve(folder.resolve(), chosen.port + number, chosen.data))
            for number, folder in enumerate(chosen.folders)
        }
        playwright = stack.enter_context(sync_playwright())
        browser = steps.launch(playwright)
        stack.callback(browser.close)
        took: dict[Path, list[tuple[float, float]]] = {folder: [] for folder in pages}
        for number in range(chosen.rounds + 1):
            # Whoever comes second finds other things in the caches, so they change places.
            for folder in list(pages)[:: 1 if number % 2 == 0 else -1]:
                found = open_once(browser, folder, pages[folder])
                if number:
                    took[folder].append(found)
    for folder, found in took.items():
        for what, values in zip(("seconds", "processor seconds"), zip(*found, strict=True), strict=True):
            say(f"{folder}: median {statistics.median(values):.2f} {what} of {sorted(values)}")


@contextmanager
def serve(folder: Path, port: int, filled: Path | None) -> Iterator[str]:
    """A version of the program on a port; gives the page's address."""
    with tempfile.TemporaryDirectory() as data:
        if filled:
            shutil.copytree(filled, data, dirs_exist_ok=True)
        command = [
            sys.executable,
            "app.py",
            "--port",
            str(port),
            "--data-dir",
            data,
            "--use-cpu",
            "all",
            "--skip-install",
        ]
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
        }
        quiet = subprocess.DEVNULL
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=quiet, stderr=quiet)
        try:
            address = f"http://127.0.0.1:{port}/"
            steps.wait_for(address, server)
            yield address
        finally:
            server.terminate()
            server.wait(30)


def open_once(browser: Browser, folder: Path, address: str) -> tuple[float, float]:
    """Seconds until the page can be used in a new browser, and processor seconds of the page."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        context.add_init_script(steps.COUNT_ANSWERS)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        tools = context.new_cdp_session(page)
        tools.send("Performance.enable")
        start = time.perf_counter()
        page.goto(address)
        steps.ready(page)
        seconds = time.perf_counter() - start
        told = {each["name"]: each["value"] for each in tools.send("Performance.getMetrics")["metrics"]}
    finally:
        context.close()
    say(f"  {folder}: {seconds:.2f} s, processor {told['ProcessTime']:.2f} s, load {os.getloadavg()[0]:.1f}")
    return round(seconds, 2), round(told["ProcessTime"], 2)


if __name__ == "__main__":
    main()
