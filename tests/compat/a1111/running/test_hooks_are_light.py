"""The hooks of a run are registered at the start of the program, which waits for no model's classes."""

import subprocess
import sys

LOADED = "import sys, webui.compat.a1111.hooks.run; print('diffusers' in sys.modules, 'torch' in sys.modules)"


def test_the_hooks_of_a_run_load_no_models():
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
