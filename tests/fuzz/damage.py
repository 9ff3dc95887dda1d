"""Malformed inputs made from good ones: a Hypothesis strategy of a few edits, in the text or in what it is packed as."""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from collections.abc import Callable, Sequence

from hypothesis import strategies as st

__all__ = ["bgzip", "bomb", "damaged", "header_bomb"]

Edit = Callable[[bytes, st.DrawFn], bytes]

NUMBERS = (
    b"0", b"-1", b"-0", b"00", b"1", b"+1", b"1.5", b"-2147483649", b"4294967296", b"9223372036854775807",
    b"9223372036854775808", b"-9223372036854775809", b"99999999999999999999999999999", b"9" * 5000, b"1e5", b"1e999",
    b"-1e999", b"nan", b"inf", b"-inf", b"NaN", b"Infinity", b"0x10", b"1_000", "\N{ARABIC-INDIC DIGIT THREE}".encode(),
    b"\xc2\xb2", b"true", b"null",
)  # fmt: skip
"""In the place of a number."""

TOKENS = (
    b"\t", b"\t\t\t", b",", b";", b":", b"|", b" ", b"\n", b"\n\n\n", b"\r", b"\r\n", b"\x00", b"\x00" * 9, b'"', b"'", b'""',
    b'"\n', b"\\", b"#", b"##", b">", b">\n", b"@", b"+", b"=", b"-", b".", b"*", b"//", b"%s", b"{}", b"[]", b"{", b"}", b"]",
    b"\x0b", b"\x0c", b"\x1a", b"\x1b[31m", b"\x85", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe",
    "\N{LINE SEPARATOR}".encode(), "\N{RIGHT-TO-LEFT OVERRIDE}".encode(), "\N{DNA DOUBLE HELIX}".encode(),
    b"../../etc/passwd", b"/etc/passwd", b"..", b"~", b"$HOME", b"NA", b"None", b"__class__", b"<script>",
    b"A" * 70_000, b"A\n" * 5_000, b"\t" * 5_000, b"," * 5_000, b'"' * 3_001, b"(" * 1_200, b"[" * 1_200, b"{" * 1_200,
    b'{"a":' * 1_200, b"- " * 1_200, b"\n" * 2_000, b"9" * 5_000, b"!!python/object/apply:os.system [id]", b"!!bool x",
    b"!!int x", b"!!timestamp x", b"2001-99-99", b"0b_", b"0x_", b"*a", b"&a [*a]", b"<<: 1\n", b"? [a]\n", b"---\n", b"!<tag>",
    b"a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
    b"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"
    b"g: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\nh: &h [*g,*g,*g,*g,*g,*g,*g,*g,*g]\ntitle: *h\nseed: *h\n",
)  # fmt: skip
"""Put anywhere."""

VALUES = (
    b"null", b"true", b"false", b"[]", b"{}", b'""', b'"x"', b"0", b"-1", b"1.5", b"1e999", b"NaN", b"[[]]", b'{"a": 1}', b"[null]",
    b'"\\ud800"', b'"\\u0000"', b"9" * 5_000, b"*", b"&a", b"~", b"2001-01-01", b"!!binary aGk=", b"[1, [2, [3]]]",
)  # fmt: skip
"""In the place of a value behind a key."""

WIDE = (
    0,
    1,
    2,
    3,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    0x7FFFFFFFFFFFFFFF,
    2**64 - 1,
    2**40,
)
"""Numbers of headers: sizes, offsets, counts."""

ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "utf-7", "cp037")


def _place(data: bytes, draw: st.DrawFn, *, more: int = 0) -> int:
    """A place within the data; headers are hit more often than the rest."""
    most = max(0, len(data) - 1 + more)
    near = draw(st.booleans())
    return draw(st.integers(0, min(most, 96) if near else most))


def _flip(data: bytes, draw: st.DrawFn) -> bytes:
    if not data:
        return data
    at, mask = _place(data, draw), draw(st.integers(1, 255))
    return data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]


def _truncate(data: bytes, draw: st.DrawFn) -> bytes:
    return data[: _place(data, draw)]


def _cut(data: bytes, draw: st.DrawFn) -> bytes:
    at = _place(data, draw)
    return data[:at] + data[at + draw(st.integers(1, 40)) :]


def _repeat(data: bytes, draw: st.DrawFn) -> bytes:
    at = _place(data, draw)
    piece = data[at : at + draw(st.integers(1, 200))]
    return data[:at] + piece * draw(st.sampled_from((2, 3, 50))) + data[at + len(piece) :]


def _insert(data: bytes, draw: st.DrawFn) -> bytes:
    at = _place(data, draw, more=1)
    return data[:at] + draw(st.sampled_from(TOKENS)) + data[at:]


