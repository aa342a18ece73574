"""Zips of pictures and captions, opened without trust: nothing leaves its folder, and no bomb goes off."""

import hashlib
import shutil
import stat
import tempfile
import zipfile
from pathlib import Path

from webui.core.errors import StorageError, UnusableFile
from webui.library.intake.archives import HARMLESS_BYTES, MAX_GROWTH, archive_errors, extract
from webui.store.files.atomic import storage_errors
from webui.store.files.regular_files import is_folder
from webui.store.files.safe_names import safe_parts
from webui.store.files.staging import require_space, size_text
from webui.store.pictures.picture_files import is_picture_name
from webui.training.data.captions import MAX_CAPTION_BYTES
from webui.training.data.dataset import CAPTION_SUFFIXES, Skipped

MAX_MEMBERS = 50_000
# The flag of names in UTF-8.
UTF8_FLAG = 0x800
LOCKED_FLAG = 1
# What programs leave in archives, of which nobody wants to hear.
RUBBISH = ("__MACOSX", "Thumbs.db", "desktop.ini")


def unpack_once(path: Path) -> tuple[Path, list[Skipped]]:
    """The pictures and captions of a zip in a hidden folder beside it, or a temporary one; unpacked once.

    Raises UnusableFile or StorageError.
    """
    with archive_errors(path), storage_errors(path):
        status = path.stat()
        mark = hashlib.sha256(f"{path.resolve()}/{status.st_size}/{status.st_mtime_ns}".encode()).hexdigest()
        _, skipped = list_members(path)
    folder = path.with_name(f".{path.stem}-{mark[:12]}")
    if is_folder(folder):
        return folder, skipped
    try:
        work = Path(tempfile.mkdtemp(dir=path.parent, prefix=".unpacking-"))
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="atelier-"))
        return folder, unpack_pictures(path, folder)
    try:
        unpack_pictures(path, work)
        with storage_errors(folder):
            work.rename(folder)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        if is_folder(folder):
            # Another run was quicker.
            return folder, skipped
        raise
    return folder, skipped


def unpack_pictures(path: Path, folder: Path) -> list[Skipped]:
    """Unpack pictures and captions below a folder; what was left out. Raises UnusableFile or StorageError.

    An archive that tries to write elsewhere, or grows beyond all measure, is refused whole.
    """
    with archive_errors(path), zipfile.ZipFile(path) as archive:
        members, skipped = list_members(path)
        size = sum(info.file_size for info, _ in members)
        if size > HARMLESS_BYTES and size > MAX_GROWTH * path.stat().st_size:
            raise UnusableFile(
                f"{path.name} would grow to {size_text(size)}, which no pictures do, so it was not opened."
            )
        require_space(folder, size, f"Unpacking {path.name}")
        for info, target in members:
            try:
                extract(archive, info, folder / target)
            except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as error:
                (folder / target).unlink(missing_ok=True)
                skipped.append(Skipped(target.as_posix(), f"it is damaged in {path.name}: {error}"))
            except StorageError:
                (folder / target).unlink(missing_ok=True)
                raise
        return skipped


def list_members(path: Path) -> tuple[list[tuple[zipfile.ZipInfo, Path]], list[Skipped]]:
    """Which files of an archive are unpacked and where, relative, and those that are not.

    Raises UnusableFile for archives that are refused whole.
    """
    with archive_errors(path), zipfile.ZipFile(path) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
    if len(infos) > MAX_MEMBERS:
        raise UnusableFile(f"{path.name} holds more than {MAX_MEMBERS:,} files. Unpack it yourself.")
    members: list[tuple[zipfile.ZipInfo, Path]] = []
    skipped: list[Skipped] = []
    # Without case: what lies side by side here is one file on other systems.
    taken: set[str] = set()
    for info in infos:
        name = real_name(info)
        target = safe_parts(name)
        if target is None:
            raise UnusableFile(f"{path.name} tries to write outside its folder, so it was not opened.")
        if is_rubbish(name):
            continue
        fault = member_fault(info, target, taken)
        if fault:
            skipped.append(Skipped(target.as_posix(), fault))
        else:
            taken.add(str(target).casefold())
            members.append((info, target))
    return members, skipped


def real_name(info: zipfile.ZipInfo) -> str:
    """The name of a member: many programs write UTF-8 without saying so, which then reads as cp437."""
    if info.flag_bits & UTF8_FLAG:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def is_rubbish(name: str) -> bool:
    """Whether a member is hidden, or other programs' own."""
    parts = name.replace("\\", "/").split("/")
    return any(part.startswith(".") or part in RUBBISH for part in parts if part not in ("", "."))


def member_fault(info: zipfile.ZipInfo, target: Path, taken: set[str]) -> str | None:
    """Why a member is not unpacked, the end of a sentence; None if it is."""
    is_text = target.suffix.lower() in CAPTION_SUFFIXES
    faults = {
        "it is neither a picture nor a caption": not is_picture_name(target.name) and not is_text,
        "it is locked with a password": bool(info.flag_bits & LOCKED_FLAG),
        "it is a link or a device": stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG),
        "another file of the archive has its name": str(target).casefold() in taken
        or any(str(folder).casefold() in taken for folder in target.parents),
        "it is too long for a caption": is_text and info.file_size > MAX_CAPTION_BYTES,
    }
    return next((fault for fault, is_so in faults.items() if is_so), None)
