"""Downloads from a server that breaks off, lies and changes its mind: what arrives is right, or one line says what is not."""

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from filelock import FileLock
from unreliable import DAY, Answer, serving

from classify.__main__ import main
from classify.checksums import BsdSum
from classify.partial import Part, Source

ROOT = Path(__file__).resolve().parents[2]
DATA = hashlib.shake_128(b"genome").digest(5000)
OTHER = hashlib.shake_128(b"another").digest(5000)
SHA = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def server():
    with serving() as told:
        yield told


def bsd(data):
    hasher = BsdSum()
    hasher.update(data)
    return hasher.hexdigest()


def card(folder, *files, name="made_up"):
    """A card's file."""
    body = dict.fromkeys(("title", "organism", "assembly", "release", "licence", "citation"), "x")
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({"name": name, **body, "files": list(files)}))
    return path


class Case:
    """A card of one file, the folder it goes to, and what a command said."""

    def __init__(self, folder, server, capsys):
        self.place, self.server, self.capsys = folder, server, capsys
        self.into, self.name = folder / "data", "x.fa.gz"
        self.target, self.part = self.into / self.name, self.into / f"{self.name}.part"
        self.lock = self.into / "made_up.lock.json"
        self.url = server.put(self.name, DATA)
        self.describe(sha256=SHA)

    def describe(self, **more):
        self.card = card(self.place, {"name": self.name, "url": self.url, **more})

    def publish(self, value, kind="bsd_sum"):
        """A list of checksums on the server, and a card that names it."""
        url = self.server.put("CHECKSUMS", f"1 2 other.fa.gz\n{value}\t{self.name}\n".encode())
        self.describe(checksums={"kind": kind, "url": url})

    def run(self, *more, code=0, match="", retries=2):
        """The command; what it printed, or the one line it failed with."""
        self.capsys.readouterr()
        quick = ["--backoff", "0", "--timeout", "5", "--progress", "false", "--retries", str(retries)]
        got = main(["download", str(self.card), "--into", str(self.into), *quick, *more])
        said = self.capsys.readouterr()
        assert got == code, said.err
        if not code:
            assert said.err == ""
            return said.out
        assert len(said.err.strip().splitlines()) == 1
        assert match in said.err
        assert "Traceback" not in said.err
        return said.err

    def arrived(self, data=DATA):
        """The file is there and right, pinned, and nothing else was left."""
        assert self.target.read_bytes() == data
        left = sorted(path.name for path in self.into.iterdir() if not path.name.startswith("."))
        assert left == ["made_up.lock.json", self.name]
        pin = json.loads(self.lock.read_text())["files"][self.name]
        assert pin["sha256"] == hashlib.sha256(data).hexdigest()
        assert pin["bytes"] == len(data)

    def absent(self):
        assert not self.target.exists()
        assert not self.lock.exists()


@pytest.fixture
def case(tmp_path, server, capsys):
    return Case(tmp_path, server, capsys)


# What arrives


def test_a_file_comes_once(case):
    assert f"{case.target}: fetched, 5000 bytes, sha256 {SHA}" in case.run()
    case.arrived()
    assert "was there" in case.run()
    assert case.server.ranges == [None]
    assert case.server.served == 5000
    pin = json.loads(case.lock.read_text())["files"][case.name]
    assert pin["url"] == case.url
    assert pin["checked"] == f"sha256 {SHA}, given by the card"
    assert (pin["etag"], pin["last_modified"]) == ('"one"', DAY)


def test_a_connection_that_breaks_off_is_resumed(case):
    case.server.answers = [Answer(cut=1200), Answer(cut=800), Answer()]
    assert f"{case.target}: resumed, 5000 bytes" in case.run()
    case.arrived()
    assert case.server.ranges == [None, "bytes=1200-", "bytes=2000-"]
    assert [request.if_range for request in case.server.requests] == [None, '"one"', '"one"']
    assert case.server.served == 5000


def test_another_command_goes_on(case):
    case.server.answers = [Answer(cut=1200)]
    said = case.run(code=2, match="broke off at 1200 of 5000 bytes (the connection was closed)", retries=0)
    assert "1200 bytes are kept, and the same command goes on" in said
    case.absent()
    assert case.part.read_bytes() == DATA[:1200]
    assert "resumed" in case.run()
    case.arrived()
    assert case.server.ranges == [None, "bytes=1200-"]
    assert case.server.served == 5000


