"""Which of several processes this one is, by the names of each launcher."""

import sys

import pytest

from webui.core.errors import InvalidRequest
from webui.training import launched

NAMES = (*launched.RANK, *launched.SIZE, *launched.LOCAL_RANK, *launched.LOCAL_SIZE, "MASTER_PORT")


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    for name in (*NAMES, "ACCELERATE_USE_CPU"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("rank", "size", "local"),
    [
        ("RANK", "WORLD_SIZE", "LOCAL_RANK"),
        ("PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"),
        ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"),
    ],
)
def test_every_launchers_names_are_read(monkeypatch, rank, size, local):
    for name, value in ((rank, "3"), (size, "4"), (local, "1")):
        monkeypatch.setenv(name, value)
    found = launched.process_rank(), launched.process_count(), launched.local_rank()
    assert found == (3, 4, 1)
    monkeypatch.setenv(size, "many")
    with pytest.raises(InvalidRequest, match=f"{size} is 'many'"):
        launched.process_count()


def test_without_a_launcher_there_is_one_process():
    assert (launched.process_rank(), launched.process_count(), launched.local_rank()) == (0, 1, None)


@pytest.mark.parametrize(
    ("command", "count"),
    [
        ("accelerate launch --cpu --num_processes 2 -m webui.training run.toml", 2),
        ("accelerate launch --num-processes=3 --cpu -m webui.training run.toml", 3),
        ("accelerate launch --cpu -m webui.training run.toml --num_processes 9", None),
        ("accelerate launch --cpu --num_processes 100000 -m webui.training r", launched.MOST_PROCESSES),
        ("accelerate launch --cpu --num_machines 1 --num_processes 4 -m webui.training r", 4),
        ("accelerate launch --cpu --num_machines 2 --num_processes 4 -m webui.training r", None),
        ("bash", None),
    ],
)
def test_accelerates_command_line_says_how_many(command, count):
    assert launched.asked_count(command) == count


def test_only_accelerates_lone_process_starts_others(monkeypatch):
    with launched.start_others([sys.executable, "-c", "raise SystemExit(1)"]) as sentence:
        assert sentence is None
        assert launched.process_count() == 1
    monkeypatch.setenv("ACCELERATE_USE_CPU", "True")
    monkeypatch.setenv("MASTER_PORT", "29500")
    # This process's parent is no launcher.
    with launched.start_others([sys.executable, "-c", ""]) as sentence:
        assert sentence == launched.LONE
    monkeypatch.setenv("WORLD_SIZE", "2")
    with launched.start_others([sys.executable, "-c", ""]) as sentence:
        assert sentence is None
