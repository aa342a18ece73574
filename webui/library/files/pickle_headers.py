"""Names and shapes in torch pickles, read without torch, without the weights, and without running anything.

A pickle is a program for a small stack machine. This one knows only plain data: each name that a file calls
is either on a short list and answered by an inert stand-in, or the file is refused. Nothing is imported.
"""

import io
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, cast

from webui.core.errors import UnusableFile
from webui.library.files.bounded import Bounded
from webui.library.files.limits import (
    MAX_DIMENSIONS,
    MAX_ENTRIES,
    MAX_KEY_ITEMS,
    MAX_ODD_KEYS,
    MAX_OPEN_MARKS,
    MAX_PICKLE_BYTES,
    MAX_PICKLE_STEPS,
    MAX_PICKLED_SIDE,
    MAX_SMALL_KEY,
)
from webui.library.files.stand_ins import BOOKKEEPING, PARAMETER_TABLE, Inert, ParameterTable
from webui.library.files.tensor_table import Header, TensorInfo, flatten

# Of zip archives: what stands before each entry (mark, method, lengths of name and extra field).
LOCAL_HEADER, LOCAL_MARK = struct.Struct("<4s4xH16xHH"), b"PK\x03\x04"
TABLE = "data.pkl"
# The parent's own sign that the program ended, which its stubs leave out.
STOP: Any = vars(pickle)["_Stop"]
FRAME_LENGTH, PLACE = 8, struct.Struct("<I")
# torch's first format: three small pickles (a mark, a version, the machine) come before the table.
LEGACY_MARK = 0x1950A86A20F9469CFC6C
DTYPES: Mapping[str, str] = MappingProxyType(
    {
        "DoubleStorage": "F64", "FloatStorage": "F32", "HalfStorage": "F16", "BFloat16Storage": "BF16",
        "LongStorage": "I64", "IntStorage": "I32", "ShortStorage": "I16", "CharStorage": "I8",
        "ByteStorage": "U8", "BoolStorage": "BOOL", "UntypedStorage": "U8",
    }
)  # fmt: skip
# What stands beside the weights: torch's own small values, and what training programs left there.
HARMLESS = frozenset(
    {
        "torch.Size", "torch.device", "torch.Tensor", "torch.nn.parameter.Parameter", "_codecs.encode",
        "torch.serialization._get_layout", "collections.Counter", "collections.defaultdict",
        "builtins.set", "__builtin__.set", "builtins.bytearray", "__builtin__.bytearray", "builtins.complex",
        *BOOKKEEPING,
    }
)  # fmt: skip
TORCH_DTYPES = frozenset(
    {"float16", "float32", "float64", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "bool"}
)
NEVER_NEEDED = (
    pickle.INST, pickle.OBJ, pickle.EXT1, pickle.EXT2, pickle.EXT4, pickle.BYTEARRAY8, pickle.NEXT_BUFFER,
    pickle.READONLY_BUFFER, pickle.LONG4,
)  # fmt: skip
# What damage looks like to the stack machine and to the archive's reader.
DAMAGED = (
    pickle.UnpicklingError, zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, TypeError,
    KeyError, IndexError, AttributeError, NotImplementedError, RuntimeError, OverflowError, AssertionError,
)  # fmt: skip


class ForbiddenNameError(Exception):
    """The file calls a name that is not on the list."""


NOTHING = Inert()


class NoModelArchiveError(Exception):
    """A zip archive of other files."""


class TooMuchError(Exception):
    """The program makes more than any known model's does."""


@dataclass(frozen=True, slots=True)
class Storage:
    """Takes the place of stored numbers."""

    dtype: str


@dataclass(frozen=True, slots=True)
class Name:
    """Takes the place of a class or function; calling it makes a stand-in."""

    name: str
    make: Callable[..., object]


def read_pickle_header(path: Path) -> Header:
    """Header of a torch pickle of either format; `UnusableFile` says in a sentence why it is refused."""
    content = _read_table(path, is_quick=True)
    try:
        return Header(flatten(content, TensorInfo, path.name), layout="pickle")
    except DAMAGED as error:
        raise UnusableFile(_damaged(path)) from error


def check_pickle(path: Path) -> None:
    """Refuse, as `read_pickle_header` does, what torch itself would read of a file, before torch does.

    That is the table which an archive's list names; made by hand, it need not be the first entry.
    """
    _read_table(path, is_quick=False)


