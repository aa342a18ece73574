"""Reading all code in a folder, in a process of its own: what is in there may be made to break a reader."""

import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from webui.library.community.reading.brought_packages import (
    leave_once,
    leave_own,
    missing_packages,
    read_brought,
)
from webui.library.community.reading.code_report import (
    SENTENCES,
    SERIOUS,
    CodeKind,
    CodePlace,
    CodeReport,
    KindFound,
    WantedPackage,
)
from webui.library.community.reading.packages import read_install_calls, read_requirements
from webui.library.community.reading.page_code import read_page_code
from webui.library.community.reading.python_code import read_python
from webui.library.community.tree import files_of
from webui.store.files.regular_files import read_regular

PROJECT = Path(__file__).resolve().parents[4]
LIMIT_S, MOST_BYTES, MOST_SHOWN, MOST_FILES = 90.0, 3_000_000, 40, 5000
PAGE_SUFFIXES = frozenset({".js", ".mjs", ".cjs", ".ts", ".vue", ".html", ".htm", ".svg", ".css"})
NATIVE_SUFFIXES = frozenset({".so", ".pyd", ".dll", ".dylib", ".exe", ".pyc", ".jar", ".node", ".wasm"})
SHELL_SUFFIXES = frozenset({".sh", ".bash", ".bat", ".cmd", ".ps1"})


class FolderReader:
    """Collects what the files of a folder do."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places: dict[CodeKind, list[CodePlace]] = defaultdict(list)
        self._packages: list[WantedPackage] = []
        self._hosts: set[str] = set()
        self._counts: dict[str, int] = defaultdict(int)
        self._missing = leave_own(missing_packages(), folder)

    def read(self, limit_s: float) -> CodeReport:
        """Read all files, or as many as the time allows."""
        ends, is_whole = time.monotonic() + limit_s, True
        for path in files_of(self._folder):
            if time.monotonic() > ends or sum(self._counts.values()) >= 20 * MOST_FILES:
                is_whole = False
                break
            self._read_file(path, path.relative_to(self._folder).as_posix())
        return self._report(is_whole)

    def _note(self, kind: CodeKind, place: CodePlace) -> None:
        self._places[kind].append(place)

    def _read_file(self, path: Path, name: str) -> None:
        suffix = path.suffix.lower()
        if suffix in (".py", ".pyw"):
            self._counts["python"] += 1
            self._read_text(path, name, self._read_python)
        elif suffix in PAGE_SUFFIXES:
            self._counts["script"] += 1
            self._read_text(path, name, self._read_page_code)
        elif suffix in NATIVE_SUFFIXES:
            self._counts["other"] += 1
            self._note("native", CodePlace(file=name, line=0, what=suffix))
        elif suffix in SHELL_SUFFIXES:
            self._counts["other"] += 1
            self._note("programs", CodePlace(file=name, line=0, what="a script for the system's shell"))
        else:
            self._counts["other"] += 1
            if path.name.lower().startswith("requirements") and suffix == ".txt":
                self._read_text(
                    path, name, lambda text, file: self._packages.extend(read_requirements(text, file))
                )

    def _read_text(self, path: Path, name: str, read: Callable[[str, str], object]) -> None:
        try:
            text = read_regular(path, MOST_BYTES).decode("utf-8-sig", errors="replace")
            read(text, name)
        except OSError as error:
            self._unread(name, str(error) if "more than" in str(error) else "cannot be opened")
        except SyntaxError:
            self._unread(name, "is no Python of today")
        except (ValueError, RecursionError, MemoryError):
            self._unread(name, "is too deeply nested, or holds what no text does")

    def _unread(self, name: str, why: str) -> None:
        self._note("unread", CodePlace(file=name, line=0, what=why[:120]))

    def _read_python(self, text: str, name: str) -> None:
        read_python(text, name, self._note, self._hosts)
        if "pip" in text:
            self._packages.extend(read_install_calls(text, name))
        self._packages.extend(read_brought(text, name, self._missing))

    def _read_page_code(self, text: str, name: str) -> None:
        read_page_code(text, name, self._note, self._hosts)

    def _report(self, is_whole: bool) -> CodeReport:
        found = [
            KindFound(
                kind=kind,
                sentence=sentence,
                is_serious=kind in SERIOUS,
                count=len(self._places[kind]),
                places=self._places[kind][:MOST_SHOWN],
            )
            for kind, sentence in SENTENCES.items()
            if self._places[kind]
        ]
        return CodeReport(
            found=found,
            packages=leave_once(self._packages)[:200],
            hosts=sorted(host for host in self._hosts if "." in host)[:200],
            python_files=self._counts["python"],
            script_files=self._counts["script"],
            other_files=self._counts["other"],
            is_whole=is_whole,
        )


def read_code(folder: Path, limit_s: float = LIMIT_S) -> CodeReport:
    """What the code in a folder does. A file that breaks the reader costs the report, not the server."""
    command = [sys.executable, "-m", "webui.library.community.reading", str(folder), str(limit_s * 0.8)]
    try:
        done = subprocess.run(
            command,
            cwd=PROJECT,
            env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(PROJECT), "PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limit_s,
            check=True,
        )
        return CodeReport.model_validate_json(done.stdout)
    except (subprocess.SubprocessError, OSError, ValidationError, json.JSONDecodeError):
        place = CodePlace(file="", line=0, what="the reader did not come to an end")
        unread = KindFound(
            kind="unread", sentence=SENTENCES["unread"], is_serious=True, count=1, places=[place]
        )
        return CodeReport(found=[unread], is_whole=False)
