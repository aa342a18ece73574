"""Extensions written for tests."""

from pathlib import Path

PART = '''
from typing import ClassVar, Literal
from pydantic import Field
from webui.plugins import RequestPart, hookimpl

class Sharpness(RequestPart):
    """Values."""
    key: ClassVar[str] = "sharpness"
    title: ClassVar[str] = "Sharpness"
    about: ClassVar[str] = "Sharpens the picture."
    alwayson_name: ClassVar[str] = "sharp"
    enabled: bool = False
    amount: float = Field(default=1.0, ge=0, le=4, title="Amount", description="How much.")
    mode: Literal["soft", "hard"] = "soft"
    words: str = ""

@hookimpl
def register_request_part():
    return Sharpness
'''


def write_extension(home: Path, name: str, code: str, **files: str) -> Path:
    """A folder with this plugin.py; other files by their names, a dot as "__"."""
    folder = home / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plugin.py").write_text(code, encoding="utf-8")
    for file, text in files.items():
        (folder / file.replace("__", ".")).write_text(text, encoding="utf-8")
    return folder
