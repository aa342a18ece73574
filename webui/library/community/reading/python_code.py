"""What a Python file does, by its syntax tree: imports followed to their full names, nothing run."""

import ast
import re
from collections.abc import Callable, Iterator

from webui.library.community.reading.code_report import CodeKind, CodePlace

NETWORK_MODULES = frozenset(
    (
        *(
            "requests",
            "httpx",
            "aiohttp",
            "urllib3",
            "urllib.request",
            "http.client",
            "http.server",
            "socket",
        ),
        *(
            "socketserver",
            "ssl",
            "ftplib",
            "smtplib",
            "poplib",
            "imaplib",
            "telnetlib",
            "xmlrpc",
            "websocket",
        ),
        *(
            "websockets",
            "paramiko",
            "fabric",
            "boto3",
            "gdown",
            "wget",
            "pycurl",
            "huggingface_hub",
            "modelscope",
        ),
        *(
            "gradio_client",
            "openai",
            "pyngrok",
            "zmq",
            "grpc",
            "google.cloud",
            "discord",
            "telegram",
            "socketio",
        ),
    )
)
NETWORK_CALLS = frozenset(
    (
        *(
            "load_file_from_url",
            "download_url_to_file",
            "load_state_dict_from_url",
            "hf_hub_download",
            "urlopen",
        ),
        *("snapshot_download", "urlretrieve", "cached_download", "open_connection", "create_connection"),
        *("cached_file", "from_pretrained", "run_git_clone", "git_clone"),
    )
)
PROGRAMS = re.compile(
    r"(subprocess|pty|pexpect|sh|plumbum)(\.|$)|os\.(system|popen|startfile|fork|forkpty|exec\w+|spawn\w+|posix_spawn\w*)$"
    r"|asyncio\.(subprocess|create_subprocess_\w+)|(modules\.)?launch(_utils)?\.run(_python)?$"
    r"|multiprocessing(\.\w+)*\.Process$"
)
NATIVE = re.compile(r"(ctypes|cffi|_ctypes)(\.|$)")
DELETION = re.compile(r"os\.(remove|unlink|rmdir|removedirs|truncate)$|shutil\.rmtree$|send2trash(\.|$)")
DELETING_METHODS = frozenset({"unlink", "rmdir", "rmtree", "removedirs"})
DYNAMIC = re.compile(
    r"(builtins\.)?(eval|exec|compile|__import__|execfile)$|runpy\.|code\.(interact|InteractiveConsole)|codeop\."
    r"|importlib\.(import_module|reload|util\.(spec_from_file_location|module_from_spec)|machinery\.\w+Loader)"
    r"|(_?pickle|cPickle|dill|cloudpickle|joblib|shelve|jsonpickle)\.(loads?|Unpickler|open|decode)$"
    r"|marshal\.loads?$|torch\.load$|types\.(FunctionType|CodeType)$|yaml\.(unsafe_load|full_load)$|zipimport\."
)
BUILTINS = frozenset({"eval", "exec", "compile", "__import__", "execfile"})
# Whose members are asked for by a name that is put together only when somebody hides it.
DANGEROUS = frozenset(
    {"os", "subprocess", "shutil", "builtins", "__builtins__", "sys", "socket", "importlib", "ctypes", "pty"}
)
ROUTE_METHODS = frozenset(
    (
        *(
            "add_api_route",
            "add_route",
            "add_api_websocket_route",
            "add_websocket_route",
            "include_router",
            "mount",
        ),
        *("add_middleware", "middleware", "exception_handler", "add_exception_handler"),
    )
)
VERBS = frozenset({"get", "post", "put", "delete", "patch", "head", "options", "websocket", "route"})
SECRETS = re.compile(
    r"\.ssh\b|id_rsa|id_ed25519|\.aws/credentials|/etc/(passwd|shadow)|\.netrc|\.git-credentials|Login Data"
    r"|wallet\.dat|\.kube/config|\.docker/config|keys\.json|Local Storage[/\\]+leveldb|AWS_SECRET"
    r"|\b[A-Z][A-Z0-9_]*_(API_KEY|TOKEN|PASSWORD)$|\.bash_history|keyring"
)
LINK = re.compile(r"(?:https?|wss?|ftp)://([A-Za-z0-9.-]{1,253})")
Note = Callable[[CodeKind, CodePlace], None]


def read_python(source: str, file: str, note: Note, hosts: set[str]) -> None:
    """Note all that a file does. Raises SyntaxError, ValueError, RecursionError or MemoryError."""
    tree = ast.parse(source)
    reader = PythonReader(file, note, hosts)
    for node in ast.walk(tree):
        reader.learn(node)
    for node in ast.walk(tree):
        reader.look(node)


