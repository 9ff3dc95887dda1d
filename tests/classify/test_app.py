"""The local page: the same answers as the command line, and what it refuses."""

import base64
import gzip
import html
import http.client
import io
import json
import os
import re
import signal
import socket
import sys
import threading
import time

import numpy as np
import pytest
from conftest import LABELS
from PIL import Image
from toy import fasta, one_line, predicted, rows_of

from classify.__main__ import main
from classify.app.answers import Desk, Stopped, lettered
from classify.app.inputs import MOST_BYTES, MOST_LETTERS, MOST_RECORDS, parse_number, read_input
from classify.app.server import is_local, make_app, trusted_hosts
from classify.interpretation.settings import AttributionSettings
from classify.tiling import TilingSettings
from specgen.errors import InputError
from specgen.sequences import decode, encode

RECORDS = [("first", "ACGTTGCA" * 100), ("short", "ACGT" * 9), ("second", "GGCATTA" * 250)]
FEW = AttributionSettings(steps=4, limit=4)


@pytest.fixture(scope="module")
def desk(base):
    return Desk(base, attribution=FEW)


@pytest.fixture(scope="module")
def several(labelled):
    return Desk(labelled, attribution=FEW)


@pytest.fixture
def client(desk, unrendered):
    return make_app(desk, trusted_hosts("127.0.0.1")).test_client()


def upload(text, name="in.fa"):
    return {"file": (io.BytesIO(text if isinstance(text, bytes) else text.encode()), name)}


def note(response):
    """The one line that a page of a refused request shows."""
    [line] = re.findall(r'<p class="note" role="alert">(.*?)</p>', response.text)
    assert "Traceback" not in response.text
    return html.unescape(line)


def pictures(response):
    found = re.findall(r'<img src="([^"]*)"', response.text)
    assert all(uri.startswith("data:image/png;base64,") for uri in found)
    return [Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) for uri in found]


