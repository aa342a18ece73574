"""Start Atelier: `python app.py [flags]`, or `./launch.sh [flags]`, which makes the environment first."""

import gc
import logging
import os
import shlex
import subprocess
import sys
import threading
from pathlib import Path
from typing import NoReturn

from webui.core.errors import WebuiError
from webui.core.flags import Flags, UnknownFlag, WrongFlag, help_text, read_flags

ROOT = Path(__file__).resolve().parent
# What a shell gives for a program ended with Ctrl+C.
INTERRUPTED = 130
# What extensions leave running (threads, functions to be called at the end) keeps the program so much longer.
ENDING_S = 5.0


def words(text: str) -> list[str]:
    """The words of COMMANDLINE_ARGS, split as a shell does."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise WrongFlag("COMMANDLINE_ARGS has a quotation mark that is never closed.") from error


def read_command_line(arguments: list[str]) -> tuple[Flags, tuple[str, ...]]:
    """As `read_flags`; where extensions add flags of their own, `serve` tells which nobody knows."""
    try:
        return read_flags(arguments)
    except UnknownFlag:
        # Only needed where there may be such extensions.
        from webui.plugins.community import have_preload

        read = read_flags(arguments, keep_unknown=True)
        if not have_preload(ROOT, read[0].paths(ROOT).root):
            raise
        return read


def main() -> int:
    """Read the flags and serve. Gives the exit status."""
    try:
        # Flags typed here come last: they win over those of the environment.
        arguments = [*words(os.environ.get("COMMANDLINE_ARGS", "")), *sys.argv[1:]]
        flags, remarks = read_command_line(arguments)
    except WrongFlag as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if flags.help:
        sys.stdout.write(help_text() + "\n")
        return 0
    logging.basicConfig(level=flags.loglevel.upper(), format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    for remark in remarks:
        logging.getLogger("webui").info(remark)

    # Looking for garbage among what a start only adds takes a fifth of it; `serve` begins with that again.
    gc.disable()
    # Loads Gradio, which a wrong flag need not wait for.
    from webui.main import serve

    began_in = Path.cwd()
    try:
        port = serve(flags, ROOT, arguments=arguments)
    except WebuiError as error:
        logging.getLogger("webui").error(error)
        return 1
    except KeyboardInterrupt:
        # Ctrl+C: the server has ended in order, and tells so once more.
        return INTERRUPTED
    if port is not None:
        start_again(began_in, port)
    return 0


def start_again(folder: Path, port: int) -> NoReturn:
    """Become the program anew, in the same folder and at the same port. A browser shows the page already."""
    words = sys.orig_argv[1:]
    wanted = ["--port", str(port)]
    if words[-2:] != wanted:
        words += wanted
    os.environ["SD_WEBUI_RESTARTING"] = "1"
    os.chdir(folder)
    if sys.platform == "win32":
        # There the new process would not be waited for.
        end_within(ENDING_S, status := subprocess.call([sys.executable, *words]))
        sys.exit(status)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *words])


def end_within(limit_s: float, status: int) -> None:
    """End the process, with this exit status, whatever threads go on and whatever waits at its end."""
    timer = threading.Timer(limit_s, os._exit, [status])
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    ended = main()
    end_within(ENDING_S, ended)
    sys.exit(ended)
