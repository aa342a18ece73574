"""What a press of Interrupt, Skip, Cancel or Clear queue means, and what it answers."""

from contextlib import closing

import pytest

from tests.jobs.fake_work import Saver, Steps, hold, reach
from webui.core.request import GenerationRequest
from webui.jobs.job import Delivery, Job
from webui.jobs.queue import JobQueue
from webui.ui.tabs.job_commands import MOST_REMEMBERED, SAME_PRESS_S, Commands, Interrupts

ME, OTHER = "browser:me", "browser:other"
PATIENCE_S = 20


class Clock:
    """Time that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def worker():
    worker = Steps()
    hold(worker, 1)
    return worker


@pytest.fixture
def jobs(worker):
    queue = JobQueue(lambda: worker, Saver())
    queue.start()
    with closing(queue):
        yield queue
        worker.go.release(1000)


def submit(jobs, owner, tab="txt2img"):
    return jobs.submit(GenerationRequest(steps=5), Delivery(tab, owner=owner))


def job_of(created):
    return Job(GenerationRequest(), created=created)


def test_a_second_press_right_after_is_not_meant_for_the_next_job_of_the_queue():
    clock = Clock()
    interrupts, shown, queued = Interrupts(clock), job_of(990), job_of(995)
    assert interrupts.means(ME, shown)
    clock.now += SAME_PRESS_S / 2
    assert not interrupts.means(ME, queued)
    # Somebody else has pressed nothing yet.
    assert interrupts.means(OTHER, queued)
    clock.now += SAME_PRESS_S
    assert interrupts.means(ME, queued)


def test_what_was_asked_for_after_the_first_press_can_be_interrupted_at_once():
    clock = Clock()
    interrupts = Interrupts(clock)
    assert interrupts.means(ME, job_of(990))
    # Ctrl+Enter twice: interrupt, generate, interrupt, generate.
    assert interrupts.means(ME, job_of(1000.1))


def test_pressing_on_while_the_job_ends_does_not_wear_the_next_one_out():
    clock = Clock()
    interrupts, shown, queued = Interrupts(clock), job_of(990), job_of(995)
    for _ in range(5):
        assert interrupts.means(ME, shown)
        clock.now += 0.9 * SAME_PRESS_S
    assert not interrupts.means(ME, queued)


def test_owners_are_not_remembered_without_end():
    interrupts = Interrupts(Clock())
    for number in range(MOST_REMEMBERED + 50):
        interrupts.means(f"browser:{number}", job_of(990))
    assert len(interrupts._last) == MOST_REMEMBERED


def test_a_double_press_leaves_the_next_job_alone_and_says_so(jobs, worker):
    first, second = submit(jobs, ME), submit(jobs, ME)
    reach(first, 1)
    commands = Commands(jobs, "txt2img")
    assert commands.interrupt(ME) == ""
    worker.go.release(2)
    assert first.wait(PATIENCE_S).outcome == "stopped"
    reach(second, 1)
    assert "The next job of the queue has begun" in commands.interrupt(ME)
    assert not second.halt.is_stopped


@pytest.fixture
def resting_jobs():
    """A queue whose device does not take jobs yet, as while it starts up."""
    queue = JobQueue(Steps, Saver())
    with closing(queue):
        yield queue


def test_interrupt_takes_the_job_that_is_about_to_run(resting_jobs):
    first, second = submit(resting_jobs, ME), submit(resting_jobs, ME)
    commands = Commands(resting_jobs, "txt2img")
    assert "started by somebody else" in commands.interrupt(OTHER)
    assert first.state == "queued"
    assert commands.interrupt(ME) == ""
    assert first.state == "cancelled"
    # A second press right after was meant for the first.
    assert "The next job of the queue has begun" in commands.interrupt(ME)
    assert second.state == "queued"


@pytest.mark.parametrize("command", ["interrupt", "skip", "cancel"])
def test_a_command_to_somebody_else_s_job_is_refused_in_words(command, jobs):
    job = submit(jobs, OTHER)
    reach(job, 1)
    answer = getattr(Commands(jobs, "txt2img"), command)(ME)
    assert "started by somebody else" in answer
    assert not job.halt.ends_batch


def test_cancel_takes_an_own_job_out_of_the_queue_while_somebody_else_s_runs(jobs):
    running, own = submit(jobs, OTHER), submit(jobs, ME)
    reach(running, 1)
    assert Commands(jobs, "txt2img").cancel(ME) == ""
    assert own.state == "cancelled"
    assert not running.halt.is_cancelled


@pytest.mark.parametrize("command", ["interrupt", "skip", "cancel", "clear_queue"])
def test_there_is_nothing_to_say_where_nothing_runs(command, jobs):
    assert getattr(Commands(jobs, "txt2img"), command)(ME) == ""
