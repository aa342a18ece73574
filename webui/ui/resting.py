"""Pages that nobody sees give their connection back: a browser has six for a server, shared by all its tabs.

A hidden page says that it rests. Once a tab of it has had no job for a while, watching ends there; it goes on
when the page is seen again, as if it had never stopped.
"""

import threading
from collections import OrderedDict
from typing import Any

import gradio as gr

from webui.ui.handlers import INSTANT, Updates

# What a page shows of a tab's jobs, and the id of the last one.
Shown = tuple[Updates, str]
# Longer than the pause between two jobs that a hidden page asks for one after the other.
AFTER_S = 120.0
# Of more hidden pages, those that were hidden first are watched on.
MOST_PAGES = 1000


class Resting:
    """The sessions of pages that rest, and what tabs showed when their watching ended. Any thread."""

    def __init__(self) -> None:
        """Nobody rests."""
        self._sessions: OrderedDict[str, None] = OrderedDict()
        self._shown: OrderedDict[tuple[str, str], Shown] = OrderedDict()
        self._lock = threading.Lock()

    def rest(self, browser: gr.Request) -> None:
        """A page is hidden."""
        with self._lock:
            self._sessions[str(browser.session_hash)] = None
            while len(self._sessions) > MOST_PAGES:
                self._sessions.popitem(last=False)

    def wake(self, browser: gr.Request) -> None:
        """A page is seen again."""
        with self._lock:
            self._sessions.pop(str(browser.session_hash), None)

    def is_resting(self, session: str) -> bool:
        """Whether the page of a session is hidden."""
        with self._lock:
            return session in self._sessions

    def keep(self, session: str, tab: str, shown: Shown) -> None:
        """What a tab shows, when its watching ends."""
        with self._lock:
            self._shown[session, tab] = shown
            while len(self._shown) > MOST_PAGES:
                self._shown.popitem(last=False)

    def take(self, session: str, tab: str) -> Shown:
        """What a tab showed when its watching ended; nothing where it begins."""
        with self._lock:
            return self._shown.pop((session, tab), None) or ({}, "")

    def wire(self) -> None:
        """The buttons that js/progress.js presses."""
        for name, function in (("rest", self.rest), ("wake", self.wake)):
            button = gr.Button(name, visible="hidden", elem_id=f"page_{name}")
            button.click(function, **INSTANT)


def resting_of(page: Any) -> Resting:  # noqa: ANN401 - Gradio's Blocks
    """Those of a page; of one that is built in part only, some that nobody asks for."""
    found = getattr(page, "resting", None)
    return found if isinstance(found, Resting) else Resting()
