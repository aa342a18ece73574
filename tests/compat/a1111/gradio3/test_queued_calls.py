"""Functions of extensions' events."""

import asyncio
import threading

import gradio as gr
import pytest

from webui.compat.a1111.gradio3.queued_calls import QueueLock, show_errors, time_html
from webui.compat.a1111.gradio3.updating import wrap_call_function


def test_the_lock_is_given_in_the_order_in_which_it_was_asked_for():
    lock, order, waiting = QueueLock(), [], []

    def work(number):
        with lock:
            order.append(number)

    lock.acquire()
    for number in range(5):
        thread = threading.Thread(target=work, args=(number,))
        thread.start()
        while len(lock._waiting) <= number:
            pass
        waiting.append(thread)
    assert not order
    lock.release()
    for thread in waiting:
        thread.join(30)
    assert order == list(range(5))
    assert lock.acquire(blocking=False)


def test_who_has_the_lock_may_take_it_again():
    lock, taken = QueueLock(), []
    with lock, lock:
        other = threading.Thread(target=lambda: taken.append(lock.acquire(blocking=False)))
        other.start()
        other.join(30)
    assert taken == [False]
    assert lock.acquire(blocking=False)


def test_a_failure_stands_in_the_last_output_and_is_noted(host, tmp_path):
    def fail():
        raise ValueError("<b>")

    host.health.add("own", type(tmp_path)(__file__).parent)
    outputs = show_errors(fail, ["kept"], shows_time=True)()
    assert outputs[0] == "kept"
    assert "ValueError: &lt;b&gt;" in outputs[1]
    assert "Time taken" in outputs[1]
    assert host.health.all[0].failures[0].error == "ValueError: <b>"


def test_the_time_stands_below_the_last_output_of_text():
    picture, text = show_errors(lambda: (1, "done"), None, shows_time=True)()
    assert picture == 1
    assert text.startswith("done<div")
    assert show_errors(lambda: (1, "done"), None, shows_time=False)() == (1, "done")
    assert show_errors(lambda: "alone", None, shows_time=True)() == "alone"
    assert "1 min. 5.0 sec." in time_html(65)


@pytest.mark.parametrize("wish", [SystemExit(3), KeyboardInterrupt()])
def test_an_event_that_wants_to_end_the_program_fails_and_ends_nothing(wish):
    """Gradio calls functions on other threads and hands on what they raise to its event loop."""

    def end():
        raise wish

    with gr.Blocks() as page:
        gr.Button().click(end)
    call = wrap_call_function(gr.Blocks.call_function)

    async def press():
        task = asyncio.create_task(call(page, page.fns[0], []))
        with pytest.raises(RuntimeError, match=f"end the program .{type(wish).__name__}.*It goes on"):
            await task
        return "on"

    assert asyncio.run(press()) == "on"
