"""Inpaint sketch: paint laid on a picture, softly."""

from PIL import Image, ImageEnhance, ImageFilter


def blend_sketch(
    original: Image.Image, painted: Image.Image, mask: Image.Image, blur: float, opacity: float
) -> Image.Image:
    """The original with the paint where the mask is white, both blurred; as A1111 begins an inpaint sketch.

    All three have one size; `blur` is a radius in pixels, `opacity` that of the paint, 0 to 1.
    """
    mask = ImageEnhance.Brightness(mask.convert("L")).enhance(opacity)
    smooth = ImageFilter.GaussianBlur(blur)
    paint = painted.convert("RGB").filter(smooth)
    return Image.composite(paint, original.convert("RGB"), mask.filter(smooth))