def _read_table(path: Path, *, is_quick: bool) -> object:
    try:
        with path.open("rb") as file:
            start, bounded = file.read(MAX_PICKLE_BYTES), Bounded(file, MAX_PICKLE_BYTES)
            if not zipfile.is_zipfile(bounded):
                return _read_legacy(start)
            place = _table_place(start) if is_quick else None
            return PlainUnpickler(io.BytesIO(start[place:])).load() if place else _read_zipped(bounded)
    except ForbiddenNameError as error:
        raise UnusableFile(
            f"{path.name} holds more than weights, possibly program code, so it was not opened. "
            "Use a .safetensors file of the same model."
        ) from error
    except NoModelArchiveError as error:
        raise UnusableFile(
            f"{path.name} is a zip archive of other files and no model. Unpack it and use the files in it."
        ) from error
    except TooMuchError as error:
        raise UnusableFile(
            f"{path.name} describes more than any known model or something else, so it was not opened. "
            "Use a .safetensors file of the same model."
        ) from error
    except DAMAGED as error:
        raise UnusableFile(_damaged(path)) from error


def _damaged(path: Path) -> str:
    return f"{path.name} is damaged or no model file. Download it again."


def _read_zipped(file: Bounded) -> object:
    """The table in the zip archive that torch writes since 2020: in the folder of the first entry."""
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        folder = entries[0].filename.partition("/")[0] if entries else ""
        tables = [info for info in entries if info.filename in {f"{folder}/{TABLE}", TABLE}]
        if not tables:
            raise NoModelArchiveError
        if len(tables) != 1 or tables[0].file_size > MAX_PICKLE_BYTES:
            raise ValueError("more than one table, or a table too long")
        with archive.open(tables[0]) as stream:
            return PlainUnpickler(io.BytesIO(stream.read(tables[0].file_size))).load()


def _table_place(start: bytes) -> int | None:
    """Where the table begins, if it is the archive's first entry and not packed: torch writes it so.

    Reading the list of all entries, one for each tensor, would take as long as reading the table.
    """
    if len(start) < LOCAL_HEADER.size:
        return None
    mark, method, name_bytes, extra_bytes = LOCAL_HEADER.unpack_from(start)
    end = LOCAL_HEADER.size + name_bytes
    is_table = start[LOCAL_HEADER.size : end].endswith(TABLE.encode())
    return end + extra_bytes if mark == LOCAL_MARK and method == zipfile.ZIP_STORED and is_table else None


def _read_legacy(start: bytes) -> object:
    """The table in torch's first format."""
    stream = io.BytesIO(start)
    if PlainUnpickler(stream).load() != LEGACY_MARK:
        raise ValueError("no torch file")
    for _ in range(2):
        PlainUnpickler(stream).load()
    return PlainUnpickler(stream).load()


