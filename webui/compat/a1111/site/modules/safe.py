# pyright: basic
"""Torch's files, opened so that no code in them runs."""

import contextlib
import pickle
from pathlib import Path

import torch

from webui.compat.a1111.facades.stand_ins import absent
from webui.library.files.pickle_headers import check_pickle
from webui.models.files.pickles import load_pickle
from webui.models.files.tensors import open_tensors

__all__ = ["check_pickle", "contextlib", "pickle", "torch"]

# Extensions put one of the functions below in torch.load's place for a while.
_torch_load = torch.load
global_extra_handler = None


def unsafe_torch_load(*args, **kwargs):
    """torch.load as it was before it refused code: for files that an extension brings itself."""
    kwargs.setdefault("weights_only", False)
    return _torch_load(*args, **kwargs)


def load(filename, *args, **kwargs):
    """The contents of a file of weights. Raises UnusableFile for one that holds more than data."""
    return load_with_extra(filename, *args, extra_handler=global_extra_handler, **kwargs)


def load_with_extra(filename, extra_handler=None, *args, **kwargs):
    """The same. `extra_handler` named further classes in A1111; only data is taken here."""
    if not isinstance(filename, str | Path):
        kwargs["weights_only"] = True
        return _torch_load(filename, *args, **kwargs)
    path = Path(filename)
    content = open_tensors(path) if path.suffix.lower() in (".safetensors", ".sft") else load_pickle(path)
    where = kwargs.get("map_location", args[0] if args else None)
    return move(content, where) if where is not None else content


def move(content, where):
    """Tensors of nested tables, brought to a device."""
    if isinstance(content, torch.Tensor):
        return content.to(where) if isinstance(where, str | torch.device) else content
    if isinstance(content, dict):
        return type(content)((key, move(value, where)) for key, value in content.items())
    if isinstance(content, list):
        return [move(value, where) for value in content]
    return content


class Extra:
    """A context in which A1111 takes further classes from files; here they are refused all the same."""

    def __init__(self, handler):
        self.handler = handler

    def __enter__(self):
        globals()["global_extra_handler"] = self.handler

    def __exit__(self, exc_type, exc_val, exc_tb):
        globals()["global_extra_handler"] = None


class RestrictedUnpickler(pickle.Unpickler):
    """Reads plain data alone."""

    extra_handler = None

    def find_class(self, module, name):
        if self.extra_handler is not None and (found := self.extra_handler(module, name)) is not None:
            return found
        raise pickle.UnpicklingError(f"{module}.{name} is code, not data, and is not read.")


def check_pt(filename, extra_handler) -> None:
    """Raise UnusableFile for a file that holds more than data."""
    check_pickle(Path(filename))


def check_zip_filenames(filename, names) -> None:
    """Nothing to do: `check_pt` looks at all of a file."""


def __getattr__(name):
    absent("modules.safe", name)
