"""Telling of what went wrong: in the server's log, and on the health page of the extension at fault."""

import logging
import sys
import threading
import traceback

from webui.compat.a1111 import host as hosts

logger = logging.getLogger("webui.extensions")
# Traces of what extensions raised or reported, the latest last.
MOST_RECORDS = 5
exception_records = []
already_displayed = set()
_lock = threading.Lock()


def format_traceback(tb):
    """File with line, and line of code, of each place of a trace."""
    return [
        [f"{each.filename}, line {each.lineno}, {each.name}", each.line] for each in traceback.extract_tb(tb)
    ]


def format_exception(e, tb):
    """An exception and its trace, as sysinfo has them."""
    return {"exception": str(e), "traceback": format_traceback(tb)}


def get_exceptions():
    """The latest exceptions, the last one first."""
    with _lock:
        return list(reversed(exception_records))


def record_exception():
    """Keep the exception that is being handled."""
    _, e, tb = sys.exc_info()
    if e is None:
        return
    record = format_exception(e, tb)
    with _lock:
        if exception_records and exception_records[-1] == record:
            return
        exception_records.append(record)
        del exception_records[:-MOST_RECORDS]
    _note(e, tb)


def _note(e, tb):
    """Note it with the extension in whose code it came about."""
    if not hosts.is_running():
        return
    health = hosts.current().health
    for each in reversed(traceback.extract_tb(tb)):
        record = health.of_file(each.filename)
        if record is not None:
            health.note_failure(record, each.name, e)
            return


def report(message: str, *, exc_info: bool = False) -> None:
    """Log a message; with `exc_info`, the exception that is being handled as well."""
    record_exception()
    logger.error("%s", message, exc_info=exc_info)


def print_error_explanation(message):
    """Log a message that is to be seen."""
    logger.error("%s", message)


def display(e: Exception, task, *, full_traceback=False):
    """Log an exception that came while doing a task."""
    record_exception()
    logger.error("%s: %s", task or "error", type(e).__name__, exc_info=e)


def display_once(e: Exception, task):
    """As `display`, once for each task."""
    record_exception()
    if task in already_displayed:
        return
    already_displayed.add(task)
    display(e, task)


def run(code, task):
    """Call a function; what it raises is logged."""
    try:
        code()
    except Exception as e:
        display(e, task)


def check_versions():
    """The program installs the versions that it needs."""
