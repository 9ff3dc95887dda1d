"""One file over HTTP, in as many pieces as it takes: resumed by Range, tried again with back-off, held to its length.

What the bytes should be is not known here. Source of the rules of Range, Content-Range and If-Range: RFC 9110, section 14.
"""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from itertools import pairwise
from urllib.parse import urlsplit

import requests
from tqdm import tqdm
from urllib3.exceptions import HTTPError, IncompleteRead

import specgen
from classify.partial import Part, Source
from specgen.errors import InputError

__all__ = ["Length", "TransferSettings", "fetch"]

CHUNK = 1 << 16
"""Bytes a read; what a stalled connection holds back of one is lost, so it is small."""
PROGRESS = 1 << 20
"""New bytes after which failures are counted from nothing: a long file may break off often, but has to get on."""
LONGEST_PAUSE = 60.0
"""Seconds."""


@dataclass(frozen=True)
class TransferSettings:
    """How patient a download is."""

    retries: int = 5
    """Attempts after the first that may bring nothing new, one after the other, before it gives up."""
    backoff: float = 1.0
    """Seconds before the second attempt, doubled for each further one up to 60; a server's Retry-After counts, too."""
    timeout: float = 30.0
    """Seconds without an answer or without data after which a connection counts as broken."""
    progress: bool = True
    """Show a progress bar, and say why an attempt failed."""

    def __post_init__(self) -> None:
        if self.retries < 0 or not self.backoff >= 0 or not 0 < self.timeout <= 86400:
            raise InputError(
                "retries, backoff, timeout: expected at least 0, at least 0, and above 0 up to a day, "
                f"got {self.retries}, {self.backoff} and {self.timeout}"
            )


@dataclass(frozen=True)
class Length:
    """The lengths in bytes that a file may have, and who says so."""

    least: int = 0
    most: int | None = None
    source: str = ""

    def check(self, what: str, found: int, whose: str) -> None:
        """Refuse another length (``InputError`` that begins with ``what``); ``whose`` says where it was found."""
        if found < self.least or (self.most is not None and found > self.most):
            wanted = f"{self.least}" if self.least == self.most else f"{self.least} to {self.most}"
            raise InputError(f"{what}: wrong length: expected {wanted} bytes ({self.source}), got {found} ({whose})")