class PythonReader:
    """Reads one file, twice: first for what names mean, then for what is done with them."""

    def __init__(self, file: str, note: Note, hosts: set[str]) -> None:
        self._file = file
        self._note = note
        self._hosts = hosts
        self._names: dict[str, str] = {}
        self._starred: list[str] = []
        self._seen: set[tuple[CodeKind, int, str]] = set()

    def learn(self, node: ast.AST) -> None:
        """What the imports and plain assignments make names mean."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                self._names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                if alias.name == "*":
                    self._starred.append(node.module)
                else:
                    self._names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Name | ast.Attribute):
            meant = self._full_name(node.value)
            for target in node.targets:
                if isinstance(target, ast.Name) and (meant.split(".")[0] in DANGEROUS or meant in BUILTINS):
                    self._names[target.id] = meant

    def look(self, node: ast.AST) -> None:
        """Note what one node does."""
        if isinstance(node, ast.Import | ast.ImportFrom):
            self._look_at_import(node)
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            self._look_at_name(node)
        elif isinstance(node, ast.Call):
            self._look_at_call(node)
        elif isinstance(node, ast.Subscript):
            self._look_at_subscript(node)
        elif isinstance(node, ast.Assign):
            self._look_at_assignment(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            self._look_at_text(node, node.value)

    def _full_name(self, node: ast.expr) -> str:
        """`os.system` for `system` of `from os import system`; "" for what is no chain of names."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        return ".".join([self._names.get(node.id, node.id), *reversed(parts)])

    def _is_imported(self, node: ast.expr) -> bool:
        while isinstance(node, ast.Attribute):
            node = node.value
        return isinstance(node, ast.Name) and node.id in self._names

    def _add(self, kind: CodeKind, node: ast.AST, what: str) -> None:
        line = getattr(node, "lineno", 0)
        if (kind, line, what) in self._seen:
            return
        self._seen.add((kind, line, what))
        self._note(kind, CodePlace(file=self._file, line=line, what=what[:120]))

    def _look_at_import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif node.module and not node.level:
            modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            return
        found = [each for module in modules for each in parents_of(module) if each in NETWORK_MODULES]
        if found:
            self._add("network", node, f"import {found[0]}")
        if any(NATIVE.match(module) for module in modules):
            self._add("programs", node, f"import {modules[0]}")

    def _look_at_name(self, node: ast.Name | ast.Attribute) -> None:
        name = self._full_name(node)
        candidates = [name, *(f"{module}.{name}" for module in self._starred)]
        for each in candidates:
            if PROGRAMS.match(each) and "." in each:
                self._add("programs", node, each)
            if DELETION.match(each):
                self._add("deletion", node, each)
            is_builtin = each in BUILTINS and isinstance(node, ast.Name)
            if is_builtin or ("." in each and DYNAMIC.match(each)):
                self._add("dynamic", node, each)
        if name == "__builtins__" or name.startswith("__builtins__."):
            self._add("hidden", node, name)
        if name.rsplit(".", 1)[-1] in NETWORK_CALLS:
            self._add("network", node, name)

    def _look_at_call(self, node: ast.Call) -> None:
        function = node.func
        if isinstance(function, ast.Name) and self._names.get(function.id, function.id) in (
            "getattr",
            "setattr",
        ):
            self._look_at_getattr(node, function.id)
        if not isinstance(function, ast.Attribute):
            return
        if function.attr in DELETING_METHODS:
            self._add("deletion", node, self._full_name(function) or f".{function.attr}()")
        first = node.args[0] if node.args else None
        path = first.value if isinstance(first, ast.Constant) else None
        is_path = isinstance(path, str) and path.startswith("/")
        if function.attr in ROUTE_METHODS or (function.attr in VERBS and is_path):
            self._add("routes", node, f"{function.attr} {path if is_path else ''}".strip())

    def _look_at_getattr(self, node: ast.Call, function: str) -> None:
        """Members of what is dangerous by a name that is no constant; replaced members of modules."""
        if len(node.args) < 2:
            return
        owner, member = node.args[0], node.args[1]
        owned = self._full_name(owner)
        if owned.split(".")[0] in DANGEROUS and not isinstance(member, ast.Constant):
            self._add("hidden", node, f"{function}({owned}, …)")
        elif isinstance(member, ast.Constant) and function == "getattr" and owned:
            full = f"{owned}.{member.value}"
            patterns: tuple[tuple[CodeKind, re.Pattern[str]], ...] = (
                ("programs", PROGRAMS),
                ("deletion", DELETION),
                ("dynamic", DYNAMIC),
            )
            for kind, pattern in patterns:
                if pattern.match(full):
                    self._add(kind, node, f"getattr({owned}, {member.value!r})")
        if function == "setattr" and self._is_imported(owner) and not isinstance(node.args[-1], ast.Constant):
            self._add("patches", node, f"setattr({owned}, …)")

    def _look_at_subscript(self, node: ast.Subscript) -> None:
        base = node.value
        called = self._full_name(base.func) if isinstance(base, ast.Call) else self._full_name(base)
        if called in ("globals", "locals", "vars", "sys.modules") and not isinstance(
            node.slice, ast.Constant
        ):
            self._add("hidden", node, f"{called}[…]")
        elif (
            called == "sys.modules" and isinstance(node.slice, ast.Constant) and node.slice.value in DANGEROUS
        ):
            self._add("hidden", node, f"sys.modules[{node.slice.value!r}]")

    def _look_at_assignment(self, node: ast.Assign) -> None:
        """A function put in the place of another, in a module that was imported."""
        if not isinstance(node.value, ast.Name | ast.Attribute | ast.Lambda):
            return
        for target in node.targets:
            if isinstance(target, ast.Attribute) and self._is_imported(target):
                self._add("patches", node, self._full_name(target))

    def _look_at_text(self, node: ast.Constant, text: str) -> None:
        for found in LINK.finditer(text[:100_000]):
            self._hosts.add(found[1].lower())
        if len(text) < 500 and (found := SECRETS.search(text)):
            self._add("secrets", node, found[0])


def parents_of(module: str) -> Iterator[str]:
    """A module's full name, and those of what it lies in."""
    parts = module.split(".")
    yield from (".".join(parts[:end]) for end in range(len(parts), 0, -1))
