# pyright: basic
"""Layers of IA3 files, by A1111's names: derived from and asked for in isinstance."""

import network

from webui.compat.a1111.facades.stand_ins import absent


class ModuleTypeIa3(network.ModuleType):
    """Takes no weights: the program reads IA3 files itself."""


class NetworkModuleIa3(network.NetworkModule):
    """One layer of such a file."""


def __getattr__(name):
    absent("network_ia3", name)
