"""Scripts of the tab Extras."""
# pyright: basic

from webui.compat.a1111.page.calls import call_extension
from webui.compat.a1111.page.extras_scripts import (
    ExtrasScript,
    ExtrasScriptRunner,
    ExtrasShared,
    PostprocessedImage,
)

PostprocessedImageSharedInfo = ExtrasShared


class ScriptPostprocessing(ExtrasScript):
    """The base of scripts for Extras."""


class ScriptPostprocessingRunner(ExtrasScriptRunner):
    def classes(self):
        from modules import scripts

        return [(each.script_class, str(each.path)) for each in scripts.postprocessing_scripts_data]

    def preferred_order(self):
        from modules import shared

        return shared.opts.data.get("postprocessing_operation_order") or ()


def wrap_call(func, filename, funcname, *args, default=None, **kwargs):
    return call_extension(filename, funcname, func, *args, default=default, **kwargs)


__all__ = [
    "PostprocessedImage",
    "PostprocessedImageSharedInfo",
    "ScriptPostprocessing",
    "ScriptPostprocessingRunner",
    "wrap_call",
]
