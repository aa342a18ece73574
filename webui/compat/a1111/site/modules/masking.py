"""The part of a picture that a mask covers, and filling it."""
# pyright: basic

from webui.compat.a1111.facades.stand_ins import absent
from webui.compat.a1111.running.masks import crop_region, crop_region_of_mask, expand_region, fill

get_crop_region = crop_region
get_crop_region_v2 = crop_region_of_mask
expand_crop_region = expand_region

__all__ = ["expand_crop_region", "fill", "get_crop_region", "get_crop_region_v2"]


def __getattr__(name):
    absent(__name__, name)