def test_the_last_byte_had_come(case):
    part = Part(case.part, case.url)
    case.into.mkdir()
    case.part.write_bytes(DATA)
    part.describe(Source(case.url, '"one"', DAY, 5000))
    case.run()
    case.arrived()
    assert not case.server.requests


def test_two_files_of_which_one_is_there(case):
    case.into.mkdir()
    case.target.write_bytes(DATA)
    files = [{"name": name, "url": case.server.put(name, DATA), "sha256": SHA} for name in ("x.fa.gz", "y.fa.gz")]
    case.card = card(case.place, *files)
    said = case.run()
    assert "x.fa.gz: was there" in said
    assert "y.fa.gz: fetched" in said
    assert [request.path for request in case.server.requests] == ["/y.fa.gz"]


# Servers that do not do as they should


def test_range_is_ignored(case):
    case.server.answers = [Answer(cut=1200), Answer(range=False)]
    assert "fetched" in case.run()
    case.arrived()
    assert case.server.ranges == [None, "bytes=1200-"]
    assert case.server.served == 6200


def test_the_file_changes_between_attempts(case):
    case.describe(sha256=hashlib.sha256(OTHER).hexdigest())
    case.server.answers = [Answer(cut=1200)]
    case.run(code=2, match="broke off", retries=0)
    case.server.put(case.name, OTHER, etag='"two"')
    case.run(retries=0)
    case.arrived(OTHER)
    assert case.server.ranges == [None, "bytes=1200-"]  # If-Range: the whole file came at once
    assert case.server.served == 6200


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"etag": '"one"'}, {"etag": '"two"'}),
        ({"etag": 'W/"one"'}, {"etag": 'W/"two"'}),
        ({"etag": ""}, {"etag": "", "last_modified": "Tue, 15 Oct 2024 10:00:00 GMT"}),
    ],
)
def test_the_file_changes_and_if_range_is_ignored(case, first, second):
    case.describe(sha256=hashlib.sha256(OTHER).hexdigest())
    case.server.put(case.name, DATA, **first)
    case.server.answers = [Answer(cut=1200), Answer(if_range=False)]
    case.run(code=2, match="broke off", retries=0)
    case.server.put(case.name, OTHER, **second)
    case.run()
    case.arrived(OTHER)
    assert case.server.ranges == [None, "bytes=1200-", None]


def test_a_weak_tag_is_no_condition(case):
    case.server.put(case.name, DATA, etag='W/"one"')
    case.server.answers = [Answer(cut=1200)]
    case.run()
    assert [request.if_range for request in case.server.requests] == [None, None]
    assert case.server.served == 5000


def test_the_file_changes_and_nothing_tells(case):
    case.describe(sha256=hashlib.sha256(OTHER).hexdigest())
    case.server.put(case.name, DATA, etag="", last_modified="")
    case.server.answers = [Answer(cut=1200)]
    case.run(code=2, match="broke off", retries=0)
    case.server.put(case.name, OTHER, etag="", last_modified="")
    assert "fetched" in case.run()  # pieces of two files: the checksum tells, and it comes once more
    case.arrived(OTHER)
    assert case.server.ranges == [None, "bytes=1200-", None]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(place="bytes 1000-4999/5000"),
        Answer(place="bytes 1200-4999/6000"),
        Answer(place="lines 1-2"),
        Answer(length=3000),
        Answer(total=4000),
        Answer(place="bytes 1200-" + "9" * 5000 + "/5000"),
        Answer(status=416, headers={"Content-Range": "bytes */1000"}),
        Answer(status=416),
    ],
    ids=lambda answer: repr(answer)[:60],
)
def test_answers_that_do_not_fit(case, answer):
    case.server.answers = [Answer(cut=1200), answer]
    case.run()
    case.arrived()
    assert case.server.ranges == [None, "bytes=1200-", None]


def test_a_part_that_tells_no_length(case):
    silent = Answer(place="bytes 1200-4999/*", headers={"Content-Length": "9" * 5000}, cut=800)
    case.server.answers = [Answer(cut=1200), silent]
    case.run()
    case.arrived()
    assert case.server.ranges == [None, "bytes=1200-", "bytes=2000-"]  # the first answer's length still counts
    assert case.server.served == 5000


