"""Sets of extensions as they were: the Extensions tab keeps and restores them."""

import time

all_config_states = {}


def list_config_states():
    """None in A1111's form."""
    return dict(all_config_states)


def get_webui_config():
    """Where the program's own code comes from."""
    return {"remote": None, "commit_hash": None, "commit_date": None, "branch": None}


def get_extension_config():
    """Each extension with its origin."""
    from modules import extensions

    found = {}
    for each in extensions.extensions:
        each.read_info_from_repo()
        found[each.name] = {
            "name": each.name,
            "path": each.path,
            "enabled": each.enabled,
            "is_builtin": each.is_builtin,
            "remote": each.remote,
            "commit_hash": each.commit_hash,
            "commit_date": each.commit_date,
            "branch": each.branch,
            "have_info_from_repo": each.have_info_from_repo,
        }
    return found


def get_config():
    """The program and its extensions, as they are now."""
    return {
        "created_at": time.time(),
        "webui": get_webui_config(),
        "extensions": get_extension_config(),
    }


def restore_webui_config(config):
    """The program does not change its own code. Raises RuntimeError."""
    raise RuntimeError("The program does not change its own code: update it as you installed it.")


def restore_extension_config(config):
    """Raises RuntimeError."""
    raise RuntimeError("Extensions are put back on the Extensions tab, by its own backups.")