class TestAnswers:
    def test_verdicts_are_those_of_predict(self, desk, base, tmp_path, unrendered):
        (tmp_path / "in.fa").write_text(fasta(RECORDS))
        assert predicted(base, tmp_path / "in.fa", tmp_path / "out.csv") == 0
        rows = desk.answer(read_input(fasta(RECORDS)))["rows"]
        for row, told in zip(rows, rows_of(tmp_path / "out.csv"), strict=True):
            assert [row["name"], str(row["length"]), str(row["tiles"])] == [told["id"], told["length"], told["tiles"]]
            assert (row["verdict"] or "") == told["predicted"]
            chances = row["probabilities"] or ["", ""]
            assert [f"{p:.9g}" if p else "" for p in chances] == [told["p_LNSD"], told["p_CDN"]]
        assert rows[1]["verdict"] is None

    def test_options_of_tiles_are_those_of_predict(self, base, tmp_path, unrendered):
        (tmp_path / "in.fa").write_text(fasta(RECORDS))
        options = ["--pool", "max", "--stride", "300", "--short", "pad", "--progress", "false"]
        files = ["--run", str(base), "--input", str(tmp_path / "in.fa"), "--out", str(tmp_path / "out.csv")]
        assert main(["predict", *files, *options]) == 0
        rows = Desk(base, TilingSettings("max", 300, "pad"), FEW).answer(read_input(fasta(RECORDS)))["rows"]
        told = rows_of(tmp_path / "out.csv")
        assert [f"{row['probabilities'][1]:.9g}" for row in rows] == [row["p_CDN"] for row in told]
        assert [str(row["padded"]) for row in rows] == [row["padded"] for row in told]

    def test_attributions_are_those_of_explain(self, desk, base, tmp_path, unrendered):
        (tmp_path / "in.fa").write_text(fasta(RECORDS[2:]))
        options = ["--attribution.steps", "4", "--attribution.limit", "4", "--progress", "false"]
        where = ["--run", str(base), "--input", str(tmp_path / "in.fa"), "--out", str(tmp_path / "out")]
        assert main(["explain", *where, *options]) == 0
        found = desk.answer(read_input(fasta(RECORDS)), 3)["drawn"]["explained"]
        told = json.loads((tmp_path / "out" / "0001.json").read_text())
        assert found["probabilities"] == told["probabilities"]
        assert found["ig"] == told["ig"]
        values = {int(row["position"]) + 1: row for row in rows_of(tmp_path / "out" / "0001.csv")}
        for strong in found["strongest"]:
            assert f"{strong['value']:.6g}" == values[strong["place"]]["attribution"]
            assert strong["letter"] == values[strong["place"]]["letter"]
        largest = max(abs(float(row["attribution"])) for row in values.values())
        assert abs(found["strongest"][0]["value"]) == pytest.approx(largest, rel=1e-5)
        assert "".join(text for line in found["lines"] for _, text in line["parts"]) in RECORDS[2][1]

    def test_the_page_shows_verdict_pictures_and_letters(self, desk):
        response = make_app(desk, ["localhost"]).test_client().post("/", data=upload(fasta(RECORDS)))
        assert response.status_code == 200
        row = desk.answer(read_input(fasta(RECORDS)))["rows"][0]
        for name, chance in zip(("LNSD", "CDN"), row["probabilities"], strict=True):
            assert f"<b>{chance:.4f}</b>p(<span>{name}</span>)" in response.text
        signal_, window = pictures(response)
        assert min(signal_.size) > 500
        assert window.width > 800
        assert 'class="letters"' in response.text
        assert 'class="up4"' in response.text or 'class="down4"' in response.text
        assert "too short" in response.text

    def test_letters_alone_are_a_record(self, client):
        response = client.post("/", data={"text": "\r\nacgtugca\r\n" * 100})
        assert response.status_code == 200
        assert "pasted, 1" not in response.text
        assert "800 nt" in response.text
        assert len(pictures(response)) == 2

    def test_another_class_turns_the_sign(self, desk, unrendered):
        records = read_input(fasta(RECORDS[:1]))
        usual, other = (desk.answer(records, 0, name)["drawn"]["explained"] for name in ("", "LNSD"))
        assert (usual["target"], other["target"]) == ("CDN", "LNSD")
        values = [{one["place"]: one["value"] for one in found["strongest"]} for found in (usual, other)]
        place = usual["strongest"][0]["place"]
        assert values[1][place] == pytest.approx(-values[0][place], rel=1e-3)

    def test_a_short_record_says_why_nothing_is_drawn(self, client):
        response = client.post("/", data=upload(fasta(RECORDS)) | {"record": "2"})
        assert response.status_code == 200
        assert "36 nt are fewer than the 618 nt of a window" in response.text
        assert not pictures(response)

    def test_several_labels(self, several, labelled, unrendered):
        page = make_app(several, ["localhost"]).test_client()
        window = several.loaded.task.window
        response = page.post("/", data={"text": ("ACGTA" * window)[:window]})
        assert response.status_code == 200
        thresholds = json.loads((labelled / "decided.json").read_text())["thresholds"]
        found = several.answer(read_input(("ACGTA" * window)[:window]))
        row = found["rows"][0]
        assert {name: row["probabilities"][i] >= thresholds[name] for i, name in enumerate(LABELS)} == {
            name: name in row["above"] for name in LABELS
        }
        assert [one["probability"] for one in found["drawn"]["ranked"]] == sorted(row["probabilities"], reverse=True)
        assert found["drawn"]["explained"]["target"] == row["verdict"]
        assert "<b>heat" not in response.text
        assert html.escape(LABELS[2]) in response.text
        assert len(pictures(response)) == 2  # a network of letters has no picture, but the settings of one
        asked = page.post("/", data={"text": ("ACGTA" * window)[:window], "target": LABELS[0]})
        assert f"for <span>{LABELS[0]}</span>: p =" in asked.text

    def test_what_cannot_be_explained_has_its_verdict(self, base, monkeypatch, unrendered):
        def refuse(*_):
            raise InputError("Grad-CAM: the model has no layer whose maps are larger than one place")

        monkeypatch.setattr("classify.interpretation.explainer.choose_layer", refuse)
        desk = Desk(base)
        assert desk.unexplained.startswith("Grad-CAM")
        response = make_app(desk, ["localhost"]).test_client().post("/", data={"text": RECORDS[0][1]})
        assert response.status_code == 200
        assert len(pictures(response)) == 1
        assert "not explained: Grad-CAM" in response.text

    def test_stopping_ends_a_computation(self, base):
        desk = Desk(base, attribution=FEW)
        desk.stop()
        with pytest.raises(Stopped):
            desk.loaded.module.model(None)
        response = make_app(desk, ["localhost"]).test_client().post("/", data={"text": RECORDS[0][1]})
        assert (response.status_code, note(response)) == (503, "stopped")


def test_lettered():
    values = np.array([4.0, 4.0, 0.1, -2.0, 0, -4.0] * 11)
    lines = lettered(encode("ACGTRN" * 11), values, 100)
    assert [line["place"] for line in lines] == [101, 161]
    assert lines[1]["parts"] == [("up4", "AC"), ("", "G"), ("down2", "T"), ("", "R"), ("down4", "N")]
    assert lettered(encode("AC"), np.zeros(2), 0) == [{"place": 1, "parts": [("", "AC")]}]


