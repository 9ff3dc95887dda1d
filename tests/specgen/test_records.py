"""Reading files: what is accepted, and the one line that each kind of bad file ends in."""

from __future__ import annotations

import bz2
import gzip
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specgen.errors import InputError
from specgen.records import Record, read_records
from specgen.sequences import decode

FASTA = b">a first one\nACGTN\nRYswk\n>b\nuuu\n"
FASTQ = b"@a first one\nACGTNRYswk\n+\nIIIIIIIIII\n@b\nuuu\n+b\n@>I\n"
EXPECTED = [("a", "a first one", "ACGTNRYSWK"), ("b", "b", "TTT")]

Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Writes bytes to a file and returns its path."""

    def write(content: bytes, name: str = "input.fa") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def plain(records: list[Record]) -> list[tuple[str, str, str]]:
    return [(record.name, record.header, decode(record.codes)) for record in records]


def many(count: int) -> bytes:
    """FASTA that does not compress away, so that its gzip file has a middle to damage."""
    letters = np.random.default_rng(0).choice(list(b"ACGT"), size=(count, 200)).astype(np.uint8)
    return b"".join(b">r%d\n%s\n" % (index, row.tobytes()) for index, row in enumerate(letters))


class TestFormats:
    @pytest.mark.parametrize("text", [FASTA, FASTQ], ids=["fasta", "fastq"])
    @pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress], ids=["plain", "gzip", "bz2"])
    def test_content_decides_not_the_name(self, save: Save, text: bytes, pack: Callable[[bytes], bytes]) -> None:
        assert plain(list(read_records(save(pack(text), "input.dat")))) == EXPECTED

    @pytest.mark.parametrize("name", ["input.fa.gz", "input.fa.bz2"])
    def test_uncompressed_under_a_compressed_name(self, save: Save, name: str) -> None:
        assert plain(list(read_records(save(FASTA, name)))) == EXPECTED

    def test_bgzip(self, save: Save) -> None:
        pysam = pytest.importorskip("pysam")
        text = many(1000)  # more than one 64 kB block
        target = save(b"", "input.fa.bgz")
        pysam.tabix_compress(str(save(text)), str(target), force=True)
        assert target.read_bytes()[12:14] == b"BC"  # really blocked gzip
        assert plain(list(read_records(target))) == plain(list(read_records(save(text))))

    def test_gzip_of_several_members(self, save: Save) -> None:
        packed = gzip.compress(FASTA[:12]) + gzip.compress(FASTA[12:])
        assert plain(list(read_records(save(packed, "input.fa.gz")))) == EXPECTED

    @pytest.mark.parametrize("text", [FASTA, FASTQ], ids=["fasta", "fastq"])
    def test_crlf(self, save: Save, text: bytes) -> None:
        assert plain(list(read_records(save(text.replace(b"\n", b"\r\n"))))) == EXPECTED

    @pytest.mark.parametrize("text", [FASTA, FASTQ], ids=["fasta", "fastq"])
    def test_no_newline_at_the_end(self, save: Save, text: bytes) -> None:
        assert plain(list(read_records(save(text[:-1])))) == EXPECTED

    def test_blank_lines(self, save: Save) -> None:
        text = b"\n\n" + FASTA.replace(b"\n", b"\n\n") + b"\n"
        assert plain(list(read_records(save(text)))) == EXPECTED

    def test_path_as_text(self, save: Save) -> None:
        assert plain(list(read_records(str(save(FASTA))))) == EXPECTED

    @pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
    def test_standard_input(self, pack: Callable[[bytes], bytes]) -> None:
        script = (
            "from specgen.records import read_records\n"
            "from specgen.sequences import decode\n"
            "for record in read_records('-'): print(record.name, decode(record.codes))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], input=pack(FASTA), capture_output=True, timeout=60, check=True
        )
        assert done.stdout.decode().split() == ["a", "ACGTNRYSWK", "b", "TTT"]

    def test_errors_name_standard_input(self) -> None:
        script = (
            "from specgen.errors import InputError\n"
            "from specgen.records import read_records\n"
            "try: list(read_records('-'))\n"
            "except InputError as error: print(error)\n"
        )
        done = subprocess.run([sys.executable, "-c", script], input=b"", capture_output=True, timeout=60, check=True)
        assert done.stdout.startswith(b"standard input: holds no records")


class TestNames:
    @pytest.mark.parametrize("name", ["gène", "遺伝子", "ген|β-1"])
    def test_not_ascii(self, save: Save, name: str) -> None:
        (record,) = read_records(save(f">{name} rest é\nAC\n".encode()))
        assert (record.name, record.header) == (name, f"{name} rest é")

    @pytest.mark.parametrize("text", [b">%s\nAC\n", b"@%s\nAC\n+\nII\n"], ids=["fasta", "fastq"])
    def test_300_characters_are_kept(self, save: Save, text: bytes) -> None:
        (record,) = read_records(save(text % (b"n" * 300)))
        assert record.name == "n" * 300

    def test_long_names_are_cut_in_messages_only(self, save: Save) -> None:
        with pytest.raises(InputError, match=r"record 'n{77}\.\.\.': letter") as caught:
            list(read_records(save(b">" + b"n" * 300 + b"\nAC!\n")))
        assert len(str(caught.value).splitlines()) == 1

    def test_nameless_records_are_numbered(self, save: Save) -> None:
        records = list(read_records(save(b">\nAC\n>named\nAC\n>   \nAC\n")))
        assert [record.name for record in records] == ["record_1", "named", "record_3"]

    def test_words_end_at_any_blank(self, save: Save) -> None:
        (record,) = read_records(save(b">a\tb c\nAC\n"))
        assert record.name == "a"

    def test_an_empty_record_is_a_record(self, save: Save) -> None:
        records = list(read_records(save(b">a\n>b\nAC\n>c\n")))
        assert [(record.name, len(record.codes)) for record in records] == [("a", 0), ("b", 2), ("c", 0)]

    def test_duplicates(self, save: Save) -> None:
        path = save(b">x 1\nA\n>y\nA\n>x 2\nC\n")
        with pytest.raises(InputError, match=r"input\.fa: record 3 repeats the name 'x'"):
            list(read_records(path))
        assert [record.name for record in read_records(path, unique=False)] == ["x", "y", "x"]


BAD = {
    "empty": (b"", "holds no records"),
    "blank": (b"\n\n", "holds no records"),
    "empty gzip": (gzip.compress(b""), "holds no records"),
    "binary": (bytes(range(128, 256)), r"starts with b'\\x80'; expected FASTA"),
    "binary inside": (b">a\nAC\n\xff\xfe\x00", "not text"),
    "zero byte": (b">a\nAC\x00\n", r"record 'a': letter '\\x00' at position 3"),
    "prose": (b"hello\n", r"starts with b'h'; expected FASTA \('>name'\) or FASTQ \('@name'\)"),
    "protein": (b">a\nACGT\n>p\nACD\nEFGH\n", r"record 'p': letter 'E' at position 4 .*a protein sequence\?"),
    "gap": (b">a\nAC-GT\n", r"record 'a': letter '-' at position 3 .*remove gaps"),
    "letter beyond latin": (">a\nAC\u2013\n".encode(), "record 'a': letter .* at position 3"),
    "fastq, bad letter": (b"@a\nAC!\n+\nIII\n", "record 'a': letter '!' at position 3"),
    "fastq, cut after the sequence": (b"@a\nACGT\n", "FASTQ.*line 3: Premature end"),
    "fastq, cut in the qualities": (b"@a\nACGT\n+\nII", "FASTQ.*line 4: Length of sequence and qualities"),
    "fastq, no plus": (b"@a\nACGT\nIIII\nIIII\n", r"FASTQ.*line 3: .*'\+'"),
    "fasta inside fastq": (FASTQ + b">c\nACGT\n+\nIIII\n", "FASTQ.*line 9"),
}


class TestBadFiles:
    @pytest.mark.parametrize("kind", BAD)
    def test_one_line_naming_the_file(self, save: Save, kind: str) -> None:
        content, message = BAD[kind]
        with pytest.raises(InputError, match=message) as caught:
            list(read_records(save(content)))
        assert re.match(r".*input\.fa: ", str(caught.value))
        assert len(str(caught.value).splitlines()) == 1

    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"none\.fa: no such file"):
            list(read_records(tmp_path / "none.fa"))

    def test_folder(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="is a folder, expected a FASTA or FASTQ file"):
            list(read_records(tmp_path))

    def test_path_through_a_file(self, save: Save) -> None:
        with pytest.raises(InputError, match="cannot be read"):
            list(read_records(save(FASTA) / "below"))

    def test_truncated_gzip(self, save: Save) -> None:
        whole = gzip.compress(many(3000))
        before: list[Record] = []
        with pytest.raises(InputError, match=r"truncated or damaged after record \d+") as caught:
            before.extend(read_records(save(whole[: len(whole) // 2])))
        # What came before the cut is handed out, and the message says how much that was.
        assert 0 < len(before) < 3000
        assert f"after record {len(before)} " in str(caught.value)

    @pytest.mark.parametrize("size", [2, 5, 12])
    def test_gzip_cut_in_its_header(self, save: Save, size: int) -> None:
        with pytest.raises(InputError, match="truncated or damaged after record 0"):
            list(read_records(save(gzip.compress(FASTA)[:size])))

    def test_wrong_checksum(self, save: Save) -> None:
        packed = bytearray(gzip.compress(FASTA))
        packed[-6] ^= 1
        with pytest.raises(InputError, match="CRC check failed"):
            list(read_records(save(bytes(packed))))

    def test_damaged_gzip(self, save: Save) -> None:
        packed = bytearray(gzip.compress(many(3000)))
        for place in (30, 1000, len(packed) // 2):
            packed[place] ^= 0xFF
        with pytest.raises(InputError, match="truncated or damaged"):
            list(read_records(save(bytes(packed))))

    @given(content=st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: b">a\n" + tail))
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
    def test_any_bytes_give_records_or_an_input_error(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "any"
        path.write_bytes(content)
        try:
            records = list(read_records(path))
        except InputError as error:
            assert str(path) in str(error)  # noqa: PT017
        else:
            assert records


class TestStreaming:
    def test_a_record_comes_before_the_next_one_is_looked_at(self, save: Save) -> None:
        records = read_records(save(b">good\nACGT\n>bad\nMKVLE\n>good\nACGT\n"))
        assert next(records).name == "good"
        with pytest.raises(InputError, match="record 'bad'"):
            next(records)

    def test_nothing_is_opened_before_the_first_record_is_asked_for(self, tmp_path: Path) -> None:
        records = read_records(tmp_path / "later.fa")
        (tmp_path / "later.fa").write_bytes(FASTA)
        assert plain(list(records)) == EXPECTED

    def test_a_source_without_end(self) -> None:
        # The child reads a pipe that stays open: only a streaming reader ever prints.
        script = "from specgen.records import read_records\nprint(next(read_records('-')).name, flush=True)\n"
        pipe = subprocess.PIPE
        with subprocess.Popen([sys.executable, "-c", script], stdin=pipe, stdout=pipe) as child:
            # A reader that waits for the end would wait for ever: end it, and fail on the missing line.
            watchdog = threading.Timer(30, child.kill)
            watchdog.start()
            assert child.stdin is not None
            assert child.stdout is not None
            try:
                child.stdin.write(many(20_000))
                child.stdin.flush()
            except BrokenPipeError:
                pass  # it had its record and left
            line = child.stdout.readline()
            watchdog.cancel()
        assert line == b"r0\n"

    @given(
        st.lists(
            st.tuples(
                st.text(alphabet="abcXYZ019_|.", min_size=1, max_size=20), st.text(alphabet="ACGTN", max_size=90)
            ),
            min_size=1,
            max_size=8,
            unique_by=lambda item: item[0],
        ),
        st.integers(1, 70),
        st.booleans(),
    )
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
    def test_written_is_read(self, tmp_path: Path, items: list[tuple[str, str]], width: int, packed: bool) -> None:
        lines = []
        for name, letters in items:
            lines.append(f">{name}")
            lines += [letters[start : start + width] for start in range(0, len(letters), width)]
        content = ("\n".join(lines) + "\n").encode()
        path = tmp_path / "written"
        path.write_bytes(gzip.compress(content) if packed else content)
        assert [(record.name, decode(record.codes)) for record in read_records(path)] == items


class TestMemory:
    @pytest.mark.parametrize("text", [FASTA, FASTQ], ids=["fasta", "fastq"])
    @pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress], ids=["plain", "gzip", "bz2"])
    def test_what_a_file_holds_is_read_as_the_file(self, text: bytes, pack: Callable[[bytes], bytes]) -> None:
        assert plain(list(read_records(pack(text)))) == EXPECTED

    @pytest.mark.parametrize(("label", "told"), [("", "input"), ("pasted", "pasted")])
    def test_messages_call_it_by_its_label(self, label: str, told: str) -> None:
        for content in (b"", b"%PDF", b">a\nACGX\n", b">a\n\xff\xfe\n", gzip.compress(many(2000))[:-100]):
            with pytest.raises(InputError, match=f"^{told}: "):
                list(read_records(content, label=label))

    def test_what_compressed_data_may_become(self) -> None:
        content = gzip.compress(FASTA)
        assert plain(list(read_records(content, most=len(FASTA)))) == EXPECTED
        with pytest.raises(InputError, match=rf"^it: becomes more than {len(FASTA) - 1} bytes when decompressed$"):
            list(read_records(content, label="it", most=len(FASTA) - 1))


class TestBombs:
    """What is small and becomes large."""

    @pytest.mark.parametrize("piece", [b"A" * 50 + b"\n", b"\n", b"A"])
    def test_far_more_than_its_size(self, tmp_path: Path, piece: bytes) -> None:
        path = tmp_path / "x.fa.gz"
        path.write_bytes(gzip.compress(b">a\nACGT\n") + gzip.compress(piece * ((1 << 22) // len(piece)), 9) * 100)
        with pytest.raises(InputError, match=r"x.fa.gz: .* compressed bytes become more than 200 times as many"):
            list(read_records(path))

    def test_long_runs_of_one_letter_are_sequence(self, tmp_path: Path) -> None:
        """Assemblies have megabases of N."""
        path = tmp_path / "x.fa.gz"
        letters = np.random.default_rng(0).choice(np.frombuffer(b"ACGT", np.uint8), 400_000).tobytes()
        path.write_bytes(gzip.compress(b">a\n" + letters + b"N" * 20_000_000 + letters))
        assert [len(record.codes) for record in read_records(path)] == [20_800_000]


def test_a_contig_that_begins_with_millions_of_n(tmp_path):
    """Human chr15 has 17 million, which gzip has in a thousandth: read so far, the file looks like a bomb."""
    lines = ("N" * 60 + "\n") * 300_000
    with gzip.open(tmp_path / "g.fa.gz", "wt", compresslevel=1) as file:
        file.write(">chr15\n" + lines + "ACGT\n")
    (record,) = read_records(tmp_path / "g.fa.gz")
    assert len(record.codes) == 60 * 300_000 + 4
