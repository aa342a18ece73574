"""The queue of functions that make pictures."""
# pyright: basic

from webui.compat.a1111.gradio3 import queued_calls

queue_lock = queued_calls.QueueLock()


def wrap_queued_call(func):
    """A function that waits in the queue of the device."""
    return queued_calls.queue_call(func)


def wrap_gradio_gpu_call(func, extra_outputs=None):
    """A function of an event that waits in the queue; its last output shows its errors and its time."""
    return wrap_gradio_call(queued_calls.queue_task(func), extra_outputs=extra_outputs, add_stats=True)


def wrap_gradio_call(func, extra_outputs=None, add_stats=False):
    """A function of an event whose errors are shown in its last output."""
    return queued_calls.show_errors(func, extra_outputs, shows_time=add_stats)


def wrap_gradio_call_no_job(func, extra_outputs=None, add_stats=False):
    """The same; here a function is no job unless it waits in the queue."""
    return wrap_gradio_call(func, extra_outputs=extra_outputs, add_stats=add_stats)