def test_a_length_that_was_told_wrongly_and_bytes_that_are_right(case):
    case.server.answers = [Answer(length=6000)]
    assert "resumed" in case.run()  # the second answer is 416, bytes */5000
    case.arrived()
    assert case.server.ranges == [None, "bytes=5000-"]
    assert case.server.served == 5000


def test_a_part_nobody_asked_for(case):
    case.server.answers = [Answer(status=206, headers={"Content-Range": "bytes 0-9/10"})]
    case.run()
    case.arrived()


def test_a_server_without_lengths(case):
    case.server.answers = [Answer(chunked=True)]
    case.run()
    case.arrived()


def test_what_is_compressed_stays_so(case):
    case.server.answers = [Answer(headers={"Content-Encoding": "gzip"})]
    case.run()
    case.arrived()


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("length", [4000, 6000])
def test_a_wrong_length_is_announced(case, length, known):
    if known:
        case.describe(sha256=SHA, bytes=5000)
    case.server.answers = [Answer(length=length)] * 3
    match = {
        (True, 4000): "wrong length: expected 5000 bytes (given by the card), got 4000 (announced by the server)",
        (True, 6000): "wrong length: expected 5000 bytes (given by the card), got 6000 (announced by the server)",
        (False, 4000): f"wrong checksum: expected sha256 {SHA} (given by the card), got "
        + hashlib.sha256(DATA[:4000]).hexdigest(),
        (False, 6000): "broke off at 5000 of 6000 bytes",
    }[known, length]
    case.run(code=2, match=match, retries=0)
    case.absent()
    if known:
        assert len(case.server.requests) == 1
        assert not case.part.exists()
    case.server.answers = []
    case.run()  # an honest server: whatever lies there, what arrives is right
    assert case.target.read_bytes() == DATA


def test_more_comes_than_there_should_be(case):
    case.describe(sha256=SHA, bytes=4000)
    case.server.put(case.name, DATA * 100)
    case.server.answers = [Answer(chunked=True)]
    said = case.run(code=2, match="wrong length: expected 4000 bytes (given by the card), got ")
    assert 4000 < int(said.split("got ")[1].split()[0]) < 500_000  # it did not wait for the end
    case.absent()
    assert not case.part.exists()


def test_bytes_are_corrupt(case):
    case.server.answers = [Answer(flip=4321)]
    flipped = DATA[:4321] + bytes([DATA[4321] ^ 1]) + DATA[4322:]
    got = hashlib.sha256(flipped).hexdigest()
    said = case.run(code=2, match=f"wrong checksum: expected sha256 {SHA} (given by the card), got {got}")
    assert f"what came is kept as {case.target}.wrong" in said
    assert Path(f"{case.target}.wrong").read_bytes() == flipped
    assert not case.part.exists()
    case.absent()
    case.run()
    assert case.target.read_bytes() == DATA
    assert case.server.ranges == [None, None]


def test_corrupt_pieces_are_fetched_once_more_and_no_further(case):
    case.server.answers = [Answer(cut=1200, flip=7), Answer(), Answer(flip=7)]
    case.run(code=2, match="wrong checksum")
    assert case.server.ranges == [None, "bytes=1200-", None]
    case.absent()


@pytest.mark.parametrize(
    ("status", "match"),
    [
        (404, "there is no such file on the server (404 Not Found)"),
        (410, "there is no such file on the server (410 Gone)"),
        (403, "the server refuses it (403 Forbidden)"),
        (299, "the server refuses it (299 unknown to HTTP)"),
    ],
)
def test_final_answers(case, status, match):
    case.server.answers = [Answer(status=status)]
    case.run(code=2, match=f"{case.url}: {match}")
    assert len(case.server.requests) == 1
    case.absent()


def test_errors_of_the_server_pass(case):
    case.server.answers = [Answer(status=500), Answer(cut=1200), Answer(status=503), Answer(status=429)]
    case.run(retries=4)
    case.arrived()
    assert case.server.served == 5000
    assert case.server.ranges == [None, None, *["bytes=1200-"] * 3]


def test_errors_of_the_server_do_not_pass(case):
    case.server.answers = [Answer(status=500)] * 9
    case.run(code=2, match="the server answers 500 Internal Server Error, 3 times in a row; 0 bytes are kept")
    assert len(case.server.requests) == 3


