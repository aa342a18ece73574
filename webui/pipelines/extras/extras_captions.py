"""What networks say of a result of Extras, for the text file beside it."""

from PIL import Image

from webui.core.errors import NotFound
from webui.core.work.extras_request import Captions
from webui.library.captioners.finding import find_captioner
from webui.models.captioning.loading import lease_captioner
from webui.plugins.context import Context


def describe_picture(image: Image.Image, captions: Captions, context: Context) -> str:
    """What all captioners say, with commas between. Raises NotFound and UnusableFile for a captioner."""
    if context.paths is None:
        raise NotFound("There is no folder of models to look for captioners in.")
    said = list[str]()
    for name in captions.captioners:
        with lease_captioner(find_captioner(context.paths.models, name), context.models.holder) as network:
            said.append(network.describe(image, captions.options).caption)
    prefix = captions.options.prefix.strip()
    return ", ".join(part for part in (prefix, *said) if part)
