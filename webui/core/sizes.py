"""Sides of pictures as they may be asked for."""

# A latent has one pixel for eight of the picture's each way.
SIDE_STEP = 8


def round_down_side(pixels: float) -> int:
    """The largest side a picture can have that is not longer: a multiple of 8, and 8 at least."""
    return max(int(pixels) // SIDE_STEP * SIDE_STEP, SIDE_STEP)


def round_up_side(pixels: int) -> int:
    """The smallest side a picture can have that is not shorter."""
    return max(-(-pixels // SIDE_STEP) * SIDE_STEP, SIDE_STEP)
