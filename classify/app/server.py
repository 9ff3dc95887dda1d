"""The page's server: what a request may be, one computation at a time, and every fault as one line.

What a browser can be talked into is refused before anything is read: another name of this machine in ``Host`` (DNS
rebinding), a request that a page of another origin makes. There is nothing to steal beside that: no cookies, no state, and no
address of another machine on the page, which its policy would forbid to ask anyhow.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from typing import Any

import psutil
import waitress
from flask import Flask, Response, abort, request
from waitress import wasyncore
from werkzeug.exceptions import HTTPException

from classify.app.answers import Desk, Stopped
from classify.app.inputs import MOST_BYTES, MOST_LETTERS, MOST_RECORDS, parse_number, read_input
from classify.reporting.html import render
from specgen.errors import InputError

__all__ = ["is_local", "make_app", "serve", "trusted_hosts"]

PATIENCE = 20.0
"""Seconds that a request waits for the one that computes."""

THREADS = 8
"""Requests at once, of which one computes and the others wait, or are for the page alone."""

SPOOLED = 64_000_000
"""Bytes of a request that the server takes in, to a temporary file, so that a browser hears why it is refused."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'self'; script-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with none, browsers say "Origin: null" of the page's own form
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Of every answer: the scripts and the styles are files of the page, and nothing inline is run."""


def is_local(host: str) -> bool:
    """Whether an address is this machine's own, which no other can reach."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def trusted_hosts(host: str) -> list[str]:
    """Names that requests may call this machine by, when it listens on ``host`` (IPv4 or a name)."""
    names = {"127.0.0.1", "localhost", host.lower()}
    if host == "0.0.0.0":
        names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
        known = [address for addresses in psutil.net_if_addrs().values() for address in addresses]
        names |= {address.address for address in known if address.family == socket.AF_INET}
    return sorted(names)


def make_app(desk: Desk, hosts: list[str], *, patience: float = PATIENCE) -> Flask:
    """The page of one run, as a WSGI application.

    Parameters
    ----------
    hosts
        Names that the ``Host`` header may have; the port does not matter.
    patience
        Seconds that a request waits for another's computation before it is answered with 503.
    """
    app = Flask("classify.app", static_folder=None)
    # A page's form is one part a field; Flask's own limit of a field is lower than what may be pasted.
    app.config.update(
        TRUSTED_HOSTS=hosts, MAX_CONTENT_LENGTH=MOST_BYTES, MAX_FORM_MEMORY_SIZE=MOST_BYTES, MAX_FORM_PARTS=8,
        PROVIDE_AUTOMATIC_OPTIONS=False,
    )  # fmt: skip
    about = desk.about() | {"most": MOST_BYTES, "most_records": MOST_RECORDS, "most_letters": MOST_LETTERS}

    def page(code: int = 200, **values: Any) -> Response:
        given = {"text": "", "record": "", "target": "", "error": "", "found": None} | values
        return Response(render("app.html.j2", about=about, **given), code, mimetype="text/html")

    @app.before_request
    def refuse_other_origins() -> None:
        """A page of another origin can make a browser send anything here, and must get nothing done by it."""
        if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
            abort(403, "expected a request from this page, got one from another origin")
        if request.headers.get("Origin", request.host_url.rstrip("/")) != request.host_url.rstrip("/"):
            abort(403, "expected a request from this page, got one from another origin")

    @app.after_request
    def guard(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    @app.get("/")
    def ask() -> Response:
        return page()

    @app.get("/app.css")
    def style() -> Response:
        return Response(render("app.css.j2"), mimetype="text/css")

    @app.get("/app.js")
    def script() -> Response:
        return Response(render("app.js.j2", most=MOST_BYTES), mimetype="text/javascript")

    @app.get("/page.js")
    def reports_script() -> Response:
        return Response(render("page.js"), mimetype="text/javascript")

    @app.post("/")
    def answer() -> Response:
        text, number, target = (request.form.get(name, "") for name in ("text", "record", "target"))
        sent = request.files.get("file")
        file = sent.read() if sent is not None and sent.filename else None
        given: dict[str, Any] = {"text": text if file is None else "", "record": number, "target": target}
        if not desk.turn.acquire(timeout=patience):
            response = page(503, **given, error="busy with another request; try again in a moment")
            response.headers["Retry-After"] = "10"
            return response
        try:
            records = read_input(text, file, (sent.filename or "") if sent is not None else "")
            found = desk.answer(records, parse_number(number, len(records)), target)
        except InputError as error:
            return page(400, **given, error=str(error))
        except Stopped:
            return page(503, **given, error="stopped")
        finally:
            desk.turn.release()
        return page(**given, found=found)

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> Response:
        told = {
            404: f"{request.path[:100]}: no such page",
            405: f"expected GET or POST, got {request.method}",
            413: f"expected at most {MOST_BYTES:,} bytes; python -m classify predict takes any number",
            500: "an error of this program; the terminal tells which",
        }
        code = error.code or 500
        response = page(code, error=told.get(code) or " ".join((error.description or error.name).split()))
        if isinstance(getattr(error, "valid_methods", None), list | set | tuple):
            response.headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods")))  # noqa: B009
        return response

    return app


def serve(desk: Desk, host: str, port: int) -> None:
    """Answer requests until Ctrl-C or SIGTERM, which come out as KeyboardInterrupt.

    Raises
    ------
    InputError
        The address cannot be listened on.
    """
    app = make_app(desk, trusted_hosts(host))
    sockets: dict[int, Any] = {}
    try:
        server = waitress.create_server(
            app, sockets, host=socket.gethostbyname(host), port=port, threads=THREADS, ident=None,
            max_request_body_size=SPOOLED,
        )  # fmt: skip
    except OSError as error:
        raise InputError(
            f"{host}:{port}: cannot be listened on ({error.strerror or error}); see --host and --port"
        ) from None
    print(f"http://{host}:{port}/ (Ctrl-C ends)", flush=True)
    ended = threading.Event()

    def loop() -> None:
        try:
            server.run()
        finally:
            ended.set()

    # The interrupt comes to this thread, since the server's own would swallow it and wait for whoever computes. It waits for an
    # event, since a thread whose join is interrupted counts as ended (bpo-45274).
    threading.Thread(target=loop, daemon=True).start()
    try:
        ended.wait()
    finally:
        desk.stop()
        server.task_dispatcher.shutdown(timeout=1)
        server.trigger.pull_trigger(lambda: wasyncore.close_all(sockets))  # within its loop, which ends without sockets
        ended.wait(timeout=5)
