"""Starting the program again."""

from webui.compat.a1111.host import current


def is_restartable() -> bool:
    """Whether it can start itself anew: it can once it answers."""
    return current().ready.life.is_serving


def restart_program() -> None:
    """End the server in order and start it anew. Raises NotOffered while it starts."""
    current().ready.life.restart()


def stop_program() -> None:
    """End the server in order. Raises NotOffered while it starts."""
    current().ready.life.stop()
