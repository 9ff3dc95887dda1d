"""Checksums: against hashlib, GNU sum and sums by hand; lists as publishers write them."""

import hashlib
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.checksums import KINDS, BsdSum, canonical, digests, length_range, listed
from specgen.errors import InputError

HEX = "0123456789abcdef" * 4


def bsd_by_hand(data):
    """FreeBSD's loop, with the rotation written out on 16 binary digits."""
    total = 0
    for byte in data:
        digits = f"{total:016b}"
        total = (int(digits[-1] + digits[:-1], 2) + byte) % 65536
    return total


def bsd_sum(*pieces):
    hasher = BsdSum()
    for piece in pieces:
        hasher.update(piece)
    return hasher.hexdigest()


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"", "00000 0"),
        (b"a", "00097 1"),
        (b"ab", "32914 1"),  # 97 turns to 48 + 32768; + 98
        (b"\xff\xff", "33150 1"),  # 255 turns to 127 + 32768; + 255
        (b"\0" * 1024, "00000 1"),
        (b"\0" * 1025, "00000 2"),
    ],
)
def test_bsd_sums_by_hand(data, value):
    assert bsd_sum(data) == value


@given(st.binary(max_size=5000), st.integers(0, 5000))
def test_bsd_sum_in_pieces(data, place):
    assert bsd_sum(data) == bsd_sum(data[:place], data[place:])
    assert bsd_sum(data) == f"{bsd_by_hand(data):05d} {-(-len(data) // 1024)}"


@pytest.mark.skipif(not shutil.which("sum"), reason="no sum here")
@pytest.mark.parametrize("size", [0, 1, 1023, 1024, 1025, (1 << 20) + 7])
def test_bsd_sum_is_that_of_the_system(tmp_path, size):
    path = tmp_path / "x"
    path.write_bytes(hashlib.shake_128(b"letters").digest(size))
    said = subprocess.run(["sum", path], capture_output=True, text=True, check=True).stdout.split()[:2]
    assert digests(path, ["bsd_sum"])["bsd_sum"].split() == said


def test_all_kinds_in_one_pass(tmp_path):
    data = hashlib.shake_128(b"x").digest(20_003)
    (tmp_path / "x").write_bytes(data)
    found = digests(tmp_path / "x", KINDS)
    assert found["sha256"] == hashlib.sha256(data).hexdigest()
    assert found["md5"] == hashlib.md5(data).hexdigest()
    assert found["bsd_sum"].startswith(f"{bsd_by_hand(data):05d} ")
    for kind, value in found.items():
        assert canonical(kind, value) == value
        least, most = length_range(kind, value)
        assert least <= len(data)
        assert most is None or len(data) <= most


@pytest.mark.parametrize(("size", "bounds"), [(0, (0, 0)), (1, (1, 1024)), (1024, (1, 1024)), (1025, (1025, 2048))])
def test_blocks_bound_the_length(size, bounds):
    assert length_range("bsd_sum", bsd_sum(b"x" * size)) == bounds


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("sha256", HEX.upper(), HEX),
        ("md5", HEX[:32], HEX[:32]),
        ("bsd_sum", "97\t 1", "00097 1"),
        ("bsd_sum", "11885 860561", "11885 860561"),
    ],
)
def test_canonical(kind, value, expected):
    assert canonical(kind, value) == expected


@pytest.mark.parametrize(
    ("kind", "value", "match"),
    [
        ("sha256", HEX[1:], "sha256: expected 64 hexadecimal digits, got '123"),
        ("sha256", HEX[:-1] + "g", "expected 64 hexadecimal"),
        ("md5", "", "md5: expected 32 hexadecimal digits, got ''"),
        ("bsd_sum", "65536 1", "bsd_sum: expected a number up to 65535 and one of blocks, got '65536 1'"),
        ("bsd_sum", "97", "one of blocks"),
        ("bsd_sum", "-1 1", "one of blocks"),
        ("crc32", "00", "unknown kind of checksum 'crc32'"),
    ],
)
def test_what_is_no_checksum(kind, value, match):
    with pytest.raises(InputError, match=match):
        canonical(kind, value)


LIST = f"""# made by sum
55610 198719 a.fa.gz
11885 860561\tb.fa.gz
{HEX}  c.fa.gz
{HEX} *d.fa.gz
{HEX[:32]}  ./e.fa.gz
1 2 twice
3 4 twice
5 6 again
00005 6 again
hello f.fa.gz
"""


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("a.fa.gz", "bsd_sum", "55610 198719"),
        ("b.fa.gz", "bsd_sum", "11885 860561"),
        ("c.fa.gz", "sha256", HEX),
        ("d.fa.gz", "sha256", HEX),
        ("e.fa.gz", "md5", HEX[:32]),
        ("again", "bsd_sum", "00005 6"),
    ],
)
def test_lists(name, kind, value):
    assert listed(LIST, name, kind, "list") == value


@pytest.mark.parametrize(
    ("name", "kind", "match"),
    [
        ("fa.gz", "bsd_sum", "^list: expected a line with the bsd_sum of fa.gz, found none"),
        ("", "bsd_sum", "found none"),
        ("twice", "bsd_sum", "^list: lines 7 and 8 contradict each other on twice"),
        ("f.fa.gz", "bsd_sum", "^list: line 11: bsd_sum: expected a number up to 65535"),
        ("a.fa.gz", "sha256", "^list: line 2: sha256: expected 64"),
    ],
)
def test_lists_that_do_not_help(name, kind, match):
    with pytest.raises(InputError, match=match):
        listed(LIST, name, kind, "list")
