"""A1111's package, as extensions import it.

Where A1111 runs, all of its modules were imported before the first extension: `import modules` alone does
for `modules.shared`. Here a module is imported when it is first asked for.
"""

import importlib
import importlib.util


def __getattr__(name):
    if name.startswith("__") or importlib.util.find_spec(f"modules.{name}") is None:
        raise AttributeError(f"module 'modules' has no attribute {name!r}")
    return importlib.import_module(f"modules.{name}")
