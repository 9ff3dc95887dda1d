"""A web server on this machine that misbehaves as it is told to, and counts what it sends."""

import os
import re
import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DAY = "Mon, 14 Oct 2024 10:00:00 GMT"


@dataclass
class Answer:
    """One answer: honest, but for what is set."""

    cut: int | None = None  # bytes of the body that are sent before the connection is closed
    length: int | None = None  # what Content-Length says
    flip: int | None = None  # byte of the file that is not as it should be
    range: bool = True  # whether Range is known
    if_range: bool = True  # whether If-Range is heeded
    place: str = ""  # what Content-Range says
    total: int | None = None  # length of the file as Content-Range gives it
    chunked: bool = False  # no length at all
    status: int = 0
    headers: dict = field(default_factory=dict)
    stall: float = 0.0  # seconds of silence after what is cut
    interrupt: bool = False  # Ctrl-C for this process after what is cut


@dataclass
class Page:
    """A file on the server."""

    content: bytes
    etag: str = '"one"'
    last_modified: str = DAY


@dataclass
class Request:
    path: str
    range: str | None
    if_range: str | None
    sent: int = 0


class Server:
    """Pages by path; answers that are used up one a request, then honest ones."""

    def __init__(self, address):
        self.root = f"http://127.0.0.1:{address[1]}"
        self.pages, self.answers, self.requests = {}, [], []

    def url(self, name):
        return f"{self.root}/{name}"

    def put(self, name, content, **more):
        self.pages[f"/{name}"] = Page(content, **more)
        return self.url(name)

    @property
    def served(self):
        """Bytes of bodies, error pages aside."""
        return sum(request.sent for request in self.requests)

    @property
    def ranges(self):
        return [request.range for request in self.requests]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server.told
        request = Request(self.path, self.headers["Range"], self.headers["If-Range"])
        server.requests.append(request)
        answer = server.answers.pop(0) if server.answers else Answer()
        page = server.pages.get(self.path)
        self.close_connection = True
        if answer.status or page is None:
            return self.reply(answer.status or 404, {"Content-Length": 0, **answer.headers}, b"", answer, request)
        content = page.content
        if answer.flip is not None:
            content = content[: answer.flip] + bytes([content[answer.flip] ^ 1]) + content[answer.flip + 1 :]
        headers, status, body = {}, 200, content
        asked = re.fullmatch(r"bytes=(\d+)-", request.range or "")
        fresh = request.if_range in (None, page.etag, page.last_modified) or not answer.if_range
        if asked and answer.range and fresh:
            total, start = answer.total or len(content), int(asked[1])
            if start >= len(content):
                return self.reply(416, {"Content-Range": f"bytes */{total}", "Content-Length": 0}, b"", answer, request)
            status, body = 206, content[start:]
            headers["Content-Range"] = answer.place or f"bytes {start}-{len(content) - 1}/{total}"
        headers |= {"ETag": page.etag} if page.etag else {}
        headers |= {"Last-Modified": page.last_modified} if page.last_modified else {}
        if answer.chunked:
            headers["Transfer-Encoding"] = "chunked"
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        else:
            headers["Content-Length"] = len(body) if answer.length is None else answer.length
        return self.reply(status, headers | answer.headers, body, answer, request)

    def reply(self, status, headers, body, answer, request):
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.send_header("Connection", "close")
        self.end_headers()
        body = body[: answer.cut]
        request.sent = len(body)  # before it goes out: whoever has read it may look at once
        self.wfile.write(body)
        self.wfile.flush()
        if answer.interrupt:
            time.sleep(0.1)  # what was sent is read first
            os.kill(os.getpid(), signal.SIGINT)
        if answer.stall:
            self.server.released.wait(answer.stall)


@contextmanager
def serving():
    """A server in a thread."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads, http.released = True, threading.Event()
        http.told = Server(http.server_address)
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield http.told
        finally:
            http.released.set()
            http.shutdown()
            thread.join()
