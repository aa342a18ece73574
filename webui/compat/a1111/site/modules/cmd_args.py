"""The command line's parser, with A1111's flags and those of extensions."""

from webui.compat.a1111.loading.arguments import current_parser

parser = current_parser()
