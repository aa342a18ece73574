"""Bare repositories on this machine, and a server for them: git's own, or one that only serves files."""

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

IDENTITY = {
    "GIT_AUTHOR_NAME": "ann", "GIT_AUTHOR_EMAIL": "a@b",
    "GIT_COMMITTER_NAME": "ann", "GIT_COMMITTER_EMAIL": "a@b",
    "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"],
    "GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z", "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z",
}  # fmt: skip


def git(folder: Path, *arguments: str, **more: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=IDENTITY | more, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@dataclass
class Repositories:
    """A folder of bare repositories, and where they are served."""

    home: Path
    address: str = ""
    # Paths that were asked for.
    asked: list[str] = field(default_factory=list)

    def make(self, name: str, files: dict[str, str | bytes], branch: str = "main") -> str:
        """A repository with one commit of these files; the commit."""
        bare, work = self.home / f"{name}.git", self.home / ".work" / name
        work.mkdir(parents=True)
        git(work, "init", "--quiet", f"--initial-branch={branch}")
        git(self.home, "init", "--quiet", "--bare", f"--initial-branch={branch}", str(bare))
        git(bare, "config", "uploadpack.allowAnySHA1InWant", "true")
        git(work, "remote", "add", "origin", str(bare))
        return self.commit(name, files)

    def commit(self, name: str, files: dict[str, str | bytes | None], branch: str = "") -> str:
        """A further commit: files with other contents, None takes one away; the commit."""
        work = self.home / ".work" / name
        if branch:
            git(work, "checkout", "--quiet", "-B", branch)
        for path, content in files.items():
            target = work / path
            if content is None:
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        git(work, "add", "--all", "--force")
        git(work, "commit", "--quiet", "--message", f"Change {', '.join(files)}")
        return self.push(name)

    def push(self, name: str) -> str:
        """Publish what was committed; the commit."""
        work = self.home / ".work" / name
        git(work, "push", "--quiet", "--force", "origin", "HEAD")
        git(self.home / f"{name}.git", "update-server-info")
        return git(work, "rev-parse", "HEAD")

    def link(self, name: str, path: str, target: str) -> str:
        """A commit with a link in it."""
        work = self.home / ".work" / name
        (work / path).symlink_to(target)
        git(work, "add", "--all")
        git(work, "commit", "--quiet", "--message", "Link")
        return self.push(name)

    def url(self, name: str) -> str:
        return f"{self.address}/{name}.git"


@contextmanager
def serve_repositories(home: Path, *, is_dumb: bool = False) -> Iterator[Repositories]:
    """Serve the repositories below a folder on this machine."""
    served = Repositories(home)

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *given: object) -> None:
            super().__init__(*given, directory=str(home))

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            served.asked.append(self.path)
            if is_dumb or ".git/" not in self.path:
                super().do_GET()
            else:
                self.run_backend(b"")

        def do_POST(self) -> None:
            self.run_backend(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

        def run_backend(self, body: bytes) -> None:
            path, _, query = self.path.partition("?")
            variables = IDENTITY | {
                "GIT_PROJECT_ROOT": str(home), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path,
                "QUERY_STRING": query,
                "REQUEST_METHOD": self.command, "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            }  # fmt: skip
            done = subprocess.run(
                ["git", "http-backend"], input=body, env=variables, capture_output=True, check=False
            )
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
            self.send_response(int(headers.pop("Status", "200 OK").split()[0]))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    served.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
