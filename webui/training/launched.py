"""Which of several processes this one is, by what launchers say in the environment. Loads no torch.

torchrun and `accelerate launch --multi_gpu` say RANK and WORLD_SIZE, MPI's mpirun has names of its own.
`accelerate launch --cpu --num_processes N` says neither, and without mpirun starts one process: that one
starts the others.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from webui.core.errors import InvalidRequest

# As accelerate looks for them: torchrun, Intel's and MPICH's MPI, Open MPI, MVAPICH.
RANK = ("RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK")
SIZE = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
LOCAL_RANK = ("LOCAL_RANK", "MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK", "MV2_COMM_WORLD_LOCAL_RANK")
LOCAL_SIZE = (
    "LOCAL_WORLD_SIZE", "MPI_LOCALNRANKS", "OMPI_COMM_WORLD_LOCAL_SIZE", "MV2_COMM_WORLD_LOCAL_SIZE",
)  # fmt: skip
MOST_PROCESSES = 64
# How accelerate's command line and configuration say how many processes there shall be.
COUNT = re.compile(r"--num[_-]processes[= ](\d+)")
SEVERAL_MACHINES = re.compile(r"--num[_-]machines[= ](?!1\b)\d+")
# How long the others may take to end after this one has.
PATIENCE_SECONDS = 60.0
LONE = (
    "accelerate was asked for several processes, but on the CPU and without mpirun it starts one, and does "
    "not tell it how many. This one trains alone. For N of them give --num_processes N on its command line, "
    "or start `torchrun --nproc_per_node N -m webui.training RUN.toml`."
)


def read_number(names: Sequence[str], default: int) -> int:
    """The first of some variables that is set. Raises InvalidRequest where it is no number."""
    for name in names:
        value = os.environ.get(name, "")
        if value:
            if not value.isdecimal():
                raise InvalidRequest(
                    f"{name} is {value!r} in the environment; a launcher sets it to a number."
                )
            return int(value)
    return default


def process_rank() -> int:
    """This process's number among those that train together, from 0."""
    return read_number(RANK, 0)


def process_count() -> int:
    """How many processes train together."""
    return read_number(SIZE, 1)


def is_on_one_machine() -> bool:
    """Whether all processes are on this machine, as far as a launcher says."""
    return read_number(LOCAL_SIZE, process_count()) == process_count()


def local_rank() -> int | None:
    """This process's number on its machine; None where no launcher started it."""
    found = read_number(LOCAL_RANK, -1)
    return None if found < 0 else found


def is_lone(environment: MutableMapping[str, str]) -> bool:
    """Whether accelerate was asked for several processes on the CPU and started one."""
    on_cpu = environment.get("ACCELERATE_USE_CPU", "").lower() in {"true", "1"}
    knows_others = any(environment.get(name) for name in SIZE)
    return on_cpu and bool(environment.get("MASTER_PORT")) and not knows_others


def asked_count(command: str) -> int | None:
    """How many processes of this machine a launcher's command line asks for, its words with spaces between.

    Over several machines accelerate leaves it to MPI.
    """
    own = command.partition(" -m webui.training")[0]
    found = [] if SEVERAL_MACHINES.search(own) else COUNT.findall(own)
    return min(int(found[-1]), MOST_PROCESSES) if found else None


def parent_command() -> str:
    """The command line of the process that started this one; empty where the system does not tell."""
    try:
        said = Path(f"/proc/{os.getppid()}/cmdline").read_bytes()
    except OSError:
        return ""
    return said.replace(b"\0", b" ").decode("utf-8", "replace")


@contextmanager
def start_others(command: Sequence[str]) -> Iterator[str | None]:
    """Start the processes that accelerate left out, and end them with this one; a sentence where it cannot.

    `command` is that of this process. Nothing happens where a launcher did its work, or there was none.
    """
    if not is_lone(os.environ):
        yield None
        return
    count = asked_count(parent_command()) or 1
    if count < 2:
        yield LONE
        return
    others = [
        subprocess.Popen(command, env=os.environ | ranks(rank, count), stdout=subprocess.DEVNULL)
        for rank in range(1, count)
    ]
    os.environ.update(ranks(0, count))
    try:
        yield None
    except BaseException:
        for other in others:
            other.terminate()
        raise
    finally:
        for other in others:
            end(other)


def ranks(rank: int, count: int) -> dict[str, str]:
    """What a launcher on one machine says to a process."""
    return {
        "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count),
    }  # fmt: skip


def end(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process, which ends when this one has; kill it where it does not."""
    try:
        process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def this_command() -> list[str]:
    """The command line of this process."""
    return [sys.executable, *sys.orig_argv[1:]]
