"""A1111's oldest samplers, which were functions of their own."""
# pyright: basic

from webui.core.errors import NotOffered

samplers_data_compvis = []


class VanillaStableDiffusionSampler:
    """Can be derived from; there is nothing to make of it."""

    def __init__(self, constructor, sd_model):
        raise NotOffered(
            "An extension wants the DDIM, PLMS or UniPC of A1111 before 1.6, which is not offered. "
            "Choose another sampler for it."
        )
