"""Lack of memory is known by all its names, and work is done again with less before anybody hears of it."""

import errno
import weakref
from dataclasses import dataclass

import pytest
import torch

from webui.core.errors import OutOfMemory
from webui.core.lack_of_memory import is_lack_of_memory
from webui.models.out_of_memory import FORGET_S, MemoryLadder, Work, attempt

LACK = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB."),
    RuntimeError("CUDA error: out of memory"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("Unable to find a valid cuDNN algorithm to run convolution"),
    RuntimeError("HIP out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("HIP error: hipErrorOutOfMemory"),
    RuntimeError("MPS backend out of memory (MPS allocated: 18.01 GB, max allowed: 18.13 GB)."),
    RuntimeError("Invalid buffer size: 24.00 GiB"),
    RuntimeError("XPU out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("level_zero backend failed with error: 39 (UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY)"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: not enough memory: you tried"),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
    RuntimeError("std::bad_alloc"),
    RuntimeError("could not create a memory object: bad allocation"),
    MemoryError(),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
    OutOfMemory("A part of the model does not fit."),
]
OTHERS = [
    RuntimeError("mat1 and mat2 shapes cannot be multiplied (77x768 and 1024x320)"),
    ValueError("out of memory"),
    OSError(errno.ENOSPC, "No space left on device"),
    RuntimeError("CUDA error: an illegal memory access was encountered"),
    RuntimeError("CUDA error: device-side assert triggered"),
    KeyboardInterrupt(),
]


@dataclass(frozen=True)
class Share:
    description: str
    size: int


SHARES = (Share("at once", 8), Share("in halves", 4), Share("in quarters", 2))


def work_of(told: list[str]) -> Work:
    return Work("work", told.append, "Too little memory. Lower something.")


@pytest.mark.parametrize("error", LACK, ids=str)
def test_lack_of_memory_is_known_by_many_names(error):
    assert is_lack_of_memory(error)


@pytest.mark.parametrize("error", OTHERS, ids=str)
def test_other_errors_are_not_taken_for_it(error):
    assert not is_lack_of_memory(error)


def test_other_errors_are_raised_at_once():
    tried = []

    def fail(share):
        tried.append(share)
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        MemoryLadder(lambda: True).try_in_order(work_of([]), SHARES, fail)
    assert len(tried) == 1


def test_nothing_that_the_failed_work_held_is_alive_at_the_next_try():
    held: list[weakref.ref[torch.Tensor]] = []

    def run(share):
        assert not any(each() is not None for each in held)
        activation = torch.zeros(1000)
        held.append(weakref.ref(activation))
        if share.size > 2:
            raise torch.OutOfMemoryError("no room")
        return "done"

    assert MemoryLadder(lambda: True).try_in_order(work_of([]), SHARES, run) == "done"
    assert len(held) == 5
    assert attempt(lambda: run(SHARES[0])) is None
    assert held[-1]() is None


def test_what_is_idle_is_freed_first_and_the_same_done_again():
    room, told = [4], []

    def free():
        freed, room[0] = room[0] < 8, 8
        return freed

    def run(share):
        if share.size > room[0]:
            raise MemoryError
        return share.description

    assert MemoryLadder(free).try_in_order(work_of(told), SHARES, run) == "at once"
    assert told == []


def test_where_nothing_is_idle_less_is_done_at_once_and_told_once():
    told, tried, now = [], [], [0.0]

    def run(share):
        tried.append(share.size)
        if share.size > 4:
            raise RuntimeError("out of memory")
        return share.description

    ladder = MemoryLadder(clock=lambda: now[0])
    for now[0] in (0.0, 1.0, FORGET_S + 2):
        assert ladder.try_in_order(work_of(told), SHARES, run) == "in halves"
    # Remembered for a while, then tried at once again; the user knows by then.
    assert tried == [8, 4, 4, 8, 4]
    assert told == ["in halves"]


def test_where_nothing_fits_a_sentence_says_what_to_lower():
    def fail(share):
        raise MemoryError

    with pytest.raises(OutOfMemory, match="Lower something") as refused:
        MemoryLadder().try_in_order(work_of([]), SHARES, fail)
    assert refused.value.__context__ is None
