"""Zip archives, opened without trust: no member leaves its folder, and no bomb goes off."""

import contextlib
import stat
import zipfile
import zlib
from collections.abc import Generator
from pathlib import Path

from webui.core.errors import UnusableFile
from webui.store.files.atomic import storage_errors
from webui.store.files.safe_names import safe_parts
from webui.store.files.staging import require_space, size_text

MAX_MEMBERS = 5000
# Weights hardly shrink; what grows by more than this once unpacked, and beyond a size, is a bomb.
MAX_GROWTH = 100
HARMLESS_BYTES = 256 * 2**20
READ_BYTES = 1 << 20
# What a torch file, itself a zip, always holds.
PICKLE_MEMBER = "data.pkl"
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    LookupError,
)


def is_archive(path: Path) -> bool:
    """Whether a file is a zip, but no torch file."""
    with path.open("rb") as file:
        if file.read(2) != b"PK" or not zipfile.is_zipfile(file):
            return False
        file.seek(0)
        try:
            with zipfile.ZipFile(file) as archive:
                # One archive may hold thousands of names; those of a torch file stand among the first.
                names = archive.namelist()[:50]
        except DAMAGE:
            return True
    return not any(name == PICKLE_MEMBER or name.endswith(f"/{PICKLE_MEMBER}") for name in names)


def unpack(path: Path, folder: Path) -> list[Path]:
    """The files of an archive, below `folder`, which must not exist yet. Raises UnusableFile or StorageError.

    An archive with anything suspicious in it is refused whole.
    """
    with archive_errors(path), zipfile.ZipFile(path) as archive:
        members = [info for info in archive.infolist() if not info.is_dir()]
        targets = check_targets(path, members)
        check_size(path, members, folder)
        for info, relative in zip(members, targets, strict=True):
            extract(archive, info, folder / relative)
        return [folder / relative for relative in targets]


@contextlib.contextmanager
def archive_errors(path: Path) -> Generator[None, None, None]:
    """Turns what zipfile raises on damaged archives into UnusableFile."""
    try:
        yield
    except DAMAGE as error:
        raise UnusableFile(f"{path.name} is damaged and cannot be unpacked. Get it again.") from error


def check_targets(path: Path, members: list[zipfile.ZipInfo]) -> list[Path]:
    """Where each member goes, relative; raises if one must not be unpacked."""
    if len(members) > MAX_MEMBERS:
        raise UnusableFile(f"{path.name} holds more than {MAX_MEMBERS} files. Unpack it yourself.")
    targets: list[Path] = []
    # Without case: what lies side by side here is one file on other systems.
    taken: set[str] = set()
    for info in members:
        if info.flag_bits & 1:
            raise UnusableFile(f"{path.name} is locked with a password. Unpack it yourself.")
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise UnusableFile(
                f"{path.name} holds a link or a device in place of a file, so it was not opened."
            )
        target = safe_parts(info.filename)
        if target is None:
            raise UnusableFile(f"{path.name} tries to write outside its folder, so it was not opened.")
        if str(target).casefold() in taken:
            raise UnusableFile(f"{path.name} holds two files of the same name. Unpack it yourself.")
        taken.add(str(target).casefold())
        targets.append(target)
    if any(str(folder).casefold() in taken for target in targets for folder in target.parents):
        raise UnusableFile(f"{path.name} holds a file and a folder of the same name. Unpack it yourself.")
    return targets


def check_size(path: Path, members: list[zipfile.ZipInfo], folder: Path) -> None:
    """Raise if unpacking takes more than the disk has, or more than honest files do."""
    size = sum(info.file_size for info in members)
    if size > HARMLESS_BYTES and size > MAX_GROWTH * path.stat().st_size:
        raise UnusableFile(
            f"{path.name} would grow to {size_text(size)}, which no collection of models does, "
            "so it was not opened."
        )
    require_space(folder, size, f"Unpacking {path.name}")


def extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> None:
    """One member; never more bytes than the archive's index says."""
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        # "xb": nothing that lies there already is written to.
        with archive.open(info) as source, target.open("xb") as file:
            rest = info.file_size
            while piece := source.read(min(READ_BYTES, rest + 1)):
                rest -= len(piece)
                if rest < 0:
                    raise zipfile.BadZipFile("a member is longer than the index says")
                file.write(piece)