class _Broken(Exception):
    """An attempt that failed in a way that another one may not."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


def fetch(
    part: Part,
    *,
    settings: TransferSettings | None = None,
    length: Length | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> bool:
    """Bring a whole file to a part, going on with what is there of it.

    Parameters
    ----------
    part
        Names the address, too (http or https; redirections are followed, but never from https to http). Its folder
        has to exist.
    length
        What the file may measure. A server that announces anything else is refused before its bytes are read.
    pause
        Waits so many seconds.

    Returns
    -------
    bool
        Whether it came in more than one piece.

    Raises
    ------
    InputError
        The host cannot be reached, the file is not there or refused, its length is not what it should be, attempts are
        used up, or the part cannot be written. What came stays for another call, unless the file has changed.
    KeyboardInterrupt
        Says how to go on.
    """
    settings = settings or TransferSettings()
    transfer = _Transfer(part, settings, length or Length())
    failures, best = 0, part.have
    try:
        while True:
            try:
                return transfer.attempt()
            except _Broken as error:
                have = part.have
                # A file that begins anew each time gets nowhere, however much comes of it.
                failures = 1 if have >= best + PROGRESS else failures + 1
                best = max(best, have)
                if failures > settings.retries:
                    raise InputError(
                        f"{part.source.url}: {error}, {failures} times in a row; "
                        f"{have} bytes are kept, and the same command goes on"
                    ) from None
                seconds = min(LONGEST_PAUSE, max(error.wait, settings.backoff * 2 ** min(failures - 1, 9)))
                if settings.progress:
                    tqdm.write(f"{part.source.url}: {error}; again in {seconds:g} s", file=sys.stderr)
                pause(seconds)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"stopped; {part.have} bytes of {part.name} are kept, and the same command goes on from there"
        ) from None


class _Transfer:
    """A file under way."""

    def __init__(self, part: Part, settings: TransferSettings, length: Length) -> None:
        self.part, self.settings, self.length = part, settings, length
        self.url = part.source.url

    def attempt(self) -> bool:
        """One request, and its body to the end; True where that was not the first piece."""
        have = self.part.have
        if have and have == self.part.source.total:  # a process ended between the last byte and the name
            return self._finished(True)
        headers = {"Accept-Encoding": "identity", "User-Agent": f"specgen/{specgen.__version__}"}
        if have:
            headers["Range"] = f"bytes={have}-"
            if self.part.source.validator:
                headers["If-Range"] = self.part.source.validator
        waits = (self.settings.timeout, self.settings.timeout)
        try:
            with requests.get(self.url, headers=headers, stream=True, timeout=waits) as response:
                _check_redirection(self.url, [answer.url for answer in (*response.history, response)])
                if have and self._complete_already(response, have):
                    return self._finished(True)
                have = self._begin(response, have)
                self._body(response, have)
        except requests.exceptions.SSLError as error:
            raise InputError(f"{self.url}: no secure connection ({_innermost(error)})") from None
        except (requests.ConnectionError, requests.Timeout) as error:
            verb = "does not answer" if isinstance(error, requests.ReadTimeout) else "cannot be reached"
            raise _Broken(f"host {urlsplit(self.url).hostname} {verb} ({_innermost(error)})") from None
        except (requests.RequestException, HTTPError) as error:
            raise InputError(f"{self.url}: {_innermost(error)}") from None
        return self._finished(bool(have))

    def _complete_already(self, response: requests.Response, have: int) -> bool:
        """Whether nothing is left to ask for: of a file whose length was not known before, or was told wrongly."""
        if response.status_code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return False
        if response.headers.get("Content-Range", "").strip() == f"bytes */{have}":
            return True  # what the bytes are worth is for their checksum to say
        raise self._again("the server has less of it than before")

    def _begin(self, response: requests.Response, have: int) -> int:
        """Judge an answer, and say from which byte on it is."""
        _check_status(self.url, response)
        found = Source(self.url, response.headers.get("ETag", ""), response.headers.get("Last-Modified", ""))
        announced = _number(response.headers.get("Content-Length", ""))
        if response.status_code == HTTPStatus.OK:  # nothing was there, or Range is not known, or the file has changed
            found = replace(found, total=announced)
            have = 0
            self.part.drop()
        else:
            place = re.fullmatch(r"bytes (\S+)-(\S+)/(\S+)", response.headers.get("Content-Range", "").strip())
            first, last, total = map(_number, place.groups()) if place else (None, None, None)
            if not have or first != have or last is None:
                raise self._again("the server sent another part than the one asked for")
            if announced is not None and announced != last + 1 - have:
                raise self._again("Content-Length and Content-Range contradict each other")
            found = replace(found, total=total)
            if not self.part.source.same_file(found):
                raise self._again("the file on the server has changed")
            found = replace(found, total=found.total or self.part.source.total)
        if found.total is not None:
            self.length.check(self.url, found.total, "announced by the server")
            free = shutil.disk_usage(self.part.path.parent).free
            if found.total - have > free:
                raise InputError(f"{self.part.path}: no room for {found.total - have} bytes ({free} are free)")
        self.part.describe(found)
        return have

    def _body(self, response: requests.Response, have: int) -> None:
        total, reason = self.part.source.total, ""
        shown = {"unit": "B", "unit_scale": True, "leave": False, "disable": not self.settings.progress}
        try:
            with (
                self.part.path.open("ab") as file,
                tqdm(total=total, initial=have, desc=self.part.name, **shown) as bar,
            ):
                while self.length.most is None or have <= self.length.most:
                    try:
                        # Not decoded: what is compressed on the server has to be so here, whatever it calls that.
                        data = response.raw.read(CHUNK, decode_content=False)
                    except (HTTPError, OSError) as error:
                        reason = _innermost(error)
                        break
                    if not data:
                        break
                    file.write(data)
                    have += len(data)
                    bar.update(len(data))
        except OSError as error:
            raise InputError(
                f"{self.part.path}: cannot be written ({error.strerror or error}); "
                "what came is kept, and the same command goes on"
            ) from None
        if reason or (total is not None and have < total):
            raise _Broken(
                f"broke off at {have}{'' if total is None else f' of {total}'} bytes ({reason or 'it ended'})"
            )

    def _finished(self, resumed: bool) -> bool:
        try:
            self.length.check(self.url, self.part.have, "that came")
        except InputError:
            self.part.drop()
            raise
        return resumed

    def _again(self, reason: str) -> _Broken:
        self.part.drop()
        return _Broken(f"{reason}; begun anew")


def _check_redirection(url: str, addresses: list[str]) -> None:
    """What was to come safely must not come unsafely: a 16-bit checksum is no protection."""
    schemes = [urlsplit(address).scheme for address in addresses]
    if ("https", "http") in pairwise(schemes):
        raise InputError(f"{url}: redirected from https to {addresses[-1]!r}, which is not followed")


def _check_status(url: str, response: requests.Response) -> None:
    status = response.status_code
    if status in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        return
    # The server's own words may be anything; those of the standard are one line.
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "unknown to HTTP"
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        raise InputError(f"{url}: there is no such file on the server ({status} {phrase})")
    if status >= 500 or status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS):
        raise _Broken(f"the server answers {status} {phrase}", _number(response.headers.get("Retry-After", "")) or 0)
    raise InputError(f"{url}: the server refuses it ({status} {phrase})")


def _number(text: str) -> int | None:
    """A plain number of a header; a date, a star, nonsense or one beyond all files is none."""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text.strip()) else None


def _innermost(error: BaseException) -> str:
    """The reason below the layers of libraries, in one line."""
    seen = [error]
    while True:
        inner = getattr(seen[-1], "reason", None) or seen[-1].__cause__ or seen[-1].__context__
        if not isinstance(inner, BaseException) or inner in seen:
            break
        seen.append(inner)
    if any(isinstance(item, IncompleteRead) for item in seen):
        return "the connection was closed"
    told = seen[-1].strerror if isinstance(seen[-1], OSError) and seen[-1].strerror else str(seen[-1])
    return " ".join(told.split()) or type(seen[-1]).__name__
