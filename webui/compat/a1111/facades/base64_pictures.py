"""Pictures in base64, as A1111's API has them."""

import base64
import binascii

from PIL import Image

from webui.compat.a1111.facades import reaching
from webui.core.errors import InvalidRequest
from webui.store.reading import open_picture
from webui.store.texts.encoding import PictureNotes, encode_as_set

ADDRESSES = ("http://", "https://")
WHITE_SPACE = str.maketrans("", "", " \t\r\n")


def decode(text: str) -> Image.Image:
    """A picture in base64 or in a data URL. Raises InvalidRequest, UnusableFile."""
    if text.startswith(ADDRESSES):
        raise InvalidRequest("The picture is an address. Send the picture itself in base64.")
    try:
        data = base64.b64decode(text.rpartition(",")[2].translate(WHITE_SPACE), validate=True)
    except (ValueError, binascii.Error) as error:
        raise InvalidRequest("The picture is not base64. Send the file's bytes in base64.") from error
    if not data:
        raise InvalidRequest("There is no picture. Send the file's bytes in base64.")
    return open_picture(data)


def encode(image: Image.Image) -> bytes:
    """A picture as base64 of a file in the format of the settings, with the texts that it carries."""
    saving = reaching.settings().saving
    texts = {str(key): value for key, value in image.info.items() if isinstance(value, str)}
    infotext = texts.pop("parameters", None)
    data = encode_as_set(image, saving.samples_format, PictureNotes(infotext, texts), saving)
    return base64.b64encode(data)
