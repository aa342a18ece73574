"""Parts of the start of the program."""

from modules.shared_cmd_options import cmd_opts


def gradio_server_name():
    """The address at which the server answers; None is this machine alone."""
    if cmd_opts.server_name:
        return cmd_opts.server_name
    return "0.0.0.0" if cmd_opts.listen else None


def get_gradio_auth_creds():
    """Names and passwords of the page's users, as pairs."""
    text = cmd_opts.gradio_auth or ""
    if cmd_opts.gradio_auth_path:
        with open(cmd_opts.gradio_auth_path, encoding="utf-8") as file:
            text += "," + file.read().replace("\n", ",")
    for entry in (each.strip() for each in text.split(",")):
        if entry:
            yield tuple(entry.split(":", 1))


def fix_torch_version():
    """Nothing is to be mended."""


def fix_pytorch_lightning():
    """Nothing is to be mended."""


def fix_asyncio_event_loop_policy():
    """Nothing is to be mended."""


def restore_config_state_file():
    """Sets of extensions are restored on the Extensions tab."""


def validate_tls_options():
    """The program has checked its certificate."""


def configure_sigint_handler():
    """The server ends in order by itself."""


def configure_opts_onchange():
    """Settings tell who depends on them."""


def dumpstacks():
    """Log where each thread is."""
    import logging
    import sys
    import threading
    import traceback

    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident, frame in sys._current_frames().items():
        place = "".join(traceback.format_stack(frame))
        logging.getLogger("webui.extensions").info("%s\n%s", names.get(ident, ident), place)


def setup_middleware(app):
    """The program has set up its own."""


def configure_cors_middleware(app):
    """The program has set up its own."""