def test_redirections(case):
    moved = {"Location": case.url, "Content-Length": 0}
    case.url = case.server.url("elsewhere")
    case.describe(sha256=SHA)
    case.server.answers = [Answer(status=302, headers=moved), Answer(cut=1200), Answer(status=301, headers=moved)]
    case.run()
    case.arrived()
    assert case.server.ranges == [None, None, "bytes=1200-", "bytes=1200-"]
    assert case.server.served == 5000


@pytest.mark.parametrize(
    ("to", "match"), [("/x.fa.gz", "Exceeded 30 redirects"), ("ftp://127.0.0.1/x", "No connection adapters")]
)
def test_redirections_that_lead_nowhere(case, to, match):
    case.server.answers = [Answer(status=302, headers={"Location": to})] * 40
    case.run(code=2, match=match)


def test_nobody_is_there(case):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    case.url = f"http://127.0.0.1:{port}/x"
    case.describe(sha256=SHA)
    case.run(code=2, match="host 127.0.0.1 cannot be reached (Connection refused), 3 times in a row")
    case.absent()


def test_no_such_host(case):
    case.url = f"http://{'a' * 64}.org/x"
    case.describe(sha256=SHA)
    case.run(code=2, match=f"{case.url}: ")


def test_the_other_side_speaks_no_https(case):
    case.url = case.url.replace("http:", "https:")
    case.describe(sha256=SHA)
    case.run(code=2, match="no secure connection (")


# What is there already


@pytest.mark.parametrize(
    ("content", "more", "match"),
    [
        (OTHER, {}, f"wrong checksum: expected sha256 {SHA} (given by the card), got {hashlib.sha256(OTHER).hexdigest()}"),
        (b"short", {"bytes": 5000}, "wrong length: expected 5000 bytes (given by the card), got 5 (found)"),
        (None, {}, "expected a file, found something else"),
    ],
)  # fmt: skip
def test_a_file_that_is_there_and_wrong_is_left_alone(case, content, more, match):
    case.describe(sha256=SHA, **more)
    if content is None:
        case.target.mkdir(parents=True)
    else:
        case.into.mkdir()
        case.target.write_bytes(content)
    said = case.run(code=2, match=f"{case.target}: {match}")
    if content is not None:
        assert "left as it is; remove it, or choose another folder" in said
        assert case.target.read_bytes() == content
    assert not case.server.requests


def test_a_part_of_something_else_is_not_gone_on_with(case):
    case.into.mkdir()
    for left in (b"{", b"[]", b'{"url": 1}', json.dumps({"url": "http://other/x", "total": 5000}).encode(), None):
        case.part.write_bytes(OTHER[:1200])
        record = Path(f"{case.part}.json")
        if left is not None:
            record.write_bytes(left)
        case.run()
        case.arrived()
        case.target.unlink()
    assert set(case.server.ranges) == {None}


def test_a_file_without_url(case):
    case.card = card(case.place, {"name": "x.fa.gz", "sha256": SHA, "origin": "hg19, by hand"})
    said = case.run(code=2, match=f"{case.target}: there is no such file, and the card gives no url for it")
    assert "it was made from hg19, by hand" in said
    assert not case.into.exists()
    case.into.mkdir()
    case.target.write_bytes(DATA)
    assert "was there" in case.run()
    assert [path.name for path in case.into.iterdir()] == ["x.fa.gz"]  # a folder that is complete may be read-only


# Publishers' lists, and pins


@pytest.mark.parametrize("kind", ["bsd_sum", "md5", "sha256"])
def test_a_publishers_list(case, kind):
    value = bsd(DATA) if kind == "bsd_sum" else hashlib.new(kind, DATA).hexdigest()
    case.publish(value, kind)
    case.run()
    case.arrived()
    pin = json.loads(case.lock.read_text())["files"][case.name]
    assert pin["checked"] == f"{kind} {value}, listed in {case.server.url('CHECKSUMS')}"
    assert [request.path for request in case.server.requests] == ["/CHECKSUMS", "/x.fa.gz"]
    case.server.requests.clear()
    assert "was there" in case.run()
    case.target.unlink()
    before = case.lock.read_bytes()
    case.run()  # the pin is enough
    case.arrived()
    assert case.lock.read_bytes() == before
    assert [request.path for request in case.server.requests] == ["/x.fa.gz"]


