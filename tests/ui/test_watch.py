"""Watching jobs: what is sent to the page, and that watching leaves jobs alone."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace

import gradio as gr
import pytest
from PIL import Image

from webui.core.errors import NotFound
from webui.core.events import Event, ImageReady, ImageSaved, Message, Progress
from webui.core.request import GenerationRequest
from webui.core.settings import Settings
from webui.core.stop import Stop
from webui.jobs.job import Delivery, Job
from webui.jobs.queue import JobQueue
from webui.ui.components.results import make_results
from webui.ui.components.toprow import make_toprow
from webui.ui.forms.form import Form
from webui.ui.watching import watch
from webui.ui.watching.job_view import progress_html
from webui.ui.watching.pictures import PictureFiles, chosen_pictures
from webui.ui.watching.watch import Watcher


class OneStep:
    """A worker whose jobs have one step and wait for `go` before it."""

    def __init__(self, go: threading.Semaphore) -> None:
        self.go = go

    def run(self, request: GenerationRequest, settings: Settings, stop: Stop, emit=None) -> Iterator[Event]:
        self.go.acquire()
        if request.prompt == "refuse":
            raise NotFound("There is no such thing.")
        if request.prompt == "warn":
            yield Message(text="No LoRA is named 'nosuch'.", level="warning")
        at = {"batch": 0, "batches": 1, "sampling_step": 1, "sampling_steps": 1}
        yield Progress(step=1, steps=1, **at)
        image = Image.new("RGB", (8, 8), "red")
        yield ImageReady(
            index=0, image=image, infotext=f"{request.prompt}\nSteps: 1", seed=3, variation_seed=4
        )


def keep(ready: ImageReady, job: Job) -> Iterator[Event]:
    job.keep(ready)
    yield ImageSaved(
        index=ready.index, path="", infotext=ready.infotext, seed=3, variation_seed=4, width=8, height=8
    )


class KeepAll:
    """Saves nothing; pictures stay in the log."""

    save = staticmethod(keep)

    def save_grid(self, pictures: list[ImageReady], job: Job) -> Iterator[Event]:
        return iter(())


@pytest.fixture
def go():
    return threading.Semaphore(1000)


@pytest.fixture
def jobs(go):
    queue = JobQueue(lambda: OneStep(go), KeepAll())
    queue.start()
    with closing(queue):
        yield queue


@pytest.fixture
def watcher(jobs, services, tmp_path):
    with gr.Blocks():
        toprow, results = make_toprow("txt2img", Form(), []), make_results("txt2img")
    return Watcher(jobs, PictureFiles(tmp_path, services.pictures), "txt2img", toprow, results)


def watched(watcher, until, most_s=20):
    """What a page is sent, update by update, until everything sent so far satisfies `until`."""

    async def collect():
        sent, page = [], {}
        async for updates in watcher.watch():
            sent.append(updates)
            page |= updates
            if until(page):
                return sent

    return asyncio.run(asyncio.wait_for(collect(), most_s))


def merged(sent):
    """All that was sent, the later over the earlier."""
    return {part: value for updates in sent for part, value in updates.items()}


def tells(watcher, words):
    """Whether a page has these words in its infotext and no job running."""

    def until(page):
        at_end = "Time taken" in page.get(watcher.results.log, "")
        return at_end and words in page.get(watcher.results.infotext, "")

    return until


def submit(jobs, prompt="a fox"):
    return jobs.submit(GenerationRequest(prompt=prompt, steps=1), Delivery("txt2img"))


def test_a_finished_job_leaves_its_picture_and_texts(watcher, jobs):
    submit(jobs)
    page = merged(watched(watcher, tells(watcher, "a fox")))
    (path,) = page[watcher.results.gallery]["value"]
    with Image.open(path["image"]["path"]) as image:
        assert image.text["parameters"] == "a fox\nSteps: 1"
    assert "progressDiv" not in page[watcher.results.progress]


def test_a_page_that_rests_goes_on_where_it_was(watcher, jobs, monkeypatch):
    monkeypatch.setattr(watch, "AFTER_S", 0.3)
    monkeypatch.setattr(watch, "owner_of", lambda _: None)
    browser = SimpleNamespace(session_hash="mine")

    async def look(most_s):
        sent = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(most_s):
                async for updates in watcher.watch(browser):
                    sent.append(updates)  # noqa: PERF401 - kept where time is up
                return sent, True
        return sent, False

    submit(jobs).wait(20)
    sent, ended = asyncio.run(look(1.5))
    assert "a fox" in merged(sent)[watcher.results.infotext] and not ended
    watcher.resting.rest(browser)
    _, ended = asyncio.run(look(10))
    assert ended
    watcher.resting.wake(browser)
    # Nothing is told again of what the page shows already.
    assert asyncio.run(look(1.5)) == ([], False)
    watcher.resting.rest(browser)
    asyncio.run(look(10))
    submit(jobs, "a hen").wait(20)
    watcher.resting.wake(browser)
    sent, _ = asyncio.run(look(1.5))
    assert "a hen" in merged(sent)[watcher.results.infotext]


def test_an_open_page_shows_what_is_submitted_later(watcher, jobs):
    submit(jobs, "first").wait(20)
    threading.Timer(1.0, lambda: submit(jobs, "second")).start()
    sent = watched(watcher, tells(watcher, "second"))
    assert any("first" in updates.get(watcher.results.infotext, "") for updates in sent)


def test_jobs_in_the_queue_are_followed_one_after_the_other(watcher, jobs, go):
    for _ in range(1000):
        go.acquire()
    submit(jobs, "first")
    submit(jobs, "second")
    threading.Timer(0.6, go.release, [2]).start()
    sent = watched(watcher, tells(watcher, "second"))
    assert "1</span> waiting" in sent[0][watcher.toprow.queue]
    assert merged(sent)[watcher.toprow.queue] == ""


def test_a_job_that_ends_while_the_next_one_runs_is_not_the_last(watcher, jobs, go):
    for _ in range(1000):
        go.acquire()
    first, second = submit(jobs, "first"), submit(jobs, "second")
    go.release()
    assert first.wait(20)
    # The second one has left the queue and runs: Interrupt stays, and nothing counts as waiting.
    while jobs.running() is not second:
        time.sleep(0.01)
    view = watcher.view(first)
    assert 'data-waiting="1"' in progress_html(view)
    assert view.waiting == 0
    go.release()
    assert second.wait(20)
    assert 'data-waiting="0"' in progress_html(watcher.view(second))


def test_a_page_on_which_nothing_happens_is_sent_nothing(watcher, jobs):
    submit(jobs).wait(20)
    looks = []
    with pytest.raises(TimeoutError):
        watched(watcher, lambda page: looks.append(dict(page)), most_s=2)
    # What there is, and the same again for a page that missed it.
    assert len(looks) == 2


def test_a_refusal_is_a_sentence_beside_generate(watcher, jobs):
    submit(jobs, "refuse")
    page = merged(watched(watcher, lambda page: page.get(watcher.toprow.notice)))
    assert "There is no such thing." in page[watcher.toprow.notice]


def test_a_page_that_goes_away_does_not_stop_the_job(watcher, jobs, go):
    for _ in range(1000):
        go.acquire()
    job = submit(jobs)

    async def look_once():
        looking = watcher.watch()
        await anext(looking)
        await looking.aclose()

    asyncio.run(look_once())
    go.release()
    finished = job.wait(20)
    assert finished is not None
    assert finished.outcome == "done"


def test_the_update_after_the_end_has_everything_that_was_sent_before(watcher, jobs):
    submit(jobs)

    async def collect():
        sent = []
        async for updates in watcher.watch():
            if sent and tells(watcher, "a fox")(merged(sent)):
                return merged(sent), updates
            sent.append(updates)

    before, last = asyncio.run(asyncio.wait_for(collect(), 20))
    assert last == before


def test_nothing_but_known_outputs_is_sent(watcher, jobs):
    submit(jobs)
    page = merged(watched(watcher, tells(watcher, "a fox")))
    assert set(page) <= set(watcher.outputs)


def test_the_save_button_takes_the_selected_picture_or_all_but_the_grid():
    job = Job(GenerationRequest())
    for index in (0, 1, -1):
        job.append(
            ImageSaved(index=index, path="", infotext="", seed=index, variation_seed=0, width=8, height=8)
        )
    assert [p.index for p in chosen_pictures(job, 2, only_selected=True)] == [1]
    assert [p.index for p in chosen_pictures(job, 0, only_selected=True)] == [-1]
    assert [p.index for p in chosen_pictures(job, 0, only_selected=False)] == [0, 1]


def test_a_page_that_waits_says_whose_turn_it_is(watcher, jobs, go):
    while go.acquire(blocking=False):
        pass
    first = jobs.submit(GenerationRequest(prompt="a", steps=1), Delivery("txt2img", owner="browser:1"))
    second = jobs.submit(GenerationRequest(prompt="b", steps=1), Delivery("img2img", owner="browser:2"))
    for _ in range(100):
        if jobs.running() is first:
            break
        time.sleep(0.05)
    view = watcher.view(second)
    assert "Waiting for 1 other job; somebody else" in progress_html(view)
    assert watcher.whose_turn(first) == ""
    go.release(1000)
    assert second.wait(20)


def test_who_comes_new_is_not_warned_of_what_somebody_else_did_before(watcher, jobs):
    job = jobs.submit(GenerationRequest(prompt="warn", steps=1), Delivery("txt2img", owner="browser:1"))
    assert job.wait(20)

    async def shown_to(owner: str) -> str:
        sent = [updates async for updates in watcher.follow(job, {}, owner)]
        return merged(sent).get(watcher.toprow.notice, "")

    assert "No LoRA is named" in asyncio.run(shown_to("browser:1"))
    assert asyncio.run(shown_to("browser:2")) == ""
