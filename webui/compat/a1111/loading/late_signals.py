"""Handlers of signals that extensions set while they are imported.

A1111 imports on the main thread, which alone may set them. Here it is another one, so that no extension can
hold the program up: what was asked for is set on the main thread once all are imported.
"""

import re
import signal
import threading
from types import ModuleType
from typing import Any

SIGNAL = "signal"
_USE = re.compile(r"\bsignal\s*\.\s*signal\s*\(|from\s+signal\s+import\b")


def sets_signals(source: str) -> bool:
    """Whether a file sets handlers of signals."""
    return bool(_USE.search(source))


class LateSignals(ModuleType):
    """Python's module `signal`, by which handlers are set late. One for the process."""

    def __init__(self) -> None:
        super().__init__(SIGNAL, signal.__doc__)
        # What is to be set, and of what is set: the handler, and the one before.
        self.__dict__["_asked"] = {}
        self.__dict__["_set"] = {}
        self.__dict__["_is_open"] = False

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever it has
        return getattr(signal, name)

    def signal(self, signalnum: int, handler: Any) -> Any:  # noqa: ANN401 - as Python's
        """Set a handler, while extensions are imported later; the one before.

        Raises ValueError for a number that is none of a signal, and once all are imported on another thread
        than the main one.
        """
        if not self.__dict__["_is_open"] or threading.current_thread() is threading.main_thread():
            return signal.signal(signalnum, handler)
        before = self.getsignal(signalnum)
        self.__dict__["_asked"][signal.Signals(signalnum)] = handler
        return before

    def getsignal(self, signalnum: int) -> Any:  # noqa: ANN401 - as Python's
        """The handler that there is, or will be."""
        asked = self.__dict__["_asked"]
        return asked[signalnum] if signalnum in asked else signal.getsignal(signalnum)

    def open(self) -> None:
        """Keep from here on what is asked for."""
        self.__dict__["_is_open"] = True

    def set_all(self) -> None:
        """Set what was asked for. On another thread than the main one nothing is set."""
        asked, done = self.__dict__["_asked"], self.__dict__["_set"]
        self.__dict__["_is_open"] = False
        if threading.current_thread() is threading.main_thread():
            for number, handler in asked.items():
                done[number] = (handler, signal.signal(number, handler))
        asked.clear()

    def put_back(self) -> None:
        """Set the handlers that there were before, where nobody has set others since."""
        done = self.__dict__["_set"]
        if threading.current_thread() is threading.main_thread():
            for number, (handler, before) in done.items():
                if signal.getsignal(number) is handler:
                    signal.signal(number, before)
        done.clear()


late_signals = LateSignals()