class TestInputs:
    def test_a_fault_is_told_as_by_the_command_line(self, client, base, tmp_path, capsys):
        text = fasta([("good", "ACGT" * 200), ("bad", "ACGT" * 200 + "X")])
        (tmp_path / "in.fa").write_text(text)
        assert predicted(base, tmp_path / "in.fa", tmp_path / "out.csv") == 2
        said = one_line(capsys, "letter 'X' at position 801")
        response = client.post("/", data=upload(text))
        assert response.status_code == 400
        assert note(response) == said.replace(f"classify: {tmp_path / 'in.fa'}", "file 'in.fa'")
        pasted = client.post("/", data={"text": text})
        assert note(pasted) == said.replace(f"classify: {tmp_path / 'in.fa'}", "pasted text")
        assert "&gt;good" in pasted.text  # what was pasted is still there

    def test_hostile_names_are_text(self, client):
        name = "<script>alert(1)</script>$x_{"
        response = client.post("/", data=upload(f'>{name}"&\x00\x1b[2J\n{"ACGT" * 200}\n', "<img src=x onerror=1>.fa"))
        assert response.status_code == 200
        assert "<script>alert" not in response.text
        assert html.escape(name) in response.text
        assert len(pictures(response)) == 2
        refused = client.post("/", data=upload(b"%PDF", "<img src=x onerror=1>.fa"))
        assert refused.status_code == 400
        assert "<img" not in refused.text
        assert "starts with b'%'" in note(refused)
        escaping = client.post("/", data={"text": "</textarea><script>alert(1)</script>"})
        assert escaping.status_code == 400
        assert escaping.text.count("</textarea>") == 1
        assert "<script>alert" not in escaping.text
        chosen = client.post("/", data={"text": "ACGT" * 200, "target": "<script>alert(1)"})
        assert chosen.status_code == 400
        assert "<script>alert" not in chosen.text

    @pytest.mark.parametrize(
        ("data", "match"),
        [
            ({}, "expected letters or a file, got nothing"),
            ({"text": " \r\n"}, "expected letters or a file, got nothing"),
            ({"text": "ACGT" * 200, "record": "2"}, "record: expected a number from 1 to 1, got '2'"),
            ({"text": "ACGT" * 200, "record": "¹"}, "record: expected a number"),
            ({"text": "ACGT" * 200, "target": "CDS"}, "class: expected one of those of the run, got 'CDS'"),
            ({"text": "ATG\x00"}, "letter '\\x00' at position 4"),
            ({"text": "MKVLAAGIVGLCAKW"}, "(a protein sequence?)"),
        ],
    )
    def test_refused_in_one_line(self, client, data, match):
        response = client.post("/", data=data)
        assert response.status_code == 400
        assert match in note(response)

    @pytest.mark.parametrize("file", [b"", b"\x1f\x8b\x08\x00damaged", b">a\n\xff\xfe", b"@q\nACGT\n+\nII\n"])
    def test_files_that_are_none(self, client, file):
        response = client.post("/", data=upload(file))
        assert response.status_code == 400
        assert note(response).startswith("file 'in.fa': ")

    def test_a_file_goes_before_pasted_letters_and_may_be_gzipped(self, client):
        packed = gzip.compress(fasta([("packed", "ACGT" * 200)]).encode())
        response = client.post("/", data=upload(packed, "in.fa.gz") | {"text": "no letters"})
        assert response.status_code == 200
        assert '<h2 id="verdict"><span>packed</span></h2>' in response.text

    def test_letters_as_genbank_and_embl_show_them(self):
        blocks = (
            "        1 acgtacgtac gtacgtacgt\n       21 nnacgt\n//\n",
            "     acgtacgtac gtacgtacgt        20\n\tnnacgt 26\n//",
        )
        for text in blocks:
            (record,) = read_input(text)
            assert (record.name, decode(record.codes)) == ("pasted", "ACGT" * 5 + "NNACGT")
        with pytest.raises(InputError, match=r"letter '/'"):
            read_input("acgt // acgt")

    def test_bounds(self):
        many = fasta([(f"r{i}", "A") for i in range(MOST_RECORDS)])
        assert len(read_input(many)) == MOST_RECORDS
        assert len(read_input("A" * MOST_LETTERS)[0].codes) == MOST_LETTERS
        for text in (many + ">one more\nA\n", "A" * (MOST_LETTERS + 1)):
            with pytest.raises(InputError, match=r"^pasted text: expected at most 50 records and 1,000,000 letters; "):
                read_input(text)
        with pytest.raises(InputError, match=r"^file 'x': becomes more than 5,000,000 bytes when decompressed$"):
            read_input("", gzip.compress(b">a\n" + b"A" * MOST_BYTES), "x")
        assert len(read_input(f">{'n' * 10**6}\nA\n")[0].name) == 200
        assert [parse_number(text, 3) for text in ("", " 3 ")] == [0, 3]

    def test_too_large(self, client):
        response = client.post("/", data=upload(b"A" * MOST_BYTES))
        assert response.status_code == 413
        assert note(response).startswith("expected at most 5,000,000 bytes")
        assert client.post("/", data={"text": "A" * MOST_BYTES}).status_code == 413


