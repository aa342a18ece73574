"""What counts as a lack of memory."""

import errno

import pytest
import torch

from webui.core.errors import InvalidRequest, OutOfMemory
from webui.core.lack_of_memory import is_lack_of_memory


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("so it is"),
        MemoryError(),
        OutOfMemory("Too large."),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("HIP out of memory. Tried to allocate"),
        RuntimeError("Invalid buffer size: 16.00 GB"),
    ],
    ids=repr,
)
def test_every_library_has_its_words_for_it(error):
    assert is_lack_of_memory(error)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        OSError(errno.ENOSPC, "No space left on device"),
        InvalidRequest("The device is out of memory."),
        KeyError("out of memory"),
    ],
    ids=repr,
)
def test_other_errors_are_none(error):
    assert not is_lack_of_memory(error)
