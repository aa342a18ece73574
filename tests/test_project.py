import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.settings_page import PAGE, render
from webui.core.flags import Flags
from webui.core.settings import Settings, section_type

ROOT = Path(__file__).resolve().parents[1]
# What A1111's extensions import has A1111's names; it is no part of the package `webui`.
SITE = ROOT / "webui" / "compat" / "a1111" / "site"
MODULES = sorted(path for path in (ROOT / "webui").rglob("*.py") if not path.is_relative_to(SITE))
OURS = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in MODULES]
WITHOUT_TORCH = ("webui.core", "webui.prompts", "webui.store", "webui.library")
GROUND_FLOOR = [name for name in OURS if name.startswith(WITHOUT_TORCH)]

# Imports modules; that must not load what is unwanted, nor touch environment, threads, logging or disk.
IMPORTS_ALONE = """
import importlib, logging, os, sys, threading
from pathlib import Path

for name in filter(None, sys.argv[2].split(",")):
    importlib.import_module(name)

def state():
    handlers = list(logging.getLogger().handlers)
    return dict(os.environ), threading.active_count(), handlers, list(Path().iterdir())

before = state()
for name in sys.argv[3:]:
    importlib.import_module(name)
after = state()
assert before == after, (before, after)
loaded = {name for name in sys.argv[1].split(",") if name in sys.modules}
assert not loaded, loaded
"""


def import_alone(
    names: list[str], folder: Path, unwanted: str = "", first: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", IMPORTS_ALONE, unwanted, first, *names],
        cwd=folder, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_no_source_file_is_longer_than_500_lines():
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES
    }
    assert len(lengths) > 10
    assert {name: length for name, length in lengths.items() if length > 500} == {}


def test_a_class_name_stands_for_one_thing():
    places: dict[str, list[str]] = {}
    for path in [*MODULES, ROOT / "app.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert len(places) > 100
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_no_room_holds_much_of_the_code():
    """Lines of Python and JavaScript, by package; the page's scripts are a room of their own."""
    lines: dict[str, int] = {}
    for path in [*MODULES, *(ROOT / "webui").rglob("*.js")]:
        floor = path.relative_to(ROOT).parts[1] if path.suffix == ".py" else "scripts"
        lines[floor] = lines.get(floor, 0) + len(path.read_text(encoding="utf-8").splitlines())
    assert max(lines.values()) < 0.22 * sum(lines.values()), lines


def test_the_ground_floor_loads_neither_torch_nor_gradio(tmp_path):
    assert {"webui.core.settings", "webui.library.catalog.catalog"} <= set(GROUND_FLOOR)
    result = import_alone(GROUND_FLOOR, tmp_path, unwanted="torch,diffusers,transformers,gradio,fastapi")
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_importing_our_modules_does_nothing(tmp_path):
    # What other libraries do when they are imported is theirs; they are loaded first.
    result = import_alone(
        OURS, tmp_path, first="torch,diffusers,transformers,spandrel,cv2,PIL.Image,gradio,fastapi"
    )
    assert result.returncode == 0, result.stderr


def test_the_settings_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == render(), "run `.venv/bin/python -m tests.settings_page`"


def test_every_setting_and_every_flag_is_explained():
    sections = [section_type(holder.annotation) for holder in Settings.model_fields.values()]
    fields = {name: field for section in [*sections, Flags] for name, field in section.model_fields.items()}
    assert [name for name, field in fields.items() if not field.description] == []


def test_every_flag_is_used_by_the_program():
    outside = "".join(path.read_text(encoding="utf-8") for path in [*MODULES, ROOT / "app.py"])
    inside = (ROOT / "webui" / "core" / "flags.py").read_text(encoding="utf-8")
    used = set(re.findall(r"\bflags\.(\w+)", outside))
    derived = {name for name in vars(Flags) if not name.startswith(("_", "model_"))}
    assert "host" in derived
    assert derived - used == set()
    assert set(Flags.model_fields) - used - set(re.findall(r"\bself\.(\w+)", inside)) == set()
