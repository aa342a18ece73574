"""Functions of extensions' events."""

import threading

from webui.compat.a1111.gradio3.queued_calls import QueueLock, show_errors, time_html


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
