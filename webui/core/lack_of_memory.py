"""How a lack of memory is recognised, without loading torch."""

import errno

from webui.core.errors import OutOfMemory

# What torch, and the drivers below it, say where they have no type of error for it. In small letters.
WORDS = (
    "out of memory",
    "out_of_memory",
    "outofmemory",
    "out_of_device_memory",
    "out_of_host_memory",
    "out_of_resources",
    "memoryallocation",
    "not enough memory",
    "can't allocate memory",
    "cannot allocate memory",
    "unable to allocate",
    "failed to allocate",
    "bad_alloc",
    "bad allocation",
    "alloc_failed",
    "allocation_failed",
    # Apple's cards, for a tensor larger than they can have at all.
    "invalid buffer size",
    # How older versions of cuDNN say that no algorithm's workspace fits.
    "unable to find a valid cudnn algorithm",
)
# Windows, when the paging file is too small for a mapped file.
PAGING_FILE_TOO_SMALL = 1455
# torch's own type of error, by its name.
TORCH_TYPE = "OutOfMemoryError"


def is_lack_of_memory(error: BaseException) -> bool:
    """Whether an error means that the memory of the device or of the machine ran out."""
    if isinstance(error, MemoryError | OutOfMemory):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM or getattr(error, "winerror", 0) == PAGING_FILE_TOO_SMALL
    if not isinstance(error, RuntimeError):
        return False
    is_torchs = any(kind.__name__ == TORCH_TYPE for kind in type(error).__mro__)
    return is_torchs or any(words in str(error).lower() for words in WORDS)
