"""Wrong passwords by the address that they come from: after many within a minute it has to wait."""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from math import ceil

MOST_WRONG = 10
WINDOW_S = 60.0
# Longer ones would lock artists out whose scripts have an old password.
WAIT_S = 60.0
# So many addresses are remembered, some hundred bytes each; beyond, the one wrong longest ago is forgotten.
MOST_ADDRESSES = 10_000
# Who has one address of IPv6 has all that begin with the same 64 bits.
IPV6_PREFIX = 64


class WrongLogins:
    """One for each server. Used by its event loop alone, so it needs no lock."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, most_addresses: int = MOST_ADDRESSES
    ) -> None:
        """`clock` tells the time in s."""
        self._clock = clock
        self._most_addresses = most_addresses
        # Times of the last wrong ones, the newest last; addresses that were wrong last come last.
        self._times: OrderedDict[str, list[float]] = OrderedDict()

    def wait_s(self, address: str) -> int:
        """How many whole seconds an address has to wait; 0 if it may try."""
        times = self._times.get(key_of(address), [])
        if len(times) < MOST_WRONG or times[-1] - times[0] >= WINDOW_S:
            return 0
        return max(0, ceil(times[-1] + WAIT_S - self._clock()))

    def note(self, address: str) -> None:
        """Note a wrong password, or one that is still to be looked at."""
        key = key_of(address)
        times = self._times.pop(key, [])
        self._times[key] = [*times, self._clock()][-MOST_WRONG:]
        if len(self._times) > self._most_addresses:
            self._times.popitem(last=False)

    def take_back(self, address: str) -> None:
        """The last one noted was right."""
        key = key_of(address)
        times = self._times.get(key, [])
        if len(times) > 1:
            self._times[key] = times[:-1]
        else:
            self._times.pop(key, None)

    def __len__(self) -> int:
        """How many addresses are remembered."""
        return len(self._times)


def key_of(address: str) -> str:
    """What counts as one address: of IPv6 its network, of IPv4 the address however it is written."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        # A socket of the system's own has no address.
        return address[:64]
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))
