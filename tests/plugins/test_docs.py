"""docs/hooks.md has every hook, its examples load, and a stranger can follow the tutorial."""

import inspect
import re
import shutil
from dataclasses import fields
from pathlib import Path

from PIL import Image

from tests.plugins.extension_files import write_extension
from webui.core.request import make_request
from webui.diffusion.denoising import Denoising
from webui.plugins import specs
from webui.plugins.loading import Extensions, WantedExtensions, find_extensions
from webui.plugins.moments import PictureMoment

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")
HOOKS = [name for name in dir(specs) if hasattr(getattr(specs, name), "webui_spec")]


def test_every_hook_has_its_chapter_with_an_example():
    for hook in HOOKS:
        _, _, rest = PAGE.partition(f"## {hook}\n")
        chapter = rest.split("\n## ")[0]
        assert f"def {hook}(" in chapter, hook
        assert all(f"- {word}:" in chapter for word in ("Called", "Thread", "Returns")), hook
        given = [f"`{name}`" for name in inspect.signature(getattr(specs, hook)).parameters]
        assert f"- Given: {', '.join(given) or 'nothing'}." in chapter, hook


def test_every_list_of_a_pass_is_told_of():
    _, _, rest = PAGE.partition("## prepare_denoising\n")
    chapter = rest.split("\n## ")[0]
    lists = [each.name for each in fields(Denoising) if str(each.type).startswith("list[")]
    assert len(lists) > 8
    assert [name for name in lists if f"`{name}`" not in chapter] == []


def test_the_examples_are_an_extension_that_loads(tmp_path):
    code = "\n\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
    write_extension(tmp_path, "examples", code)
    extensions = Extensions()
    extensions.load(find_extensions(tmp_path, tmp_path), WantedExtensions(), 60)
    try:
        assert extensions.problems == []
        assert all(extensions.plugins.uses(hook) for hook in HOOKS)
        assert make_request(sampler="Example Euler", schedule="Example straight")
    finally:
        extensions.close()


def test_the_template_is_copied_loaded_and_changes_a_picture(tmp_path):
    shutil.copytree(ROOT / "docs" / "template_extension", tmp_path / "warmth")
    assert len((tmp_path / "warmth" / "plugin.py").read_text(encoding="utf-8").splitlines()) < 50
    extensions = Extensions()
    extensions.load(find_extensions(tmp_path, tmp_path), WantedExtensions(), 60)
    assert extensions.problems == []
    plugins = extensions.plugins
    extras = plugins.check_extras({"warmth": {"enabled": True, "amount": 0.5}})
    request = make_request(extras=extras)
    grey = Image.new("RGB", (8, 8), (100, 100, 100))
    moment = PictureMoment(place="composed", index=0, request=request)
    image = plugins.change("change_image", grey, name="image", picture=moment, context=None)
    assert image.getpixel((0, 0)) == (125, 100, 75)
    assert plugins.infotext_entries(request) == {"Warmth": '{"enabled": true, "amount": 0.5}'}
    unasked = PictureMoment(place="composed", index=0, request=make_request())
    assert plugins.change("change_image", grey, name="image", picture=unasked, context=None) is grey