def test_a_list_that_comes_in_pieces_and_a_file_that_was_there(case):
    case.publish(bsd(DATA))
    case.into.mkdir()
    case.target.write_bytes(DATA)
    case.server.answers = [Answer(cut=9), Answer(status=500)]
    assert "was there" in case.run()
    case.arrived()
    assert {request.path for request in case.server.requests} == {"/CHECKSUMS"}


def test_a_file_that_was_there_and_is_not_the_listed_one(case):
    case.publish(bsd(DATA))
    case.into.mkdir()
    case.target.write_bytes(OTHER)
    case.run(code=2, match=f"expected bsd_sum {bsd(DATA)} (listed in {case.server.url('CHECKSUMS')}), got {bsd(OTHER)}")
    assert case.target.read_bytes() == OTHER
    assert not case.lock.exists()


def test_lists_that_do_not_help(case):
    case.publish("hello")
    case.run(code=2, match=f"{case.server.url('CHECKSUMS')}: line 2: bsd_sum: expected a number")
    case.server.put("CHECKSUMS", b"<html>please log in</html>")
    case.run(code=2, match="CHECKSUMS: expected a line with the bsd_sum of x.fa.gz, found none")
    del case.server.pages["/CHECKSUMS"]
    case.run(code=2, match="CHECKSUMS: there is no such file on the server")
    assert all(request.path == "/CHECKSUMS" for request in case.server.requests)


def test_a_list_bounds_the_length_before_anything_comes(case):
    case.publish("00001 7")
    match = "x.fa.gz: wrong length: expected 6145 to 7168 bytes (listed in "
    case.run(code=2, match=match)
    assert len(case.server.requests) == 2  # the list and the file, whose body nobody waits for
    assert not case.part.exists()


def test_a_release_that_is_changed_later_is_refused(case):
    case.publish(bsd(DATA))
    case.run()
    case.target.unlink()
    case.server.put(case.name, OTHER)
    case.publish(bsd(OTHER))
    said = case.run(code=2, match=f"wrong checksum: expected sha256 {SHA} (pinned in {case.lock}), got ")
    assert hashlib.sha256(OTHER).hexdigest() in said
    assert not case.target.exists()


def test_a_pinned_file_that_changes_on_disk(case):
    case.publish(bsd(DATA))
    case.run()
    case.target.write_bytes(OTHER)
    case.run(code=2, match=f"expected sha256 {SHA} (pinned in {case.lock})")


def test_a_card_that_comes_to_mean_another_file(case):
    case.run()
    case.describe(sha256=hashlib.sha256(OTHER).hexdigest())
    case.run(code=2, match=f"{case.lock}: x.fa.gz: sha256 is {SHA} here and ")
    case.url = case.server.put("release-114/x.fa.gz", OTHER)
    case.describe(sha256=SHA)
    case.run(code=2, match=f"{case.lock}: x.fa.gz: url is http")
    assert case.target.read_bytes() == DATA


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("{", "cannot be read"),
        ("{}", "expected a lock file of classify/download, version 1"),
        ('{"format": "classify/download", "version": 2, "files": {}}', "expected a lock file of"),
        ('{"format": "classify/download", "version": 1, "files": {"x": {"url": 1}}}', "x: expected url, bytes, sha256"),
        ('{"format": "classify/download", "version": 1, "files": {"x": 3}}', "x: expected url, bytes, sha256"),
        (
            '{"format": "classify/download", "version": 1, "files": {"x": '
            '{"url": "u", "bytes": 1, "sha256": "0", "checked": ""}}}',
            "x: expected a SHA-256 and a length, got '0', 1",
        ),
    ],
)
def test_damaged_locks(case, text, match):
    case.into.mkdir()
    case.lock.write_text(text)
    case.run(code=2, match=f"{case.lock}: {match}")
    assert not case.server.requests


# The machine


def test_no_room(case, monkeypatch):
    usage = shutil.disk_usage(case.place)._replace(free=4999)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    case.run(code=2, match="x.fa.gz.part: no room for 5000 bytes (4999 are free)")
    case.absent()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=5000))
    case.run()
    case.arrived()


