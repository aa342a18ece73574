"""Gradio's Blocks with one check in front of all events: what files a browser may name in them."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import gradio as gr
from gradio.blocks import BlockFunction
from gradio.components.state import default_delete_callback
from gradio.data_classes import BlocksConfigDict

from webui.ui.doors.browsers import browser_of
from webui.ui.doors.page_files import PageFiles, hide_paths, paths_in, take_files
from webui.ui.handlers import show_refusal
from webui.ui.renewals import RenewedBlocks

# Events that wait for a page to be closed, or that go on as long as it is open.
ENDINGS = frozenset({"unload", "stream"})
# What stands for a page that nobody sees yet.
EMPTY_PAGE = cast(BlocksConfigDict, {"components": [], "dependencies": [], "layout": {}, "page": {}})


class GuardedBlocks(RenewedBlocks):
    """Every event of every component goes through `process_api`, by whatever route it came.

    Gradio's own check of files works only in pages that it serves itself, not in one that is mounted.
    """

    def __init__(self, files: PageFiles, **looks: Any) -> None:  # noqa: ANN401 - what Blocks takes
        super().__init__(**looks)
        self.files = files
        self._is_asked_in_vain = False
        self._is_built = False

    def __exit__(self, *args: Any) -> None:  # noqa: ANN401 - Gradio's own
        """End the building of the page, as Gradio does.

        Extensions may enter the page again, when it is served already: what they add is shown.
        """
        if self._is_built:
            super().__exit__(*args)
            return
        self._is_built = True
        with self.asked_in_vain():
            super().__exit__(*args)

    def queue(self, *args: Any, **given: Any) -> "GuardedBlocks":  # noqa: ANN401 - Gradio's own
        """Have events wait in line, as Gradio does."""
        with self.asked_in_vain():
            super().queue(*args, **given)
        return self

    def get_config_file(self) -> BlocksConfigDict:
        """What a browser builds the page from.

        Gradio asks for it five times until the page is mounted and shows the last one alone.
        """
        if self._is_asked_in_vain:
            return EMPTY_PAGE.copy()
        config = super().get_config_file()
        config["connect_heartbeat"] = self.waits_for_the_end()
        return config

    def waits_for_the_end(self) -> bool:
        """Whether somebody wants to be told when a page is closed.

        Only then a page holds a connection for it: browsers have six for a server, which all its tabs share.
        """
        names = {name for function in self.fns.values() for _, name in function.targets}
        states = [each for each in self.blocks.values() if isinstance(each, gr.State)]
        return bool(names & ENDINGS) or any(
            each.delete_callback is not default_delete_callback for each in states
        )

    @contextmanager
    def asked_in_vain(self) -> Iterator[None]:
        """While the context is open Gradio gets an empty page for its questions, which nobody sees."""
        self._is_asked_in_vain = True
        try:
            yield
        finally:
            self._is_asked_in_vain = False

    async def process_api(
        self,
        block_fn: BlockFunction | int,
        inputs: list[Any],
        *args: Any,  # noqa: ANN401 - Gradio's own
        request: gr.Request | list[gr.Request] | None = None,
        iterator: AsyncIterator[Any] | None = None,
        event_data: gr.EventData | None = None,
        explicit_call: bool = False,
        **more: Any,  # noqa: ANN401 - Gradio's own
    ) -> dict[str, Any]:
        """Run an event as Gradio does, with the files of its values and of its own data checked before.

        An `explicit_call` comes from our own code, not from a browser. With an `iterator` the event goes on
        with the values it began with.
        """
        requests: Sequence[gr.Request | None] = request if isinstance(request, list) else [request]
        browsers = {browser_of(each) for each in requests}
        if not explicit_call and iterator is None:
            inputs, event_data = self._check(browsers, inputs, event_data)
        answer = await super().process_api(
            block_fn,
            inputs,
            *args,
            request=cast(gr.Request, request),
            iterator=iterator,
            event_data=event_data,
            explicit_call=explicit_call,
            **more,
        )
        for browser in browsers:
            # An event may draw a part of the page, with pictures of its own.
            self.files.note(browser, paths_in([answer.get("data"), answer.get("render_config")]))
        return answer

    def _check(
        self, browsers: set[str], inputs: list[Any], event_data: gr.EventData | None
    ) -> tuple[list[Any], gr.EventData | None]:
        def find(path: str) -> Path | None:
            # Several browsers share an event only where Gradio collects them into one batch.
            found = [self.files.may_use(browser, path) for browser in browsers]
            return found[0] if all(found) else None

        with show_refusal():
            if event_data is not None:
                told = event_data._data  # pyright: ignore[reportPrivateUsage] - Gradio offers no other way
                checked = take_files(told, find)
                # Of events' own data Gradio takes nothing but uploads: a picture chosen in a gallery is told
                # without its path.
                event_data = gr.EventData(event_data.target, hide_paths(checked, self.files.uploads))
            return take_files(inputs, find), event_data
