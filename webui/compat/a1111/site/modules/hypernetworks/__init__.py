"""Hypernetworks."""

from webui.compat.a1111.facades.packages import import_parts_of

__getattr__ = import_parts_of(__name__)