class TestRequests:
    def test_the_page_asks_nothing_of_others(self, client):
        for path, kind in (
            ("/", "text/html"),
            ("/app.css", "text/css"),
            ("/app.js", "text/javascript"),
            ("/page.js", "text/javascript"),
        ):
            response = client.get(path)
            assert response.status_code == 200
            assert response.mimetype == kind
            assert "http:" not in response.text
            assert "https:" not in response.text
            assert "Set-Cookie" not in response.headers
            policy = dict(part.split(maxsplit=1) for part in response.headers["Content-Security-Policy"].split("; "))
            assert policy["default-src"] == "'none'"
            assert policy["script-src"] == "'self'"
            assert policy["style-src"] == "'self'"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
        page = client.get("/").text
        assert re.findall(r"<script[^>]*>(.*?)</script>", page) == ["", ""]
        assert not re.search(r" on\w+=", page)

    def test_tables_are_sorted_by_the_script_of_reports(self, client, base):
        script = client.get("/page.js").text
        assert "table.sortable" in script
        assert f"<script>{script}</script>" in (base / "report.html").read_text()
        response = client.post("/", data=upload(fasta(RECORDS)))
        assert response.text.count('<table class="sortable">') == response.text.count("<table") == 2

    def test_every_control_has_a_label(self, client):
        page = client.get("/").text
        controls = set(re.findall(r'<(?:textarea|input|select) id="(\w+)"', page))
        assert controls == set(re.findall(r'<label for="(\w+)"', page)) == {"text", "file", "record", "target"}

    @pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.2:8765", "localhost@evil", ""])
    def test_another_host_is_refused(self, client, host):
        for send in (client.get, client.post):
            response = send("/", headers={"Host": host})
            assert response.status_code == 400
            assert "host" in note(response).lower()

    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://localhost:9999"},
            {"Origin": "https://localhost"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"},
        ],
    )
    def test_other_origins_are_refused(self, client, monkeypatch, headers):
        monkeypatch.setattr(Desk, "answer", lambda *_: pytest.fail("answered"))
        for send in (client.get, client.post):
            response = send("/", headers=headers)
            assert response.status_code == 403
            assert note(response) == "expected a request from this page, got one from another origin"

    def test_its_own_form_is_answered(self, client):
        headers = {"Host": "127.0.0.1:8765", "Origin": "http://127.0.0.1:8765", "Sec-Fetch-Site": "same-origin"}
        assert client.post("/", data={"text": "ACGT" * 10}, headers=headers).status_code == 200
        assert client.get("/", headers={"Sec-Fetch-Site": "none"}).status_code == 200

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
    def test_other_methods(self, client, method):
        response = client.open("/", method=method)
        assert response.status_code == 405
        assert {"GET", "POST"} <= set(response.headers["Allow"].split(", "))
        assert note(response) == f"expected GET or POST, got {method}"

    def test_other_pages(self, client):
        response = client.get("/../etc/<b>")
        assert response.status_code == 404
        assert note(response).endswith("no such page")
        assert "<b>" not in response.text

    def test_a_fault_of_ours_shows_no_traceback(self, client, monkeypatch):
        def fail(*_):
            raise RuntimeError("secret")

        monkeypatch.setattr(Desk, "answer", fail)
        response = client.post("/", data={"text": "ACGT"})
        assert response.status_code == 500
        assert note(response) == "an error of this program; the terminal tells which"
        assert "secret" not in response.text
        monkeypatch.undo()
        assert client.post("/", data={"text": "ACGT"}).status_code == 200  # the turn was given back

    def test_one_at_a_time(self, desk, monkeypatch):
        real, inside, most = Desk.answer, [], []

        def slow(*arguments):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.05)
            inside.pop()
            return real(*arguments)

        monkeypatch.setattr(Desk, "answer", slow)
        codes = []

        def ask():
            page = make_app(desk, ["localhost"]).test_client()  # the turn is the run's, whatever serves it
            codes.append(page.post("/", data={"text": "ACGT"}).status_code)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert codes == [200] * 4
        assert most == [1] * 4

    def test_who_waits_too_long_hears_so(self, desk):
        page = make_app(desk, ["localhost"], patience=0.01).test_client()
        with desk.turn:
            response = page.post("/", data={"text": "ACGT"})
            assert response.status_code == 503
            assert response.headers["Retry-After"]
            assert note(response).startswith("busy with another request")
            assert page.get("/").status_code == 200
        assert page.post("/", data={"text": "ACGT"}).status_code == 200


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


