# pyright: basic
"""Layers of norms files, by A1111's names: derived from and asked for in isinstance."""

import network

from webui.compat.a1111.facades.stand_ins import absent


class ModuleTypeNorm(network.ModuleType):
    """Takes no weights: the program reads norms files itself."""


class NetworkModuleNorm(network.NetworkModule):
    """One layer of such a file."""


def __getattr__(name):
    absent("network_norm", name)
