# pyright: basic
"""How much memory of the card was used."""

from webui.compat.a1111.facades.number_formats import MemoryUse
from webui.compat.a1111.facades.stand_ins import absent


class MemUsageMonitor(MemoryUse):
    pass


def __getattr__(name):
    absent("modules.memmon", name)
