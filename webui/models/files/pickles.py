"""Torch pickles, opened so that no code in them can run.

Only torch's restricted unpickler (`weights_only`) is used. Some names that old training programs left beside
the weights are replaced by an inert stand-in; everything else unknown is refused with a sentence.
"""

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from webui.core.errors import UnusableFile
from webui.core.lack_of_memory import is_lack_of_memory
from webui.library.files.file_types import SAFETENSORS_SUFFIXES
from webui.library.files.pickle_headers import check_pickle
from webui.library.files.stand_ins import BOOKKEEPING, PARAMETER_TABLE, Inert, ParameterTable
from webui.library.files.tensor_table import flatten
from webui.models.files.utf8_paths import utf8_path


def load_pickle(path: Path) -> object:
    """Contents of a torch pickle on the CPU, mapped where the format allows; refuses anything but plain
    data.
    """
    allowed: list[Callable[..., object] | tuple[Callable[..., object], str]] = [
        (Inert, name) for name in BOOKKEEPING
    ]
    allowed.append((ParameterTable, PARAMETER_TABLE))
    # Torch refuses code as well, but not tables that are made to take hours.
    check_pickle(path)
    try:
        with torch.serialization.safe_globals(allowed), utf8_path(path) as named, named.open("rb") as file:
            # By name, so that it can be mapped; but torch would take a wrong suffix at its word. From
            # where it is written: extensions of A1111's put functions of their own in `torch.load`'s place.
            if path.suffix not in SAFETENSORS_SUFFIXES and zipfile.is_zipfile(named):
                return torch.serialization.load(named, map_location="cpu", weights_only=True, mmap=True)
            return torch.serialization.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UnusableFile(_refusal(path, str(error))) from error
    except (RuntimeError, EOFError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        if is_lack_of_memory(error):
            raise
        raise UnusableFile(f"{path.name} is damaged or no model file. Download it again.") from error


def _refusal(path: Path, error: str) -> str:
    """Why the restricted unpickler stopped: something forbidden in the file, or no pickle at all."""
    if "Unsupported" in error or "GLOBAL" in error:
        return (
            f"{path.name} holds more than weights, possibly program code, so it was not opened. "
            "Use a .safetensors file of the same model."
        )
    return f"{path.name} is damaged or no model file. Download it again."


def flat_tensors(content: object, name: str = "The file") -> dict[str, Tensor]:
    """Every tensor of nested tables under its dotted name; the usual wrapping table is taken off.

    `name` is the file's, for the sentence that refuses endless tables.
    """
    return flatten(content, Tensor, name)