class PlainUnpickler(pickle._Unpickler):
    """The stack machine, in Python: its other version keeps as many places as a damaged file says."""

    stack: list[object]
    memo: dict[int, object]

    def __init__(self, file: io.BytesIO) -> None:
        """Reads what follows in `file`."""
        super().__init__(file)
        self._file = file
        self._odd_keys = 0
        self._copied = 0

    def load(self) -> object:
        """The object whose program begins here.

        The parent looks for the end of a frame at each byte, which takes half of its time; frames are hints
        for files that are read piece by piece, and all of this one is in memory.
        """
        read = self.read = self._file.read
        self.readline, self.readinto = self._file.readline, self._file.readinto
        self.metastack: list[list[object]] = []
        self.stack = []
        self.append = self.stack.append
        codes = iter(partial(read, 1), b"")
        try:
            for step in map(dict(STEPS).__getitem__, islice(codes, MAX_PICKLE_STEPS)):
                step(self)
        except STOP as end:
            return end.value
        if read(1):
            raise TooMuchError
        raise EOFError

    # The five that a table of tensors is made of, without what the parent does for other programs.

    def put_near(self) -> None:
        """Remember what was made last at a place below 256."""
        self.memo[self.read(1)[0]] = self.stack[-1]

    def put_far(self) -> None:
        """Remember what was made last at any place."""
        self.memo[PLACE.unpack(self.read(4))[0]] = self.stack[-1]

    def get_near(self) -> None:
        """What was remembered at a place below 256."""
        self.append(self.memo[self.read(1)[0]])

    def small_number(self) -> None:
        """A number below 256."""
        self.append(self.read(1)[0])

    def text(self) -> None:
        """A text and its length."""
        length = PLACE.unpack(self.read(4))[0]
        self.append(str(self.read(length), "utf-8", "surrogatepass"))

    def pass_frame(self) -> None:
        """A frame's length, which is not needed."""
        self.read(FRAME_LENGTH)

    def put_anywhere(self) -> None:
        """As `put_far`, the place written as text."""
        place = int(self.readline())
        if not 0 <= place < MAX_SMALL_KEY:
            raise pickle.UnpicklingError("no place")
        self.memo[place] = self.stack[-1]

    def set_mark(self) -> None:
        """Begin a list of things that belong together."""
        if len(self.metastack) >= MAX_OPEN_MARKS:
            raise TooMuchError
        self.metastack.append(self.stack)
        self.stack = []
        self.append = self.stack.append

    def pop_mark(self) -> list[object]:
        """What stands behind the last mark, which goes."""
        items, self.stack = self.stack, self.metastack.pop()
        self.append = self.stack.append
        return items

    # Tables are where a small file can make much work: keys can be chosen to fall on the same place.

    def make_table(self) -> None:
        """A table of what stands behind the mark."""
        items = self.pop_mark()
        self.append({})
        self._fill(items)

    def set_item(self) -> None:
        """One more entry of a table."""
        value, key = self.stack.pop(), self.stack.pop()
        self._fill([key, value])

    def set_items(self) -> None:
        """More entries of a table."""
        self._fill(self.pop_mark())

    def make_set(self) -> None:
        """A set, of which nothing is kept: weights are in none."""
        self.append(NOTHING)

    def drop_items(self) -> None:
        """What would go into a set."""
        self.pop_mark()

    def make_frozen_set(self) -> None:
        """As `make_set`."""
        self.pop_mark()
        self.append(NOTHING)

    def _fill(self, items: list[object]) -> None:
        table = self.stack[-1]
        if not isinstance(table, dict):
            raise pickle.UnpicklingError("no table")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if type(key) is not str:
                self._check_key(key)
            table[key] = value

    def _check_key(self, key: object) -> None:
        """Count keys whose places in a table can be chosen by the file's author; refuse those that nest."""
        if type(key) is str or (type(key) is int and 0 <= key < MAX_SMALL_KEY):
            return
        items = key if type(key) is tuple and len(key) <= MAX_KEY_ITEMS else (key,)
        self._odd_keys += 1
        if self._odd_keys > MAX_ODD_KEYS or any(type(item) not in KEY_TYPES for item in items):
            raise TooMuchError

    def _check_pairs(self, pairs: object) -> None:
        """What becomes a table's entries, copied: from a file that says it again and again, without end."""
        if not isinstance(pairs, list | tuple | dict):
            raise pickle.UnpicklingError("no table")
        self._copied += len(pairs)
        if self._copied > MAX_ENTRIES:
            raise TooMuchError
        if not isinstance(pairs, dict):
            for pair in pairs:
                if not isinstance(pair, list | tuple) or len(pair) != 2:
                    raise pickle.UnpicklingError("no pair")
                self._check_key(pair[0])

    def find_class(self, module: str, name: str) -> object:
        """The stand-in for a name; ForbiddenNameError if it is not on the list."""
        return stand_in(module, name)

    def persistent_load(self, pid: object) -> object:
        """The stand-in for stored numbers: ("storage", type, key, place, count)."""
        if not isinstance(pid, tuple) or len(pid) < 2 or not isinstance(pid[1], Name):
            raise pickle.UnpicklingError("no storage")
        return pid[1].make()

    def call(self) -> None:
        """Put what a name gives in the place of the name."""
        arguments, name = self.stack.pop(), self.stack[-1]
        if isinstance(name, Name) and name.make is _table and isinstance(arguments, tuple) and arguments:
            self._check_pairs(arguments[0])
        self.stack[-1] = call_stand_in(name, arguments)

    def call_with_keywords(self) -> None:
        """As `call`; stand-ins need no named arguments."""
        self.stack.pop()
        self.call()

    def leave_state(self) -> None:
        """Drop the state of an object: what matters of a table are its entries."""
        state = self.stack.pop()
        if isinstance(self.stack[-1], ParameterTable) and isinstance(state, dict):
            self._check_pairs(state.get("_parameters", {}))
            self.stack[-1].__setstate__(state)

    def refuse(self) -> None:
        """What no torch file needs."""
        raise pickle.UnpicklingError("no plain data")

    # Replaces what makes objects; what takes as many bytes as it is told, or looks up registries, is gone.
    dispatch: ClassVar[Any] = {  # Any: methods of the parent, which its stubs do not type
        **pickle._Unpickler.dispatch,
        **dict.fromkeys((code[0] for code in NEVER_NEEDED), refuse),
        pickle.REDUCE[0]: call,
        pickle.NEWOBJ[0]: call,
        pickle.NEWOBJ_EX[0]: call_with_keywords,
        pickle.BUILD[0]: leave_state,
        pickle.MARK[0]: set_mark,
        pickle.DICT[0]: make_table,
        pickle.SETITEM[0]: set_item,
        pickle.SETITEMS[0]: set_items,
        pickle.EMPTY_SET[0]: make_set,
        pickle.ADDITEMS[0]: drop_items,
        pickle.FROZENSET[0]: make_frozen_set,
        pickle.PUT[0]: put_anywhere,
        pickle.FRAME[0]: pass_frame,
        pickle.BINPUT[0]: put_near,
        pickle.LONG_BINPUT[0]: put_far,
        pickle.BINGET[0]: get_near,
        pickle.BININT1[0]: small_number,
        pickle.BINUNICODE[0]: text,
    }


