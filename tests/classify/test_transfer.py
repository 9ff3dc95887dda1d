"""One file over HTTP, below cards and commands: pieces, pauses, patience."""

import hashlib
import shutil
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unreliable import Answer, serving

import classify.transfer as transfer
from classify.partial import Part
from classify.transfer import Length, TransferSettings, fetch
from specgen.errors import InputError

DATA = hashlib.shake_128(b"genome").digest(5000)
QUICK = TransferSettings(backoff=0, timeout=5, progress=False)


@pytest.fixture
def server():
    with serving() as told:
        yield told


@settings(max_examples=25)
@given(st.lists(st.integers(0, 2000), max_size=6), st.sampled_from(["", '"one"', 'W/"one"']), st.booleans())
def test_wherever_it_breaks_off(tmp_path_factory, cuts, etag, chunked):
    folder = tmp_path_factory.mktemp("cuts")
    with serving() as server:
        part = Part(folder / "x.part", server.put("x", DATA, etag=etag))
        server.answers = [Answer(cut=cut, chunked=chunked) for cut in cuts]
        resumed = fetch(part, settings=TransferSettings(retries=len(cuts), backoff=0, progress=False))
        assert part.path.read_bytes() == DATA
        if not chunked:  # a chunk that is cut short may be lost to the one who reads it
            places, have = [], 0
            for cut in [*cuts, 5000]:
                if have < 5000:
                    places.append(f"bytes={have}-" if have else None)
                    have += min(cut, 5000 - have)
            assert server.ranges == places
            assert server.served == 5000
            assert resumed == (places[-1] is not None)
    shutil.rmtree(folder)


def test_pauses(tmp_path, server):
    later = Answer(status=503, headers={"Retry-After": "7"})
    soon = Answer(status=503, headers={"Retry-After": "Mon, 14 Oct 2024 10:00:00 GMT"})
    long = Answer(status=503, headers={"Retry-After": "100000"})
    server.answers = [Answer(status=500), Answer(status=500), later, soon, long]
    paused = []
    part = Part(tmp_path / "x.part", server.put("x", DATA))
    assert not fetch(part, settings=TransferSettings(progress=False), pause=paused.append)
    assert paused == [1, 2, 7, 8, 60]


@pytest.mark.parametrize(("piece", "reaches"), [(500, True), (499, False)])
def test_a_long_file_may_break_off_often_if_it_gets_on(tmp_path, server, monkeypatch, piece, reaches):
    monkeypatch.setattr(transfer, "PROGRESS", 500)
    server.answers = [Answer(cut=piece)] * 9
    part = Part(tmp_path / "x.part", server.put("x", DATA))
    settings = TransferSettings(retries=1, backoff=0, progress=False)
    if reaches:
        assert fetch(part, settings=settings)
    else:
        with pytest.raises(InputError, match="broke off at 998 of 5000"):
            fetch(part, settings=settings)


def test_a_file_that_begins_anew_each_time_ends(tmp_path, server, monkeypatch):
    monkeypatch.setattr(transfer, "PROGRESS", 500)
    server.answers = [Answer(cut=1200, range=False), Answer(cut=100, range=False)] * 50
    with pytest.raises(InputError, match=r"broke off at 1[02]0+ of 5000"):
        fetch(Part(tmp_path / "x.part", server.put("x", DATA)), settings=QUICK)
    assert len(server.requests) <= 8


def test_silence(tmp_path, server):
    server.answers = [Answer(cut=1200, stall=5)]
    part = Part(tmp_path / "x.part", server.put("x", DATA))
    assert fetch(part, settings=TransferSettings(backoff=0, timeout=0.3, progress=False)) in (True, False)
    assert part.path.read_bytes() == DATA
    server.requests.clear()
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/x"
        with pytest.raises(InputError, match=r"host 127.0.0.1 does not answer \(timed out\), 1 times in a row"):
            fetch(Part(tmp_path / "y.part", url), settings=TransferSettings(0, 0, 0.2, False))


def test_redirections_out_of_safety():
    transfer._check_redirection("u", ["http://a/x", "https://a/x"])
    transfer._check_redirection("u", ["https://a/x", "https://b/x"])
    for addresses in (["https://a/x", "http://b/x"], ["https://a/x", "http://b/x", "https://c/x"]):
        with pytest.raises(InputError, match="u: redirected from https to "):
            transfer._check_redirection("u", addresses)


def test_lengths():
    Length(3, 5, "s").check("x", 3, "w")
    Length(3, None, "s").check("x", 10**12, "w")
    for found in (2, 6):
        with pytest.raises(InputError, match=rf"^x: wrong length: expected 3 to 5 bytes \(s\), got {found} \(w\)$"):
            Length(3, 5, "s").check("x", found, "w")
