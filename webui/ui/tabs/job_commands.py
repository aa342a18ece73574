"""Interrupt, Skip, Cancel and Clear queue: what each press means, and what it answers."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import gradio as gr

from webui.core.errors import WebuiError
from webui.jobs.job import Job
from webui.jobs.ownership import may_command
from webui.jobs.queue import JobQueue
from webui.ui.components.generate_box import JobControls
from webui.ui.doors.browsers import owner_of
from webui.ui.handlers import INSTANT
from webui.ui.texts import notice

# Two presses within this time mean one thing: what was on the page when the first was made.
SAME_PRESS_S = 2.0
NEXT_HAS_BEGUN = "Interrupted. The next job of the queue has begun; press Interrupt again to end it too."
# More owners than these at a time are forgotten, oldest first.
MOST_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class Press:
    """Interrupts of one job: the first and the last one, in seconds since 1970."""

    job_id: str
    first_at: float
    last_at: float


@dataclass(slots=True)
class Interrupts:
    """Whether an Interrupt means the job that runs, or was meant for the one before.

    Who presses twice wants to be rid of the job that they saw. If that has ended meanwhile, the next one of
    the queue is not what they meant; unless they asked for it after the first press, as Ctrl+Enter does.
    """

    clock: Callable[[], float] = time.time
    _last: dict[str, Press] = field(default_factory=dict[str, Press])

    def means(self, asker: str, job: Job) -> bool:
        """Whether a press of `asker` now is meant for `job`; one that is, is remembered."""
        now, last = self.clock(), self._last.get(asker)
        if last and last.job_id == job.id:
            self._remember(asker, replace(last, last_at=now))
            return True
        if last and now - last.last_at < SAME_PRESS_S and job.created <= last.first_at:
            return False
        self._remember(asker, Press(job.id, now, now))
        return True

    def _remember(self, asker: str, press: Press) -> None:
        self._last.pop(asker, None)
        self._last[asker] = press
        while len(self._last) > MOST_REMEMBERED:
            del self._last[next(iter(self._last))]


@dataclass(frozen=True, slots=True)
class Commands:
    """What the buttons of one tab do; each answers with a notice, empty where there is nothing to say.

    They act on jobs that this browser, or this user, asked for; others' are refused with a sentence.
    """

    jobs: JobQueue
    tab: str
    interrupts: Interrupts = field(default_factory=Interrupts)

    def interrupt(self, asker: str) -> str:
        """End the running job and keep what it has; one that is about to run is dropped."""
        job = self.jobs.current()
        if job is None:
            return ""
        if may_command(asker, job) and not self.interrupts.means(asker, job):
            return notice(NEXT_HAS_BEGUN, "info")
        return answer(lambda: self.jobs.interrupt(job.id, asker))

    def skip(self, asker: str) -> str:
        """End the running batch and go on with the next."""
        job = self.jobs.running()
        return answer(lambda: self.jobs.skip(job.id, asker)) if job else ""

    def cancel(self, asker: str) -> str:
        """Drop the tab's job that the page shows: the running one, else the asker's next in the queue."""
        running = self.jobs.running()
        if running and running.delivery.tab == self.tab and may_command(asker, running):
            return answer(lambda: self.jobs.cancel(running, asker))
        if own := self.own_waiting(asker):
            return answer(lambda: self.jobs.cancel(own[0], asker))
        return answer(lambda: self.jobs.cancel(running, asker)) if running else ""

    def clear_queue(self, asker: str) -> str:
        """Drop the asker's waiting jobs of the tab."""
        for job in self.own_waiting(asker):
            self.jobs.cancel(job, asker)
        return ""

    def own_waiting(self, asker: str) -> list[Job]:
        """The asker's waiting jobs of the tab, next first."""
        return [
            job for job in self.jobs.waiting() if job.delivery.tab == self.tab and may_command(asker, job)
        ]


def answer(command: Callable[[], object]) -> str:
    """Carry out a command; the notice of its refusal, or nothing."""
    try:
        command()
    except WebuiError as error:
        return notice(str(error), "warning")
    return ""


def wire_commands(jobs: JobQueue, tab: str, controls: JobControls) -> None:
    """Connect a tab's buttons with its commands; refusals stand under Generate."""
    commands = Commands(jobs, tab)
    for button, command in (
        (controls.interrupt, commands.interrupt),
        (controls.skip, commands.skip),
        (controls.cancel, commands.cancel),
        (controls.clear_queue, commands.clear_queue),
    ):
        button.click(by_browser(command), outputs=[controls.notice], **INSTANT)


def by_browser(command: Callable[[str], str]) -> Callable[[gr.Request], str]:
    """A command as Gradio calls it: with the request, which tells who asks."""

    def run(browser: gr.Request) -> str:
        return command(owner_of(browser))

    return run