# What tables may have for keys, alone or in a tuple.
KEY_TYPES = frozenset({str, bytes, int, float, bool, type(None), Name, Storage, Inert, TensorInfo})

# What is done for each code, by the byte itself.
STEPS: Mapping[bytes, Callable[[PlainUnpickler], None]] = MappingProxyType(
    {bytes([code]): step for code, step in PlainUnpickler.dispatch.items()}
)


def call_stand_in(name: object, arguments: object) -> object:
    """What a stand-in for a class or function gives."""
    if not isinstance(name, Name) or not isinstance(arguments, tuple):
        raise pickle.UnpicklingError("nothing that can be called")
    return name.make(*arguments)


def stand_in(module: str, name: str) -> Name:
    """The stand-in for a name, ForbiddenNameError if it is not on the list."""
    full = f"{module}.{name}"
    if module in {"torch", "torch.storage", "torch.cuda"} and name in DTYPES:
        storage = Storage(DTYPES[name])
        return Name(full, lambda *_: storage)
    if full in MAKERS:
        return Name(full, MAKERS[full])
    if full in HARMLESS or (module == "torch" and name in TORCH_DTYPES):
        return Name(full, lambda *_: Inert())
    raise ForbiddenNameError(full)


def _tensor(storage: object, _offset: object, size: object, *_: object) -> TensorInfo:
    """A tensor over stored numbers."""
    if not isinstance(storage, Storage) or not isinstance(size, tuple) or len(size) > MAX_DIMENSIONS:
        raise pickle.UnpicklingError("no tensor")
    for side in size:
        if type(side) is not int or not 0 <= side < MAX_PICKLED_SIDE:
            raise pickle.UnpicklingError("no tensor's shape")
    return TensorInfo(storage.dtype, size)


def _parameter(content: object, *_: object) -> object:
    """A parameter is its tensor."""
    return content


def _subclass(function: object, _type: object, arguments: object, *_: object) -> object:
    """A tensor of a derived class is made as a plain one."""
    if not isinstance(function, Name) or function.make is not _tensor:
        raise pickle.UnpicklingError("no tensor")
    return call_stand_in(function, arguments)


def _table(pairs: object = (), *_: object) -> dict[object, object]:
    """A table that keeps its order, of entries that were checked."""
    return dict(cast("list[tuple[object, object]]", pairs))


MAKERS: Mapping[str, Callable[..., object]] = MappingProxyType(
    {
        "collections.OrderedDict": _table,
        PARAMETER_TABLE: lambda *_: ParameterTable(),
        "torch._utils._rebuild_tensor": _tensor,
        "torch._utils._rebuild_tensor_v2": _tensor,
        "torch._utils._rebuild_parameter": _parameter,
        "torch._utils._rebuild_parameter_with_state": _parameter,
        "torch._tensor._rebuild_from_type_v2": _subclass,
    }
)
