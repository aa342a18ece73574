"""docs/infotext.md: the script in it runs as it stands there."""

import re
from pathlib import Path
from typing import Any

from PIL import Image, PngImagePlugin

DOCS = Path(__file__).resolve().parents[2] / "docs" / "infotext.md"


def test_the_documented_script_reads_a_picture(tmp_path: Path, monkeypatch) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", "a fox\nSteps: 12, Sampler: Euler a, CFG scale: 5, Seed: 7, Size: 64x96")
    Image.new("RGB", (64, 96)).save(tmp_path / "picture.png", pnginfo=info)
    monkeypatch.chdir(tmp_path)
    (script,) = re.findall(r"```python\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {"Path": Path}
    exec(script, names)
    fields = names["fields"]
    assert (fields["prompt"], fields["steps"], fields["seed"]) == ("a fox", 12, "7")
    assert (fields["width"], fields["height"]) == (64, 96)