def test_a_write_that_fails(case):
    """The limit on file sizes stands in for a full disk: the same call fails in the same way, with another reason."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, before[1]))
    try:
        said = case.run(code=2, match="x.fa.gz.part: cannot be written (File too large)")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "the same command goes on" in said
    assert case.part.read_bytes() == DATA[:3000]
    case.run()
    case.arrived()
    assert case.server.ranges[-1] == "bytes=3000-"


def test_a_full_disk(case):
    case.into.mkdir()
    try:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", case.into], capture_output=True)
    except OSError as error:
        pytest.skip(f"cannot mount a small tmpfs ({error})")
    if done.returncode:
        pytest.skip(f"cannot mount a small tmpfs ({done.stderr.decode().strip()})")
    try:
        big = DATA * 20
        case.server.put(case.name, big)
        case.describe(sha256=hashlib.sha256(big).hexdigest())
        case.server.answers = [Answer(chunked=True)]  # no length, so that nothing warns
        case.run(code=2, match="x.fa.gz.part: cannot be written (No space left on device)")
        subprocess.run(["mount", "-o", "remount,size=1m", case.into], check=True)
        case.run()
        assert case.target.read_bytes() == big
    finally:
        subprocess.run(["umount", case.into], check=True)


def test_a_folder_that_is_none(case):
    case.into.write_text("a file")
    case.run(code=2, match=f"{case.into}: cannot be written (")


def test_one_process_at_a_time(case):
    case.into.mkdir()
    with FileLock(case.into / ".made_up.lock"):
        case.run(code=2, match=f"{case.into}: another process is downloading made_up into this folder")
    case.run()
    case.arrived()


def test_interrupted(case):
    case.server.answers = [Answer(cut=1200, interrupt=True, stall=5)]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin deaf to it
    try:
        said = case.run(code=130)
    finally:
        signal.signal(signal.SIGINT, before)
    assert "stopped; " in said
    assert "bytes of x.fa.gz are kept, and the same command goes on from there" in said
    case.absent()
    case.run()
    case.arrived()


def test_killed(case):
    case.server.put(case.name, big := DATA * 100)
    case.describe(sha256=hashlib.sha256(big).hexdigest())
    case.server.answers = [Answer(cut=300_000, stall=60)]
    process = subprocess.Popen(
        [sys.executable, "-m", "classify", "download", case.card, "--into", case.into, "--progress", "false"],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        while not (case.part.exists() and case.part.stat().st_size >= 1 << 16):
            assert process.poll() is None, "ended before it could be killed"
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    have = case.part.stat().st_size
    assert "resumed" in case.run()
    case.arrived(big)
    assert case.server.ranges == [None, f"bytes={have}-"]


# The command


def test_progress_goes_to_stderr(case):
    case.server.answers = [Answer(cut=1200)]
    code = main(["download", str(case.card), "--into", str(case.into), "--backoff", "0"])
    said = case.capsys.readouterr()
    assert code == 0
    assert "broke off at 1200 of 5000 bytes (the connection was closed); again in 0 s" in said.err
    assert "resumed" in said.out
    assert "licence: x\ncite: x\n" in said.out


def test_where_it_goes_by_default(case, monkeypatch):
    monkeypatch.setenv("SPECGEN_DATA", str(case.place / "all"))
    assert main(["download", str(case.card), "--progress", "false"]) == 0
    assert (case.place / "all" / "made_up" / "x.fa.gz").read_bytes() == DATA


@pytest.mark.parametrize(
    ("more", "match"),
    [
        (
            ["--retries", "-1"],
            "retries, backoff, timeout: expected at least 0, at least 0, and above 0 up to a day, got -1",
        ),
        (["--timeout", "0"], "got 2, 0.0 and 0.0"),
        (["--backoff", ".nan"], "got 2, nan and 5.0"),
        (["--timeout", ".inf"], "got 2, 0.0 and inf"),
        (["--intoo", "x"], "intoo"),
    ],
)
def test_options(case, more, match):
    case.run(*more, code=2, match=match)
    assert not case.server.requests


def test_bad_cards(case):
    case.card.write_text(case.card.read_text().replace("x.fa.gz", "../x.fa.gz"))
    case.run(code=2, match="made_up.yaml: files[0].name: expected the plain name of a file")
    case.card = "ensembl_humen"
    case.run(code=2, match="unknown card 'ensembl_humen'; did you mean 'ensembl_human'")
    assert not case.into.exists()
