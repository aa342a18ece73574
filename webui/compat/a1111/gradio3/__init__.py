"""Gradio 3, which A1111's extensions are written for, over Gradio 6, which the page is built with.

`install` wraps Gradio's classes for the whole process; `uninstall` puts them back. It must run before the
first script of an extension is imported, because scripts derive classes from Gradio's.
"""

from webui.compat.a1111.gradio3.installing import install, is_installed, page_styles, uninstall

__all__ = ["install", "is_installed", "page_styles", "uninstall"]
