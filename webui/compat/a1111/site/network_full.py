# pyright: basic
"""Layers of whole differences files, by A1111's names: derived from and asked for in isinstance."""

import network

from webui.compat.a1111.facades.stand_ins import absent


class ModuleTypeFull(network.ModuleType):
    """Takes no weights: the program reads whole differences files itself."""


class NetworkModuleFull(network.NetworkModule):
    """One layer of such a file."""


def __getattr__(name):
    absent("network_full", name)
