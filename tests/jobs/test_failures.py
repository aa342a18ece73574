"""What errors mean for the artist and for the worker."""

import pytest
import torch

from webui.core.errors import InvalidRequest, OutOfMemory, WebuiError
from webui.jobs.failures import failure_of

ASSERT = "CUDA error: device-side assert triggered\nCUDA kernel errors might be asynchronously reported"


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.00 GB)"),
        OSError(12, "Cannot allocate memory"),
        MemoryError(),
    ],
    ids=repr,
)  # fmt: skip
def test_lack_of_memory_says_what_to_do_and_a_new_worker_begins_with_nothing(error):
    failure = failure_of(error)
    assert failure.finished.error_kind == "OutOfMemory"
    assert "Choose smaller pictures" in failure.finished.error
    assert failure.ends_worker


@pytest.mark.parametrize(
    "text",
    [
        ASSERT,
        "CUDA error: an illegal memory access was encountered",
        "CUDA error: unspecified launch failure",
        "CUDNN_STATUS_EXECUTION_FAILED: misaligned address",
    ],
)
def test_a_lost_card_says_that_only_a_restart_helps(text):
    failure = failure_of(RuntimeError(text))
    assert "restart of the server" in failure.finished.error
    assert "\n" not in failure.finished.error
    assert failure.ends_worker


def test_a_lost_card_is_seen_under_what_it_led_to():
    try:
        try:
            raise RuntimeError(ASSERT)
        except RuntimeError as error:
            raise WebuiError("The picture could not be decoded.") from error
    except WebuiError as error:
        assert "restart of the server" in failure_of(error).finished.error


@pytest.mark.parametrize("error", [InvalidRequest("No."), OutOfMemory("Too large."), WebuiError("So.")])
def test_a_refusal_is_told_as_it_stands_and_its_worker_goes_on(error):
    failure = failure_of(error)
    assert (failure.finished.error, failure.finished.error_kind) == (str(error), type(error).__name__)
    assert not failure.ends_worker
    assert not failure.is_unforeseen


def test_other_errors_are_the_programs_fault():
    failure = failure_of(KeyError("model.weight"))
    assert failure.finished.error.startswith("KeyError: 'model.weight'. The program is at fault")
    assert not failure.ends_worker


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt()])
def test_what_was_to_end_the_program_leaves_no_worker_behind(error):
    assert failure_of(error).ends_worker
