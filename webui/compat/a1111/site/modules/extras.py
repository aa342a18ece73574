"""PNG Info, and merging checkpoints."""
# pyright: basic

from modules.ui_common import plaintext_to_html


def run_pnginfo(image):
    """What is written in a picture: "", its infotext, and all of it as HTML."""
    if image is None:
        return "", "", ""
    from modules import images

    geninfo, items = images.read_info_from_image(image)
    items = {**({"parameters": geninfo} if geninfo else {}), **items}
    shown = "".join(
        f"<div class='infotext'><p><b>{plaintext_to_html(key)}</b></p>{plaintext_to_html(value)}</div>"
        for key, value in items.items()
    )
    return "", geninfo, shown or "<p>Nothing found in the image.</p>"


def create_config(*args, **kwargs):
    """Nothing: checkpoints need no configuration file here."""


def run_modelmerger(*args, **kwargs):
    from webui.core.errors import NotOffered

    raise NotOffered(
        "Checkpoints cannot be merged here. Use an extension that merges them, or another program."
    )
