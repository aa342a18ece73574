"""What `install.py` files call. Packages of the program itself are left as they are."""

import importlib.util  # noqa: F401 - A1111's has it
import logging
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from modules import cmd_args, logging_config, timer  # noqa: F401 - A1111's has them
from modules.paths_internal import extensions_builtin_dir, extensions_dir, script_path  # noqa: F401
from webui.compat.a1111 import version
from webui.compat.a1111.loading import packages
from webui.compat.a1111.loading.arguments import current_options

logger = logging.getLogger("webui.extensions")
args = current_options()

python = sys.executable
git = os.environ.get("GIT", "git")
index_url = os.environ.get("INDEX_URL", "")
dir_repos = "repositories"
default_command_live = os.environ.get("WEBUI_LAUNCH_LIVE_OUTPUT") == "1"
startup_timer = timer.startup_timer
re_requirement = re.compile(r"\s*([-\w.]+)\s*(?:==\s*([-+\w.]+))?\s*")


def check_python_version():
    """The program has checked it."""


def commit_hash():
    """The commit of the A1111 whose extensions run here."""
    return version.COMMIT


def git_tag():
    """The version of the A1111 whose extensions run here."""
    return version.TAG


def run(command, desc=None, errdesc=None, custom_env=None, live=default_command_live) -> str:
    """What a command of the shell prints. Raises RuntimeError with its words if it fails."""
    if desc is not None:
        print(desc)
    done = subprocess.run(
        command,
        shell=True,
        env=os.environ if custom_env is None else custom_env,
        stdin=subprocess.DEVNULL,
        stdout=None if live else subprocess.PIPE,
        stderr=None if live else subprocess.PIPE,
        encoding="utf8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        told = [
            f"{errdesc or 'Error running command'}.",
            f"Command: {command}",
            f"Error code: {done.returncode}",
        ]
        told += [f"stdout: {done.stdout}"] if done.stdout else []
        told += [f"stderr: {done.stderr}"] if done.stderr else []
        raise RuntimeError("\n".join(told))
    return done.stdout or ""


def is_installed(package):
    """Whether a package or module is here."""
    return packages.is_installed(package)


def repo_dir(name):
    """Where a repository of another program would lie."""
    return os.path.join(script_path, dir_repos, name)


def run_pip(command, desc=None, live=default_command_live):
    """Run pip, as `run_pip("install a b", "a and b")`; packages of the program itself keep their versions."""
    if args.skip_install:
        return None
    protected = packages.find_protected()
    words, kept = packages.keep_packages(shlex.split(command, posix=os.name != "nt"), protected)
    if kept:
        print(f"Left as installed, because the program needs them: {', '.join(kept)}")
    if not words:
        return ""
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text(protected.constraints_text(), encoding="utf-8")
        index = f" --index-url {index_url}" if index_url and "--index-url" not in words else ""
        quoted = subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
        command, environment = (
            f'"{python}" -m pip {quoted}',
            packages.pip_environment(constraints, os.environ),
        )
        failed = f"Couldn't install {desc}"
        try:
            return run(f"{command}{index}", f"Installing {desc}", failed, environment, live)
        except RuntimeError as error:
            # A1111 takes what is built already, however old. Here that is where building failed: with
            # packages kept as they are, a package of many years ago would often come.
            if not live and not packages.is_failed_build(str(error)):
                raise
            return run(f"{command} --prefer-binary{index}", None, failed, environment, live)


def check_run_python(code: str) -> bool:
    """Whether a line of Python runs without an error."""
    return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0


def git_fix_workspace(dir, name):
    """Let git mend a repository's files."""
    run(
        f'"{git}" -C "{dir}" fetch --refetch --no-auto-gc',
        f"Fetching all contents for {name}",
        f"Couldn't fetch {name}",
    )
    run(f'"{git}" -C "{dir}" gc --aggressive --prune=now', f"Pruning {name}", f"Couldn't prune {name}")


def run_git(
    dir, name, command, desc=None, errdesc=None, custom_env=None, live=default_command_live, autofix=True
):
    """Run git in a repository; if it fails, mend the repository and try once more."""
    try:
        return run(f'"{git}" -C "{dir}" {command}', desc, errdesc, custom_env, live)
    except RuntimeError:
        if not autofix:
            raise
    git_fix_workspace(dir, name)
    return run(f'"{git}" -C "{dir}" {command}', desc, errdesc, custom_env, live)


def git_clone(url, dir, name, commithash=None):
    """Get a repository, at a commit if one is given."""
    if os.path.exists(dir):
        if commithash is None:
            return
        if run_git(dir, name, "rev-parse HEAD", live=False).strip() == commithash:
            return
        run_git(dir, name, "fetch", f"Fetching updates for {name}", f"Couldn't fetch {name}", autofix=False)
        run_git(
            dir, name, f"checkout {commithash}", f"Checking out {name}", f"Couldn't check out {commithash}"
        )
        return
    run(
        f'"{git}" clone --config core.filemode=false "{url}" "{dir}"',
        f"Cloning {name}",
        f"Couldn't clone {name}",
    )
    if commithash is not None:
        run(f'"{git}" -C "{dir}" checkout {commithash}', None, f"Couldn't check out {commithash} of {name}")


def git_pull_recursive(dir):
    """Update each repository below a folder."""
    for place, _, _ in os.walk(dir):
        if os.path.exists(os.path.join(place, ".git")):
            try:
                run(f'"{git}" -C "{place}" pull --autostash')
            except RuntimeError as e:
                print(f"Couldn't update {place}: {e}")


def version_check(commit):
    """The program does not ask anybody whether there is a newer A1111."""


def run_extension_installer(extension_dir):
    """The program runs each `install.py` itself, before it imports scripts."""


def list_extensions(settings_file=None):
    """The folder names of all extensions in A1111's folder of them."""
    try:
        return sorted(each.name for each in os.scandir(extensions_dir) if each.is_dir())
    except OSError:
        return []


def run_extensions_installers(settings_file=None):
    """As `run_extension_installer`."""


def requirements_met(requirements_file):
    """Whether what a file of requirements asks for, as `name==version` or `name`, is here."""
    import packaging.version

    with open(requirements_file, encoding="utf8") as file:
        lines = [line.strip() for line in file if line.strip() and not line.strip().startswith("#")]
    for line in lines:
        found = re.match(re_requirement, line)
        if found is None:
            return False
        installed = packages.installed_version(found.group(1).strip())
        if installed is None:
            return False
        wanted = (found.group(2) or "").strip()
        if wanted and packaging.version.parse(wanted) != packaging.version.parse(installed):
            return False
    return True


def prepare_environment():
    """The program has prepared its own."""


def configure_for_tests():
    """The program's tests are its own."""


def start():
    """The program has started."""


def dump_sysinfo():
    """The server tells of itself at /internal/sysinfo."""
    raise RuntimeError("Ask the server for its system information instead.")
