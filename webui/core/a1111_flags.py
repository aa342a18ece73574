"""A1111's flags that change nothing here, so that a start script of its users works unchanged.

Facts: A1111 1.10's `--help`, its built-in extensions' flags, and Forge's most copied ones.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

# A sentence, and the flags it explains. Values after these flags are accepted as well.
EXPLANATIONS: Mapping[str, tuple[str, ...]] = {
    "the fastest attention for the device is always on": (
        "opt-sdp-attention",
        "opt-sdp-no-mem-attention",
        "opt-split-attention",
        "opt-split-attention-v1",
        "opt-split-attention-invokeai",
        "opt-sub-quad-attention",
        "disable-opt-split-attention",
        "sub-quad-q-chunk-size",
        "sub-quad-kv-chunk-size",
        "sub-quad-chunk-threshold",
        "xformers-flash-attention",
        "attention-split",
        "attention-quad",
        "attention-pytorch",
    ),
    "the API is always there, under /sdapi/v1": ("api",),
    "a public link would lead through a stranger's server: put a proxy or tunnel of your own in front": (
        "share",
    ),
    "without a GPU it computes on the processor": ("skip-torch-cuda-test",),
    "a picture that comes out as NaN is computed again in 32 bits": ("disable-nan-check",),
    "memory is moved and freed as needed": (
        "lowram",
        "disable-model-loading-ram-optimization",
        "unload-gfpgan",
        "always-gpu",
        "always-high-vram",
        "always-normal-vram",
        "always-low-vram",
        "always-offload-from-vram",
        "pin-shared-memory",
        "cuda-malloc",
        "cuda-stream",
    ),
    "prompt and negative prompt are batched whenever memory allows it": ("always-batch-cond-uncond",),
    "the memory layout that suits the device is chosen by itself": ("opt-channelslast",),
    "numbers that overflow are computed again in 32 bits by themselves": ("upcast-sampling",),
    "the device is found by itself": ("use-ipex", "directml", "use-directml", "use-zluda", "skip-ort"),
    "./launch.sh installs, and only when pyproject.toml has changed": (
        "reinstall-torch",
        "reinstall-xformers",
        "skip-prepare-environment",
        "skip-python-version-check",
        "skip-version-check",
        "update-check",
        "do-not-download-clip",
    ),
    "nothing is downloaded at start": ("no-download-sd-model", "update-all-extensions"),
    "tests are run with ./launch.sh test": ("tests", "no-tests", "test-server"),
    "it may run as any user": ("f", "administrator"),
    "pickles are always read without running the code in them": ("disable-safe-unpickle",),
    "scripts come as extensions, which are code already": ("allow-code",),
    "hashes are computed aside and do not delay anything": ("no-hashing",),
    "the selected model is loaded in the background while the page is already there": (
        "skip-load-model-at-start",
        "ui-debug-mode",
        "config",
    ),
    "the network's configuration is read from the checkpoint, or the .yaml beside it": ("clip-models-path",),
    "the page keeps its queue in the server and needs no setting": (
        "gradio-queue",
        "no-gradio-queue",
        "gradio-debug",
        "gradio-img2img-tool",
        "gradio-inpaint-tool",
        "no-progressbar-hiding",
        "disable-console-progressbars",
        "enable-console-prompts",
        "show-negative-prompt",
        "use-textbox-seed",
        "max-batch-count",
        "no-prompt-history",
        "localizations-dir",
        "ui-config-file",
    ),
    "settings choose folders below the data folder only, unless --allow-folder names others": (
        "hide-ui-dir-config",
    ),
    "only pictures that were made or uploaded here are shown": ("gradio-allowed-path",),
    "file names are kept to what every system accepts, and their pattern is a setting": (
        "unix-filenames-sanitization",
        "filenames-max-length",
    ),
    "--loglevel tells how much is logged": ("api-log", "log-startup", "dump-sysinfo"),
    "a tunnel is best run beside the server": ("ngrok", "ngrok-options", "ngrok-region"),
    "--api-server-stop lets API calls stop the server": ("add-stop-route",),
    "connections stay open as long as the page needs them": ("timeout-keep-alive",),
    "certificates are the browser's to judge": ("disable-tls-verify",),
    "the network it was for is not in use here": (
        "deepdanbooru",
        "gfpgan-dir",
        "gfpgan-model",
        "ldsr-models-path",
        "textual-inversion-templates-dir",
    ),
    "extensions are installed by putting a folder into extensions/, never over the network": (
        "enable-insecure-extension-access",
    ),
}


def flag_defaults() -> dict[str, Any]:  # JSON
    """A1111's flags, as names of attributes, and their defaults."""
    return json.loads(files("webui.core").joinpath("a1111_flags.json").read_text("utf-8"))


def explanation(flag: str) -> str | None:
    """What to say about a flag, given without its dashes, or None if it is not in the table."""
    return next((sentence for sentence, flags in EXPLANATIONS.items() if flag in flags), None)
