import subprocess
import sys
from pathlib import Path

HEAVY = ("torch", "diffusers", "transformers", "gradio", "numpy", "cv2", "fastapi")
PROGRAM = f"""
import importlib, pkgutil, sys
import webui.store
for module in pkgutil.walk_packages(webui.store.__path__, "webui.store."):
    importlib.import_module(module.name)
print([name for name in {HEAVY!r} if name in sys.modules])
"""


def test_the_whole_store_loads_without_anything_heavy():
    root = Path(__file__).parents[2]
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=root, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
