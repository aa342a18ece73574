"""Tasks by name, and how far they are."""
# pyright: basic
# ruff: noqa: F401 - extensions read these names here

import sys
from types import ModuleType

from webui.compat.a1111.running.tasks import NamedTasks, ProgressRequest, describe_progress
from webui.compat.a1111.running.tasks import TaskAnswer as ProgressResponse

_tasks = NamedTasks()
pending_tasks = _tasks.pending
finished_tasks = _tasks.finished
recorded_results = _tasks.recorded
recorded_results_limit = 2
create_task_id = _tasks.create
add_task_to_queue = _tasks.add
start_task = _tasks.start
finish_task = _tasks.finish
record_results = _tasks.record


def progressapi(req: ProgressRequest):
    return describe_progress(_tasks, req)


def restore_progress(id_task):
    """What a task made, if it is known."""
    found = [result for name, result in _tasks.recorded if name == id_task]
    return found[-1] if found else None


def setup_progress_api(app):
    """Nothing: the program's own routes tell of progress."""


class _Progress(ModuleType):
    """Keeps `current_task`, which extensions set, with the tasks."""

    @property
    def current_task(self):
        return _tasks.current

    @current_task.setter
    def current_task(self, value):
        _tasks.current = value


sys.modules[__name__].__class__ = _Progress