def _replaced(pattern: re.Pattern[bytes], words: Sequence[bytes]) -> Edit:
    """An edit of one of the places where a pattern is found."""

    def edit(data: bytes, draw: st.DrawFn) -> bytes:
        found = [match.span() for match in pattern.finditer(data[:20_000])]
        if not found:
            return _insert(data, draw)
        low, high = found[draw(st.integers(0, len(found) - 1))]
        return data[:low] + draw(st.sampled_from(words)) + data[high:]

    return edit


def _header(data: bytes, draw: st.DrawFn) -> bytes:
    """A number of 1 to 8 bytes in either order."""
    at, size = _place(data, draw), draw(st.sampled_from((1, 2, 4, 8)))
    value = draw(st.sampled_from(WIDE)) % (1 << 8 * size)
    order = draw(st.sampled_from(("little", "big")))
    return data[:at] + value.to_bytes(size, order) + data[at + size :]  # type: ignore[arg-type]


def _lines(data: bytes, draw: st.DrawFn) -> bytes:
    """Lines left out, doubled, swapped, joined, or with other ends."""
    lines = data.split(b"\n")
    i, j = (draw(st.integers(0, min(len(lines), 60) - 1)) for _ in range(2))
    how = draw(st.sampled_from(("drop", "double", "swap", "crlf", "cr", "reverse")))
    if how == "crlf":
        return data.replace(b"\n", b"\r\n")
    if how == "cr":
        return data.replace(b"\n", b"\r")
    if how == "reverse":
        return b"\n".join(lines[::-1])
    if how == "drop":
        del lines[i]
    elif how == "double":
        lines.insert(j, lines[i])
    else:
        lines[i], lines[j] = lines[j], lines[i]
    return b"\n".join(lines)


def _encoding(data: bytes, draw: st.DrawFn) -> bytes:
    return data.decode("utf-8", "replace").encode(draw(st.sampled_from(ENCODINGS)), "replace")


def _noise(data: bytes, draw: st.DrawFn) -> bytes:
    return draw(st.binary(max_size=60))


BINARY: tuple[Edit, ...] = (_flip, _flip, _header, _header, _header, _truncate, _cut, _repeat, _insert, _noise)
TEXT: tuple[Edit, ...] = (
    _replaced(re.compile(rb"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])"), NUMBERS),
    _replaced(re.compile(rb"(?<=[:=]) ?[^\s,;:]+"), VALUES),
    _replaced(re.compile(rb"(?<![^\t,\n ])[^\t,\n ]*(?![^\t,\n ])"), TOKENS),
    _replaced(re.compile(rb"[\t,;:= ]"), TOKENS),
    *(_insert, _insert, _lines, _lines, _flip, _truncate, _cut, _repeat, _encoding, _noise),
)


def bgzip(data: bytes, block: int = 200) -> bytes:
    """Blocked gzip (SAM specification, section 4.1), in small blocks."""
    blocks = []
    for low in (*range(0, len(data), block), len(data)):
        piece = data[low : low + block]
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        body = packer.compress(piece) + packer.flush()
        head = struct.pack("<4BI2BH2BHH", 31, 139, 8, 4, 0, 0, 255, 6, 66, 67, 2, len(body) + 25)
        blocks.append(head + body + struct.pack("<II", zlib.crc32(piece), len(piece)))
    return b"".join(blocks)


def bomb(head: bytes, piece: bytes, size: int) -> bytes:
    """gzip of a head and about ``size`` bytes of one piece, in members, so that making it costs next to nothing."""
    member = piece * max(1, (1 << 22) // len(piece))
    return gzip.compress(head, mtime=0) + gzip.compress(member, 9, mtime=0) * (size // len(member))


def header_bomb(seed: bytes) -> bytes:
    """What a file says of its own sizes, as large as can be: every aligned number of 4 bytes that is small, in turn."""
    numbers = [
        at for at in range(0, min(len(seed), 4096) - 4, 4) if 0 < int.from_bytes(seed[at : at + 4], "little") < 4096
    ]
    for at in numbers:
        seed = seed[:at] + b"\xff\xff\xff\x7f" + seed[at + 4 :]
    return seed


@st.composite
def damaged(draw: st.DrawFn, seeds: Sequence[bytes], text: bool, pack: Callable[[bytes], bytes] | None = None) -> bytes:
    """One of ``seeds`` after one to three edits, which for packed files are of the content, or of the packed bytes."""
    data = draw(st.sampled_from(list(seeds)))
    within = draw(st.booleans())
    edits = st.sampled_from(TEXT if text and (pack is None or within) else BINARY)
    packed = pack is None
    if pack is not None and not within:
        data, packed = pack(data), True
    for _ in range(draw(st.integers(1, 3))):
        data = draw(edits)(data, draw)
    return data if packed or pack is None else pack(data)
