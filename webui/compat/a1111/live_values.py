"""Values of scripts that are no JSON, kept while the program runs, each under a token of its own."""

import threading
import uuid
from collections import OrderedDict
from typing import Any

from webui.core.errors import InvalidRequest

# Of all jobs in the queue together; the oldest go first.
MOST_VALUES = 2000


class LiveValues:
    """Values by token. Any thread."""

    def __init__(self, most: int = MOST_VALUES) -> None:
        self._values: OrderedDict[str, Any] = OrderedDict()
        self._most = most
        self._lock = threading.Lock()

    def add(self, value: Any) -> str:  # noqa: ANN401 - whatever a component holds
        """Keep a value; its token, which nobody can guess."""
        token = uuid.uuid4().hex
        with self._lock:
            self._values[token] = value
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return token

    def get(self, token: str) -> Any:  # noqa: ANN401 - as above
        """The value of a token. Raises InvalidRequest for one that is gone."""
        with self._lock:
            if token not in self._values:
                raise InvalidRequest(
                    "A value of an extension's panel is no longer in memory: the server was started anew, or "
                    "too much was made since. Press Generate on the page again."
                )
            return self._values[token]
