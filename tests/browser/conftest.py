"""A headless Chromium of the system for tests of pages, and what may not happen in it: errors on the console, requests.

Tests skip, saying why, where there is no Chromium or no Playwright. ``SPECGEN_SCREENSHOTS`` names a folder for screenshots;
without it they go to pytest's temporary one.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser; each test opens contexts of its own in it. One a file, as Playwright may not outlive another event loop."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install playwright")
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser on the path: none of {', '.join(NAMES)}")
    # Chromium refuses to run as root with its sandbox; the pages are our own.
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go."""
    named = os.environ.get("SPECGEN_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def watched(browser: Browser, url: str, **options: Any) -> Iterator[Page]:
    """A page in a context with ``options``; its end fails on console messages, errors, dialogs, and requests.

    Allowed are ``url`` itself, pictures that are data, and, where a server is asked, whatever else it has: no other origin.
    """
    context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}, **options})
    context.set_default_timeout(20_000)
    seen: list[str] = []
    own = re.match(r"https?://[^/]+/", url)
    try:
        page = context.new_page()
        page.on("console", lambda message: seen.append(f"console {message.type}: {message.text}"))
        page.on("pageerror", lambda error: seen.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (seen.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: note(request.url))

        def note(address: str) -> None:
            of_it = address == url or (own is not None and address.startswith(own[0]))
            if not of_it and not re.match(r"data:image/(png|jpeg);base64,", address):
                seen.append(f"request: {address[:200]}")

        page.goto(url)
        yield page
        assert seen == []
    finally:
        context.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """``visit(path or address, **options of the context)``: a page under watch until the test ends."""
    with ExitStack() as stack:

        def go(target: Path | str, **options: Any) -> Page:
            url = target.as_uri() if isinstance(target, Path) else target
            return stack.enter_context(watched(browser, url, **options))

        yield go
