"""From a job's log to the page. Watching changes nothing: closing the page ends the watching, not the job."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import gradio as gr
from gradio.components import Component

from webui.jobs.job import Job
from webui.jobs.queue import JobQueue
from webui.ui.components.generate_box import JobControls
from webui.ui.components.results import Results
from webui.ui.doors.browsers import owner_of
from webui.ui.handlers import Updates
from webui.ui.resting import AFTER_S, Resting
from webui.ui.watching.job_view import (
    JobView,
    generation_info,
    log_html,
    notices_html,
    picture_infotext,
    preview_html,
    progress_html,
    queue_html,
    view_of,
)
from webui.ui.watching.pictures import PictureFiles, shown_file

# How often a page looks. Waiting for events would hold one of Gradio's few threads for each open page,
# while a look at a log in memory costs next to nothing.
LOOK_EVERY_S = 0.25
# Gradio notices that a page has gone only when the page is sent something.
SEND_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Watcher:
    """Shows one tab's jobs on its panel."""

    jobs: JobQueue
    files: PictureFiles
    tab: str
    toprow: JobControls
    results: Results
    resting: Resting = field(default_factory=Resting)

    @property
    def picture_parts(self) -> list[Component]:
        """The gallery and what goes with it."""
        res = self.results
        return [res.gallery, res.infotext, res.generation_info, res.selected]

    @property
    def outputs(self) -> list[Component]:
        """Every component that watching may change."""
        top, res = self.toprow, self.results
        return [top.queue, top.notice, res.progress, res.preview, res.log, *self.picture_parts]

    async def watch(self, browser: gr.Request | None = None) -> AsyncIterator[Updates]:
        """Follow the tab's jobs, one after the other, as long as the page is open and does not rest.

        Those of this browser or user; others' only until it has asked for one itself.
        """
        owner = owner_of(browser) or None
        session = str(getattr(browser, "session_hash", None) or "")
        on_page, shown = self.resting.take(session, self.tab)
        sent_at = idle_since = time.monotonic()
        while True:
            if (job := self.jobs.recent(self.tab, owner)) and job.id != shown:
                async for updates in self.follow(job, on_page, owner):
                    yield updates
                # A busy browser skips all but the last of several updates: the last one has it all.
                yield dict(on_page)
                shown, sent_at = job.id, time.monotonic()
                idle_since = sent_at
            elif self.resting.is_resting(session) and time.monotonic() - idle_since > AFTER_S:
                self.resting.keep(session, self.tab, (on_page, shown))
                return
            elif time.monotonic() - sent_at > SEND_EVERY_S:
                yield {self.results.log: gr.skip()}
                sent_at = time.monotonic()
            await asyncio.sleep(LOOK_EVERY_S)

    async def follow(self, job: Job, on_page: Updates, owner: str | None = None) -> AsyncIterator[Updates]:
        """What the page shows until the job ends, whenever something changes; `on_page` collects it.

        All but the pictures is sent each time, because a busy browser skips updates. Pictures are sent when
        they change, so that the one the artist looks at stays selected; and notices, because handlers write
        theirs in the same place. What somebody else was warned of before this page came is no news here.
        """
        warns = owner in (None, job.owner) or view_of(job, 0).is_active
        once = [*self.picture_parts, self.toprow.notice]
        while True:
            view = self.view(job)
            # Where the watcher has written no notice, one may be there that a handler wrote.
            seen = {self.toprow.notice: ""} | on_page
            fresh = {
                part: value for part, value in self.render(view, warns).items() if seen.get(part) != value
            }
            on_page.update(fresh)
            if fresh:
                yield {part: value for part, value in on_page.items() if part in fresh or part not in once}
            if not view.is_active:
                return
            await asyncio.sleep(LOOK_EVERY_S)

    def view(self, job: Job) -> JobView:
        """Look at a job once, and at the queue around it."""
        # The next one has begun before this one's pictures are saved: it waits no more, and is to come.
        behind = {other for other in self.jobs.unfinished() if self.comes_after(other, job)}
        waiting = behind.intersection(self.jobs.waiting())
        return view_of(job, len(waiting), self.whose_turn(job), to_come=len(behind))

    def comes_after(self, other: Job, job: Job) -> bool:
        """Whether it is another of the tab's jobs of the same owner."""
        return other is not job and other.delivery.tab == self.tab and other.owner == job.owner

    def whose_turn(self, job: Job) -> str:
        """Who asked for the job that runs before this one, in words; empty if none does."""
        running = self.jobs.running()
        if running is None or running is job:
            return ""
        if running.owner == job.owner:
            return "another of yours is running"
        return "somebody else's is running" if running.owner else "one of the API is running"

    def render(self, view: JobView, warns: bool = True) -> Updates:
        """Everything the page shows of a job. While it has no picture yet, those of the job before stay.

        The page's styles hide parts without a text, and buttons that only a running job needs.
        """
        updates: Updates = {
            self.toprow.queue: queue_html(view),
            self.toprow.notice: notices_html(view, warns),
            self.results.progress: progress_html(view),
            self.results.preview: preview_html(view),
            self.results.log: log_html(view),
        }
        return updates | (self.render_pictures(view) if view.pictures else {})

    def render_pictures(self, view: JobView) -> Updates:
        """The gallery and the texts that go with it."""
        res = self.results
        paths = [self.files.on_disk(view.job, picture) for picture in view.pictures]
        shown = [{"image": shown_file(path), "caption": None} for path in paths]
        return {
            res.gallery: gr.update(value=shown, selected_index=view.newest),
            res.infotext: picture_infotext(view, view.newest),
            res.generation_info: generation_info(view, [str(path) for path in paths]),
            res.selected: view.newest,
        }
