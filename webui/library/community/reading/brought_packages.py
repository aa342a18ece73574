"""Packages that A1111 brings along, so that its extensions import them without asking for them."""

import ast
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path

from packaging.utils import canonicalize_name

from webui.library.community.reading.code_report import WantedPackage

BROUGHT_REMARK = "A1111 brings it along, and this extension imports it: it is installed with it."
# By the modules that they bring: what A1111 asks for, and what that and Gradio 3 ask for in turn. What this
# program is built on itself is not among them.
PACKAGES_OF_A1111 = {
    "accelerate": "accelerate",
    "aenum": "aenum",
    "aiofiles": "aiofiles",
    "aiohttp": "aiohttp",
    "altair": "altair",
    "antlr4": "antlr4-python3-runtime",
    "attr": "attrs",
    "blendmodes": "blendmodes",
    "cleanfid": "clean-fid",
    "clip": "openai-clip",
    "diskcache": "diskcache",
    "einops": "einops",
    "facexlib": "facexlib",
    "ffmpy": "ffmpy",
    "filterpy": "filterpy",
    "git": "GitPython",
    "imageio": "imageio",
    "importlib_resources": "importlib_resources",
    "inflection": "inflection",
    "jsonmerge": "jsonmerge",
    "jsonschema": "jsonschema",
    "kornia": "kornia",
    "lark": "lark",
    "lazy_loader": "lazy_loader",
    "lightning_fabric": "lightning-fabric",
    "markdown_it": "markdown-it-py",
    "matplotlib": "matplotlib",
    "numba": "numba",
    "omegaconf": "omegaconf",
    "open_clip": "open-clip-torch",
    "orjson": "orjson",
    "pandas": "pandas",
    "piexif": "piexif",
    "pillow_avif": "pillow-avif-plugin",
    "psutil": "psutil",
    "pydub": "pydub",
    "pytorch_lightning": "pytorch_lightning",
    "requests": "requests",
    "resize_right": "resize-right",
    "scipy": "scipy",
    "semantic_version": "semantic-version",
    "six": "six",
    "skimage": "scikit-image",
    "tifffile": "tifffile",
    "timm": "timm",
    "tomesd": "tomesd",
    "toolz": "toolz",
    "torchdiffeq": "torchdiffeq",
    "torchmetrics": "torchmetrics",
    "torchsde": "torchsde",
    "websockets": "websockets",
}


def missing_packages() -> dict[str, str]:
    """Those of them that are not installed, by the modules that they bring."""
    return {module: package for module, package in PACKAGES_OF_A1111.items() if not is_there(module)}


def leave_own(missing: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Missing packages without those that an extension's folder has itself, as a folder or a file."""
    return {
        module: package
        for module, package in missing.items()
        if not (folder / module).exists() and not (folder / f"{module}.py").exists()
    }


def is_there(module: str) -> bool:
    """Whether a module of that name can be imported."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def imported_modules(source: str) -> dict[str, int]:
    """The first names of the modules that a Python file imports, with their lines; {} if it is no Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        else:
            continue
        for name in names:
            found.setdefault(name.partition(".")[0], node.lineno)
    return found


def read_brought(source: str, file: str, lacking: Mapping[str, str]) -> list[WantedPackage]:
    """The packages of A1111's that a Python file imports and that are not here."""
    if not any(module in source for module in lacking):
        return []
    return [
        WantedPackage(
            name=lacking[module], wanted=lacking[module], file=file, line=line, remark=BROUGHT_REMARK
        )
        for module, line in imported_modules(source).items()
        if module in lacking
    ]


def leave_once(packages: Iterable[WantedPackage]) -> list[WantedPackage]:
    """Packages without those that A1111 brings and that stand there before, for another file or by a list."""
    found: dict[str, WantedPackage] = {}
    others: list[WantedPackage] = []
    for each in packages:
        if each.remark == BROUGHT_REMARK:
            found.setdefault(each.name, each)
        else:
            others.append(each)
    asked = {str(canonicalize_name(each.name)) for each in others if each.name}
    return [
        *dict.fromkeys(others),
        *(each for name, each in found.items() if str(canonicalize_name(name)) not in asked),
    ]
