"""Whether the memory stays flat: a batch of 1,000 pictures, and 200 changes of the checkpoint.

    python -m benchmarks.memory [--parts batch,switches] [--pictures 1000] [--switches 200]

Small checkpoints with random weights are made for it. The queue, the worker, the files and the history are
those of the server. Resident size is read after the first tenth, when everything has been used once, and at
the end.
"""

import argparse
import gc
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.meter import describe_machine, say
from tests.models.small_checkpoints import NARROW, small_checkpoint, write
from webui.core.events import ImageSaved
from webui.core.flags import read_flags
from webui.core.request import make_request
from webui.core.settings import Settings
from webui.jobs.job import Job
from webui.jobs.services import Services
from webui.main import build_services

MIB = 2**20
NAMES = ("one", "two")


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--parts", default="batch,switches")
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--switches", type=int, default=200)
    parser.add_argument("--side", type=int, default=64)
    chosen = parser.parse_args()
    describe_machine(1)
    for part in chosen.parts.split(","):
        with TemporaryDirectory() as folder:
            services = services_in(Path(folder))
            services.jobs.start()
            if part == "batch":
                measure_batch(services, chosen.pictures, chosen.side)
            else:
                measure_switches(services, chosen.switches, chosen.side)
            services.jobs.close()


def services_in(folder: Path) -> Services:
    """A server's services on two small checkpoints; memory for one of them only."""
    models = folder / "models" / "Stable-diffusion"
    models.mkdir(parents=True)
    for name in NAMES:
        write(models / f"{name}.safetensors", small_checkpoint(NARROW))
    flags, _ = read_flags(["--use-cpu", "all", "--data-dir", str(folder), "--ckpt-dir", str(models)])
    return build_services(flags, folder)


def submit(services: Services, side: int, **fields: object) -> Job:
    """A job of one step a picture."""
    request = make_request(
        **{"model": "one", "prompt": "a fox", "width": side, "height": side, "steps": 1, "sampler": "Euler"}
        | fields
    )
    settings: Settings = services.settings.current.changed({"memory_budget_gb": 0.001})
    return services.jobs.submit(request, settings=settings)


def measure_batch(services: Services, pictures: int, side: int) -> None:
    """One job of many pictures, as it goes on."""
    sizes: list[int] = []

    def look(done: int) -> None:
        if done % max(pictures // 20, 1) == 0:
            sizes.append(resident_bytes())

    job = submit(services, side, batch_count=pictures)
    follow(job, look)
    sizes.append(resident_bytes())
    report(f"a batch of {pictures} pictures of {side}x{side}", sizes)


def follow(job: Job, look: Callable[[int], None]) -> None:
    """Call `look` with how many pictures are saved, after each."""
    done = 0
    for event in job.events():
        if isinstance(event, ImageSaved):
            done += 1
            look(done)
    if job.finished is None or job.finished.error:
        raise SystemExit(f"The job failed: {job.finished}")


def measure_switches(services: Services, switches: int, side: int) -> None:
    """One picture with each checkpoint in turn."""
    sizes: list[int] = []
    for number in range(switches):
        follow(submit(services, side, model=NAMES[number % 2]), lambda _: None)
        if number % max(switches // 20, 1) == 0:
            sizes.append(resident_bytes())
    sizes.append(resident_bytes())
    report(f"{switches} changes of the checkpoint", sizes)


def report(title: str, sizes: Sequence[int]) -> None:
    """The growth from the first tenth to the end, and all that was read."""
    mib = [size / MIB for size in sizes]
    start, end = max(mib[:2]), mib[-1]
    say(f"{title}: {start:.0f} MiB after a tenth, {end:.0f} MiB at the end, {end / start - 1:+.1%}")
    say("  MiB: " + " ".join(f"{size:.0f}" for size in mib))


def resident_bytes() -> int:
    """Memory of this process that lies in the machine's, after garbage was collected."""
    gc.collect()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


if __name__ == "__main__":
    main()
