"""Neither hooks nor A1111's names load models' classes: the start of the program waits for none of them."""

import subprocess
import sys

HOOKS = """
import sys
from webui.compat.a1111.start import hook_modules
hook_modules()
print(sorted({"diffusers", "transformers", "spandrel", "torch"} & set(sys.modules)))
"""
NAMES = """
import importlib, os, sys
from pathlib import Path
from webui.compat.a1111 import host as hosts
from webui.compat.a1111.layout import SITE
from webui.core.flags import read_flags
from webui.main import build_services

home = Path(sys.argv[1])
hosts.begin(hosts.ExtensionHost(home))
hosts.current().services = build_services(read_flags(["--data-dir", str(home)])[0], home)
sys.path.append(str(SITE))
for name in sys.argv[2].split():
    importlib.import_module(name)
importlib.import_module("modules.devices").device
importlib.import_module("modules.shared").sd_upscalers
print(sorted({"diffusers", "transformers", "spandrel", "torch._dynamo"} & set(sys.modules)), flush=True)
os._exit(0)
"""
# What nearly every extension imports.
USUAL = (
    "modules.scripts modules.shared modules.script_callbacks modules.devices modules.images modules.ui "
    "modules.processing modules.sd_models modules.sd_samplers modules.sd_samplers_common modules.sd_vae "
    "modules.sd_samplers_kdiffusion modules.prompt_parser modules.extra_networks modules.infotext_utils "
    "modules.sd_hijack modules.rng modules.sd_samplers_cfg_denoiser modules.modelloader modules.upscaler "
    "modules.face_restoration modules.postprocessing modules.api.api networks lib_controlnet.external_code"
)


def run(code: str, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_hooks_load_no_models():
    assert run(HOOKS) == "[]"


def test_names_that_extensions_import_load_no_models(tmp_path):
    assert run(NAMES, str(tmp_path), USUAL) == "[]"
