"""The program beside a Civitai and Hugging Face of the test's own: serve_beside.py URL PORT [flags]."""

import sys

from tests.ui.browser import ROOT
from webui.core.flags import read_flags
from webui.library.fetch.sites import Sites
from webui.main import serve

if __name__ == "__main__":
    url, port, *words = sys.argv[1:]
    trusted = frozenset({f"127.0.0.1:{port}", f"localhost:{port}"})
    serve(read_flags(words)[0], ROOT, Sites(civitai=url, huggingface=url, trusted=trusted))
