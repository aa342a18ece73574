"""What the queue costs: the device's pause between two jobs, and pages that look at it.

    python -m benchmarks.jobs [--parts between,poll] [--rounds 12] [--side 1024]

Nothing is computed: a worker gives out a noisy picture (the hardest to encode) after each job's only step. To
compare two states of the program, run it in turn with each of their folders as PYTHONPATH.
"""

import argparse
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from benchmarks.meter import describe_machine, say
from webui.core.events import Event, ImageReady, Message, Progress
from webui.core.request import GenerationRequest
from webui.core.settings import Settings
from webui.core.stop import Stop
from webui.jobs.queue import JobQueue
from webui.jobs.saving import PictureSaver
from webui.store.database import Database
from webui.store.pictures.history import History
from webui.store.pictures.images import ImageFiles

TABS = ("txt2img", "img2img", "extras")
PAGES, LOOKS_PER_S = 20, 4
# As a job of 20 steps leaves it.
EVENTS = 25


class Painter:
    """A worker whose jobs have one step, and that notes when steps begin and end."""

    def __init__(self, side: int) -> None:
        pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
        self.image = Image.fromarray(pixels)
        self.begun: list[float] = []
        self.ended: list[float] = []

    def run(self, request: GenerationRequest, settings: Settings, stop: Stop) -> Iterator[Event]:
        """One step of 0.3 s, as a device takes that leaves the processor alone; then the picture."""
        self.begun.append(time.perf_counter())
        time.sleep(0.3)
        at = {"batch": 0, "batches": 1, "sampling_step": 1, "sampling_steps": 1}
        yield Progress(step=1, steps=1, **at)
        self.ended.append(time.perf_counter())
        yield ImageReady(
            index=0, image=self.image, infotext="a fox\nSteps: 1, Seed: 1", seed=1, variation_seed=0
        )


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--parts", default="between,poll")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--side", type=int, default=1024)
    chosen = parser.parse_args()
    describe_machine(1)
    for part in chosen.parts.split(","):
        with TemporaryDirectory() as folder:
            painter = Painter(chosen.side if part == "between" else 8)
            saver = PictureSaver(ImageFiles(Path(folder)), History(Database(Path(folder) / "webui.db")))
            queue = JobQueue(lambda painter=painter: painter, saver)
            queue.start()
            if part == "between":
                measure_between(queue, painter, chosen.rounds)
            else:
                measure_poll(queue)
            queue.close()


def measure_between(queue: JobQueue, painter: Painter, rounds: int) -> None:
    """From the end of a job's last step to the beginning of the next one's first."""
    jobs = [queue.submit(GenerationRequest()) for _ in range(rounds + 1)]
    for job in jobs:
        job.wait()
    pauses = [begun - ended for ended, begun in zip(painter.ended[:-1], painter.begun[1:], strict=True)]
    say(
        f"between two jobs: {statistics.median(pauses) * 1000:.1f} ms "
        f"({min(pauses) * 1000:.1f}-{max(pauses) * 1000:.1f})"
    )


def measure_poll(queue: JobQueue) -> None:
    """`recent`, as idle pages call it, with a hundred finished jobs in memory."""
    for number in range(100):
        job = queue.submit(GenerationRequest(batch_count=1))
        for event in range(EVENTS):
            job.append(Message(text=f"{event} of {number}"))
        job.wait()
    for tab in TABS:
        queue.recent(tab)
    calls, start = 3000, time.process_time()
    for number in range(calls):
        queue.recent(TABS[number % 3])
    each = (time.process_time() - start) / calls
    share = each * PAGES * len(TABS) * LOOKS_PER_S
    say(f"recent(): {each * 1e6:.1f} us; {PAGES} open pages take {share * 100:.2f} % of a core")


if __name__ == "__main__":
    main()
