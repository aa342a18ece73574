"""What the command line said: A1111's flags, and those of extensions."""

from modules import cmd_args
from webui.compat.a1111.loading.arguments import current_options

parser = cmd_args.parser
cmd_opts = current_options()
