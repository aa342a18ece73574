"""What an open page is told anew: when it opens, and when files became known since. One event tells it all.

An event for each list was a dozen requests at each opening, and a hidden button for each.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
from gradio.components import Component

from webui.ui.handlers import INSTANT, Updates
from webui.ui.resting import Resting


@dataclass(frozen=True, slots=True)
class Renewal:
    """What a component shows now, as an update or a value, and what it showed when it was built."""

    component: Component
    now: Callable[[], Any]
    built: Any


@dataclass(slots=True)
class Renewals:
    """Those of a page. Each is cheap: all are made while somebody waits for the page."""

    known: list[Renewal] = field(default_factory=list[Renewal])

    def add(self, component: Component, now: Callable[[], Any], built: Any = None) -> None:  # noqa: ANN401
        """`built` is what the page's HTML has of it, which is not told again; None: it is always told."""
        self.known.append(Renewal(component, now, built))

    def changed(self) -> Updates:
        """Of those that a page shows otherwise than it was built."""
        updates = {each.component: (each.now(), each.built) for each in self.known}
        return {component: now for component, (now, built) in updates.items() if now != built}

    def all(self) -> Updates:
        """Of all."""
        return {each.component: each.now() for each in self.known}

    def wire(self, page: gr.Blocks) -> None:
        """Add the events, once the page has all its components."""
        outputs = [each.component for each in self.known]
        # Scripts click it when there are more files than the page knows.
        button = gr.Button("Renew", visible="hidden", elem_id="renew_models")
        page.load(self.changed, outputs=outputs, **INSTANT)
        button.click(self.all, outputs=outputs, **INSTANT)


class RenewedBlocks(gr.Blocks):
    """A page that has renewals, and rests while it is hidden."""

    def __init__(self, **looks: Any) -> None:  # noqa: ANN401 - what Blocks takes
        super().__init__(**looks)
        self.renewals = Renewals()
        self.resting = Resting()


def renewals_of(page: gr.Blocks) -> Renewals:
    """Those of a page; of one that is built in part only, some that nobody asks for."""
    return page.renewals if isinstance(page, RenewedBlocks) else Renewals()
