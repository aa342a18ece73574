"""Sample pictures that carry the embedding as it was then, as text beside the pixels: A1111 and this program
read them from the folder of embeddings. Pickles are not needed for it.
"""

import base64
import json
from collections.abc import Mapping
from io import BytesIO

from PIL import Image, PngImagePlugin
from torch import Tensor

from webui.library.files.picture_embeddings import TENSOR_KEY, TEXT_CHUNK

# A1111's name for the one word of a file, and CLIP's token of it.
WORD, TOKEN = "*", 265
SDXL_NAMES = ("clip_l", "clip_g")


def carry_embedding(image: Image.Image, name: str, step: int, vectors: Mapping[str, Tensor]) -> bytes:
    """A PNG of a picture with vectors (n, width), in the order of their text encoders: one, or SDXL's two."""
    tables = [{TENSOR_KEY: each.detach().float().cpu().tolist()} for each in vectors.values()]
    content: dict[str, object] = {"name": name, "step": step}
    if len(tables) > 1:
        content |= dict(zip(SDXL_NAMES, tables, strict=True))
    else:
        content |= {"string_to_token": {WORD: TOKEN}, "string_to_param": {WORD: tables[0]}}
    notes = PngImagePlugin.PngInfo()
    notes.add_text(TEXT_CHUNK, base64.b64encode(json.dumps(content).encode()).decode())
    data = BytesIO()
    image.save(data, "png", pnginfo=notes)
    return data.getvalue()
