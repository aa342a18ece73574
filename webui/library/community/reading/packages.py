"""The packages that an extension installs: lists of requirements, and what its install.py asks pip for."""

import ast
import re
from collections.abc import Iterator

from webui.library.community.reading.code_report import WantedPackage

# What this program itself is built on; their versions are held whatever an extension asks for.
HELD = frozenset(
    (
        *("torch", "torchvision", "torchaudio", "gradio", "gradio-client", "numpy", "pillow", "transformers"),
        *(
            "diffusers",
            "safetensors",
            "fastapi",
            "starlette",
            "pydantic",
            "uvicorn",
            "httpx",
            "huggingface-hub",
        ),
    )
)
REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s{0,9}(\[[^\]]{0,200}\])?\s{0,9}(.*)")
ELSEWHERE = re.compile(r"^(?:git\+|hg\+|svn\+|bzr\+|https?:|file:|ftp:)|\s@\s", re.IGNORECASE)
OPTION_REMARK = "An option of pip that changes where packages come from, or how."
ELSEWHERE_REMARK = "Not from the usual index of packages: an address of its own."
HELD_REMARK = "Part of this program: the version that is here stays."
ANY_REMARK = "Any version: what comes changes from day to day."
DECIDED_REMARK = "Put together while install.py runs."
# Options of pip's command line that have a word after them.
WITH_VALUE = frozenset(
    {
        "-r",
        "-c",
        "-i",
        "-f",
        "--index-url",
        "--extra-index-url",
        "--find-links",
        "--requirement",
        "--target",
        "-t",
    }
)
HARMLESS = frozenset(
    {
        "-U",
        "--upgrade",
        "-q",
        "--quiet",
        "--no-cache-dir",
        "--prefer-binary",
        "--no-deps",
        "-r",
        "--requirement",
    }
)
HARMLESS_LINES = ("-r ", "--requirement ", "-c ", "--prefer-binary")


def read_requirements(text: str, file: str) -> list[WantedPackage]:
    """The packages in a list of requirements."""
    found: list[WantedPackage] = []
    for number, line in enumerate(text.replace("\\\n", " ").splitlines(), 1):
        plain = re.sub(r"(^|\s)#.*", "", line).strip()
        if plain and not plain.startswith(HARMLESS_LINES):
            found.append(read_requirement(plain, file, number))
    return found


def read_requirement(text: str, file: str, line: int) -> WantedPackage:
    """One line: a package, an address or an option."""
    wanted = text[:200]
    if text.startswith("-"):
        return WantedPackage(name="", wanted=wanted, file=file, line=line, remark=OPTION_REMARK)
    found = REQUIREMENT.match(text)
    name = found[1].lower().replace("_", "-") if found else ""
    if ELSEWHERE.search(text) or found is None:
        return WantedPackage(name=name, wanted=wanted, file=file, line=line, remark=ELSEWHERE_REMARK)
    version = found[3].split(";")[0].strip()
    remark = HELD_REMARK if name in HELD else "" if "==" in version else ANY_REMARK if not version else ""
    return WantedPackage(name=name, wanted=wanted, file=file, line=line, remark=remark)


def read_install_calls(source: str, file: str) -> list[WantedPackage]:
    """What the calls of pip in a Python file ask for. Nothing for a file that is no Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found: list[WantedPackage] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for words, is_decided_late in commands_of(node):
                found += packages_in(words, is_decided_late, file, node.lineno)
    return found


def commands_of(call: ast.Call) -> Iterator[tuple[list[str], bool]]:
    """The words behind `install` of a pip command that a call runs; whether some are put together late."""
    function = call.func
    name = (
        function.attr
        if isinstance(function, ast.Attribute)
        else function.id
        if isinstance(function, ast.Name)
        else ""
    )
    for argument in call.args[:2]:
        texts, is_late = texts_of(argument)
        words = [word for text in texts for word in text.split()]
        is_pip = name in ("run_pip", "pip_install", "pip") or "pip" in words
        if is_pip and "install" in words:
            yield words[words.index("install") + 1 :], is_late


def texts_of(node: ast.expr) -> tuple[list[str], bool]:
    """The constant texts of an argument, and whether there is more to it than constants."""
    if isinstance(node, ast.Constant):
        return ([node.value], False) if isinstance(node.value, str) else ([], False)
    if isinstance(node, ast.JoinedStr):
        parts = [
            each.value
            for each in node.values
            if isinstance(each, ast.Constant) and isinstance(each.value, str)
        ]
        return [
            " … ".join(parts) + (" …" if isinstance(node.values[-1], ast.FormattedValue) else "")
        ] if node.values else [], True
    if isinstance(node, ast.List | ast.Tuple):
        pairs = [texts_of(each) for each in node.elts]
        is_late = any(
            late for each, (_, late) in zip(node.elts, pairs, strict=True) if not is_interpreter(each)
        )
        return [text for texts, _ in pairs for text in texts], is_late
    if isinstance(node, ast.BinOp):
        left, right = texts_of(node.left), texts_of(node.right)
        return [*left[0], *right[0]], True
    return [], True


def is_interpreter(node: ast.expr) -> bool:
    """Whether this is `sys.executable`."""
    return isinstance(node, ast.Attribute) and node.attr == "executable"


def packages_in(words: list[str], is_late: bool, file: str, line: int) -> list[WantedPackage]:
    """The packages of a pip command."""
    found: list[WantedPackage] = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word.startswith("-"):
            skip = word in WITH_VALUE
            if word.split("=")[0] not in HARMLESS:
                found.append(read_requirement(word, file, line))
        elif word != "…":
            found.append(read_requirement(word.strip("\"'"), file, line))
    if is_late:
        found = [each.model_copy(update={"remark": each.remark or DECIDED_REMARK}) for each in found]
        if not found:
            found = [
                WantedPackage(name="", wanted="pip install …", file=file, line=line, remark=DECIDED_REMARK)
            ]
    return found
