"""Extensions made in a test, and a run with them."""

from dataclasses import replace

from webui.pipelines.generate.generate import generate
from webui.plugins import specs
from webui.plugins.context import Context
from webui.plugins.host import Plugins


def with_extensions(context: Context, *extensions: object) -> Context:
    """A context in which these extensions run; each is a module or an object with functions for hooks.

    What they tell from plain calls is in `context.emit.__self__`, a list.
    """
    plugins = Plugins(specs)
    for number, extension in enumerate(extensions):
        plugins.register(extension, f"extension {number}")
    told: list = []
    return replace(context, plugins=plugins, run=generate, emit=told.append)
