"""The program, whose hidden pages rest at once: serve_resting.py [flags]."""

import sys

from tests.ui.browser import ROOT
from webui.core.flags import read_flags
from webui.main import serve
from webui.ui.watching import watch

if __name__ == "__main__":
    watch.AFTER_S = 0.2
    serve(read_flags(sys.argv[1:])[0], ROOT)
