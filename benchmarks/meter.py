"""What the benchmarks share: timing in turns, and a report of what else the machine did meanwhile."""

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
# More foreign work than this makes a round worthless: threads wait for each other.
MUCH = 0.10


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of one call, its processor seconds, and how many cores others used meanwhile."""

    seconds: float
    processor_seconds: float
    foreign_cores: float


def busy_seconds() -> float:
    """Processor seconds that the whole machine has worked since it started."""
    user, nice, system, _, _, *interrupts = (
        int(word) for word in Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:9]
    )
    return (user + nice + system + sum(interrupts)) / TICKS


def timed(work: Callable[[], object]) -> Timing:
    """Call once."""
    busy, own, start = busy_seconds(), time.process_time(), time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    spent = time.process_time() - own
    return Timing(seconds, spent, max(0.0, busy_seconds() - busy - spent) / seconds)


def in_turn(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[Timing]]:
    """Call each once uncounted, then all of them in turn, so that disturbances fall on all alike."""
    for work in works.values():
        work()
    found: dict[str, list[Timing]] = {name: [] for name in works}
    for number in range(rounds):
        # Whoever comes second finds other things in the caches, so they change places.
        for name in list(works)[:: 1 if number % 2 == 0 else -1]:
            found[name].append(timed(works[name]))
    return found


def report(title: str, found: Mapping[str, list[Timing]], peer: str) -> None:
    """Print medians and their ratios to the peer's."""
    say(f"\n{title}")
    median = {name: statistics.median(each.seconds for each in timings) for name, timings in found.items()}
    spent = {
        name: statistics.median(each.processor_seconds for each in timings) for name, timings in found.items()
    }
    for name, timings in found.items():
        spread = f"{min(each.seconds for each in timings):.3f}-{max(each.seconds for each in timings):.3f}"
        foreign = max(each.foreign_cores for each in timings)
        say(
            f"  {name:34} {median[name]:8.3f} s ({spread}), ratio {median[name] / median[peer]:.3f}; "
            f"processor {spent[name]:.3f} s, ratio {spent[name] / spent[peer]:.3f}; others {foreign:.2f}"
            + (" (disturbed)" if foreign > MUCH else "")
        )


def say(text: str) -> None:
    """One line of the report."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def describe_machine(threads: int) -> None:
    """Print processor, memory and load."""
    information = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    name = next(
        (line.split(":")[1].strip() for line in information.splitlines() if "model name" in line), "?"
    )
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    say(
        f"{name}, {os.cpu_count()} cores, {threads} threads, {memory:.0f} GiB, "
        f"load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}, "
        f"preloaded {os.environ.get('LD_PRELOAD') or 'nothing'}"
    )


def peak_gib() -> float:
    """Most memory this process has held, mapped files included."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 2**20
