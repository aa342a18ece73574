"""Starting the program again is its owner's to do."""

from webui.compat.a1111.host import current


def is_restartable() -> bool:
    """No: nothing watches over this program that would start it again."""
    return False


def restart_program() -> None:
    """As `stop_program`."""
    stop_program()


def stop_program() -> None:
    """End the server in order, as Ctrl+C does, once it runs."""
    import os
    import signal

    current()
    os.kill(os.getpid(), signal.SIGINT)
