"""UniPC's parts: names; the sampler UniPC is this program's own."""
# pyright: basic

from webui.core.errors import NotOffered


class NoiseScheduleVP:
    def __init__(self, *args, **kwargs):
        raise NotOffered(
            "An extension wants the insides of A1111's UniPC, which are not offered. Choose another sampler."
        )


class UniPC(NoiseScheduleVP):
    """The solver."""
