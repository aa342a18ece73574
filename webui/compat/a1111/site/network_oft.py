# pyright: basic
"""Layers of OFT files, by A1111's names: derived from and asked for in isinstance."""

import network

from webui.compat.a1111.facades.stand_ins import absent


class ModuleTypeOFT(network.ModuleType):
    """Takes no weights: the program reads OFT files itself."""


class NetworkModuleOFT(network.NetworkModule):
    """One layer of such a file."""


def __getattr__(name):
    absent("network_oft", name)
