"""What the server tells of itself."""
# pyright: basic

import json

from webui.compat.a1111.facades import reaching
from webui.compat.a1111.facades.stand_ins import StandIn, absent

HERE = "The server tells of itself at /internal/sysinfo."


def pretty_bytes(num, suffix="B"):
    """A number of bytes for people."""
    for unit in ("", "K", "M", "G", "T", "P", "E", "Z"):
        if abs(num) < 1024:
            return f"{num:.0f}{unit}{suffix}"
        num /= 1024
    return f"{num:.0f}Y{suffix}"


def get():
    """The program's version and its folder of data, as JSON."""
    services = reaching.services()
    told = {"Version": services.version, "Data path": str(services.paths.data)} if services else {}
    return json.dumps(told, indent=4)


check = StandIn("modules.sysinfo.check", HERE)


def __getattr__(name):
    absent(__name__, name)