class TestCommand:
    @pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    def test_serves_until_it_is_stopped(self, base, capsys, number, code):
        port, answers = free_port(), []
        # Where tests run in the background of a shell, SIGINT is ignored from the start.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)

        def ask():
            try:
                for _ in range(200):
                    try:
                        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                        connection.request(
                            "POST", "/", "text=ACGTN", {"Content-Type": "application/x-www-form-urlencoded"}
                        )
                        break
                    except ConnectionRefusedError:
                        time.sleep(0.1)
                answers.append(connection.getresponse())
                answers.append(answers[0].read().decode())
            finally:
                os.kill(os.getpid(), number)

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            assert main(["app", "--run", str(base), "--port", str(port)]) == code
        finally:
            signal.signal(signal.SIGINT, before)
        asking.join()
        assert answers[0].status == 200
        assert "pasted" in answers[1]
        captured = capsys.readouterr()
        assert captured.out == f"http://127.0.0.1:{port}/ (Ctrl-C ends)\n"
        assert captured.err.strip() == "classify: stopped"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)

    def test_other_machines_are_warned_of(self, base, capsys, monkeypatch):
        served = []
        monkeypatch.setattr("classify.app.server.serve", lambda desk, host, port: served.append((host, port)))
        assert main(["app", "--run", str(base), "--host", "0.0.0.0"]) == 0
        assert served == [("0.0.0.0", 8765)]
        one_line(capsys, "0.0.0.0: other machines may reach this page, which asks for no password")
        assert main(["app", "--run", str(base)]) == 0
        assert capsys.readouterr().err == ""

    def test_a_run_that_cannot_be_explained_is_told_at_the_start(self, base, capsys, monkeypatch):
        monkeypatch.setattr("classify.app.server.serve", lambda *_: None)
        monkeypatch.setattr(Desk, "_explainer", lambda *_: (_ for _ in ()).throw(InputError("no such way")))
        assert main(["app", "--run", str(base)]) == 0
        one_line(capsys, "verdicts of this run are not explained: no such way")

    @pytest.mark.parametrize("library", ["flask", "waitress"])
    def test_the_missing_extra_is_named(self, base, capsys, monkeypatch, library):
        monkeypatch.setitem(sys.modules, library, None)
        assert main(["app", "--run", str(base)]) == 2
        one_line(capsys, f"{library} is not installed; the extra 'app' brings it: pip install -e '.[app]'")

    @pytest.mark.parametrize(
        ("options", "match"),
        [
            (["--port", "0"], "--port: expected a number from 1 to 65535, got 0"),
            (["--pool", "best"], "unknown pool 'best'"),
            (["--attribution.target", "CDS"], "unknown attribution.target 'CDS'"),
        ],
    )
    def test_bad_options(self, base, capsys, options, match):
        assert main(["app", "--run", str(base), *options]) == 2
        one_line(capsys, match)

    def test_no_run_and_a_port_that_is_taken(self, base, tmp_path, capsys):
        assert main(["app", "--run", str(tmp_path)]) == 2
        one_line(capsys, "is no run folder")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            assert main(["app", "--run", str(base), "--port", str(port)]) == 2
        one_line(capsys, f"127.0.0.1:{port}: cannot be listened on (Address already in use)")

    def test_a_way_of_pooling_for_two_classes(self, labelled, capsys):
        assert main(["app", "--run", str(labelled), "--pool", "max"]) == 2
        one_line(capsys, "needs two classes")


def test_addresses():
    assert [is_local(host) for host in ("127.0.0.1", "localhost", "127.9.9.9", "0.0.0.0", "10.0.0.1", "name")] == [
        True, True, True, False, False, False
    ]  # fmt: skip
    assert trusted_hosts("127.0.0.1") == ["127.0.0.1", "localhost"]
    assert "lab.example" in trusted_hosts("LAB.example")
    assert {"127.0.0.1", "localhost", socket.gethostname().lower()} <= set(trusted_hosts("0.0.0.0"))
