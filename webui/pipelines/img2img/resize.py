"""Pictures to another size, in A1111's four ways, and without transparency."""

from collections.abc import Callable

from PIL import Image

from webui.core.request_parts import NO_UPSCALER, ResizeMode

LANCZOS = Image.Resampling.LANCZOS
# Picture, how many times larger, upscaler's name -> a picture about that size.
Upscale = Callable[[Image.Image, float, str], Image.Image]


def flatten(image: Image.Image, background: str) -> Image.Image:
    """RGB; what is transparent shows the background ("#rrggbb")."""
    if image.mode == "RGBA" or image.has_transparency_data:
        image = image.convert("RGBA")
        behind = Image.new("RGBA", image.size, background)
        behind.paste(image, mask=image)
        image = behind
    return image.convert("RGB")


def resize(
    image: Image.Image,
    width: int,
    height: int,
    mode: ResizeMode = "Just resize",
    upscaler: str = NO_UPSCALER,
    upscale: Upscale | None = None,
) -> Image.Image:
    """To exactly width x height: stretched, cut to cover, or fitted in with its edges drawn out.

    Enlarging goes through `upscale` where an upscaler is named; masks (mode L) are always resampled.
    """

    def scaled(to_width: int, to_height: int) -> Image.Image:
        scale = max(to_width / image.width, to_height / image.height)
        result = image
        if upscale is not None and upscaler not in ("", NO_UPSCALER) and image.mode != "L" and scale > 1:
            result = upscale(image, scale, upscaler)
        return (
            result if result.size == (to_width, to_height) else result.resize((to_width, to_height), LANCZOS)
        )

    if mode == "Crop and resize":
        return centred(scaled(*covering(image.size, width, height)), width, height)
    if mode == "Resize and fill":
        return filled(scaled(*fitting(image.size, width, height)), width, height)
    return scaled(width, height)


def covering(size: tuple[int, int], width: int, height: int) -> tuple[int, int]:
    """The smallest size of the same shape that covers width x height, rounded down."""
    return _as_wide(size, width) if _is_flatter(width, height, size) else _as_high(size, height)


def fitting(size: tuple[int, int], width: int, height: int) -> tuple[int, int]:
    """The largest size of the same shape that fits into width x height, rounded down."""
    return _as_wide(size, width) if _is_flatter(*size, (width, height)) else _as_high(size, height)


def _is_flatter(width: int, height: int, than: tuple[int, int]) -> bool:
    return width * than[1] > than[0] * height


def _as_wide(size: tuple[int, int], width: int) -> tuple[int, int]:
    """A size scaled to a width, at least one pixel high."""
    return width, max(size[1] * width // size[0], 1)


def _as_high(size: tuple[int, int], height: int) -> tuple[int, int]:
    """A size scaled to a height, at least one pixel wide."""
    return max(size[0] * height // size[1], 1), height


def centred(image: Image.Image, width: int, height: int) -> Image.Image:
    """Its middle on a canvas of width x height; black where it does not reach."""
    canvas = Image.new("RGB", (width, height))
    canvas.paste(image, box=(width // 2 - image.width // 2, height // 2 - image.height // 2))
    return canvas.convert(image.mode) if image.mode == "L" else canvas


def filled(image: Image.Image, width: int, height: int) -> Image.Image:
    """Centred, its outermost rows or columns drawn out to the edges."""
    canvas = centred(image, width, height)
    across, down = width // 2 - image.width // 2, height // 2 - image.height // 2
    if down > 0:
        _draw_out(canvas, image, (0, 0, width, down), (0, 0, image.width, 0))
        _draw_out(
            canvas, image, (0, down + image.height, width, down), (0, image.height, image.width, image.height)
        )
    elif across > 0:
        _draw_out(canvas, image, (0, 0, across, height), (0, 0, 0, image.height))
        _draw_out(
            canvas,
            image,
            (across + image.width, 0, across, height),
            (image.width, 0, image.width, image.height),
        )
    return canvas


def _draw_out(
    canvas: Image.Image, image: Image.Image, place: tuple[int, int, int, int], line: tuple[int, int, int, int]
) -> None:
    """Fill a place (left, top, width, height) with a line of no thickness at the picture's edge."""
    left, top, width, height = place
    canvas.paste(image.resize((width, height), box=line).convert(canvas.mode), box=(left, top))
