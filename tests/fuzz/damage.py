"""Malformed inputs made from good ones by a few edits, in the text or in what it is packed as; a recipe of bytes says which."""

from __future__ import annotations

import gzip
import json
import math
import re
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import yaml
from hypothesis import strategies as st

__all__ = ["LENGTH", "bgzip", "bomb", "damaged", "recipes"]


class Recipe:
    """Choices out of bytes: one strategy of Hypothesis, and a coverage-guided fuzzer, drive the same edits; 0 when used up."""

    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 0

    def number(self, low: int, high: int) -> int:
        """From ``low`` to ``high``, both included."""
        size = 1 if high - low < 256 else 3
        taken = self.data[self.place : self.place + size]
        self.place += size
        return low + int.from_bytes(taken, "little") % (high - low + 1)

    def coin(self) -> bool:
        return bool(self.number(0, 1))

    def one(self, items: Sequence[T]) -> T:
        return items[self.number(0, len(items) - 1)]


T = TypeVar("T")
Edit = Callable[[bytes, Recipe], bytes]

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
    b"null", b"true", b"false", b"[]", b"{}", b'""', b'"x"', b"0", b"-1", b"1.5", b"1e999", b"NaN", b"[[]]",
    b'{"a": 1}', b"[null]",
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


def _place(data: bytes, pick: Recipe, *, more: int = 0) -> int:
    """A place within the data; headers are hit more often than the rest."""
    most = max(0, len(data) - 1 + more)
    near = pick.coin()
    return pick.number(0, min(most, 96) if near else most)


def _flip(data: bytes, pick: Recipe) -> bytes:
    if not data:
        return data
    at, mask = _place(data, pick), pick.number(1, 255)
    return data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]


def _truncate(data: bytes, pick: Recipe) -> bytes:
    return data[: _place(data, pick)]


def _cut(data: bytes, pick: Recipe) -> bytes:
    at = _place(data, pick)
    return data[:at] + data[at + pick.number(1, 40) :]


def _repeat(data: bytes, pick: Recipe) -> bytes:
    at = _place(data, pick)
    piece = data[at : at + pick.number(1, 200)]
    return data[:at] + piece * pick.one((2, 3, 50)) + data[at + len(piece) :]


def _insert(data: bytes, pick: Recipe) -> bytes:
    at = _place(data, pick, more=1)
    return data[:at] + pick.one(TOKENS) + data[at:]


def _replaced(pattern: re.Pattern[bytes], words: Sequence[bytes]) -> Edit:
    """An edit of one of the places where a pattern is found."""

    def edit(data: bytes, pick: Recipe) -> bytes:
        found = [match.span() for match in pattern.finditer(data[:20_000])]
        if not found:
            return _insert(data, pick)
        low, high = found[pick.number(0, len(found) - 1)]
        return data[:low] + pick.one(words) + data[high:]

    return edit


def _header(data: bytes, pick: Recipe) -> bytes:
    """A number of 1 to 8 bytes in either order."""
    at, size = _place(data, pick), pick.one((1, 2, 4, 8))
    value = pick.one(WIDE) % (1 << 8 * size)
    order = pick.one(("little", "big"))
    return data[:at] + value.to_bytes(size, order) + data[at + size :]  # type: ignore[arg-type]


def _lines(data: bytes, pick: Recipe) -> bytes:
    """Lines left out, doubled, swapped, joined, or with other ends."""
    lines = data.split(b"\n")
    i, j = (pick.number(0, min(len(lines), 60) - 1) for _ in range(2))
    how = pick.one(("drop", "double", "swap", "crlf", "cr", "reverse"))
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


def _encoding(data: bytes, pick: Recipe) -> bytes:
    return data.decode("utf-8", "replace").encode(pick.one(ENCODINGS), "replace")


def _noise(data: bytes, pick: Recipe) -> bytes:
    return bytes(pick.number(0, 255) for _ in range(pick.number(0, 24)))


OBJECTS: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 7, 1.5, -0.0, math.nan, math.inf, -math.inf, 1 << 31, 1 << 53, 1 << 63, 1 << 64, 10**400, 1e308,
    "",
    "x", "0", "nan", "\0", "\ud800", "../x", "test", "A" * 3000, "\N{ARABIC-INDIC DIGIT THREE}", [], [None], [[1]], ["x"], [1, 2],
    {}, {"a": 1}, {"": None}, {"value": "x"},
)  # fmt: skip
"""In the place of a value of a JSON or YAML file."""


def parsed(data: bytes) -> tuple[Any, bool]:
    """What a file of JSON or YAML holds, and whether it is JSON; None where it is neither a mapping nor a list."""
    for is_json, load in ((True, json.loads), (False, yaml.safe_load)):
        if not is_json and (len(data) > 20_000 or b"&" in data or not re.search(rb"(?m)^[\w-]+:( |$)", data)):
            break  # aliases may stand for exponentially many values
        try:
            body = load(data)
        except Exception:  # damage of any kind
            continue
        if body and isinstance(body, dict | list):
            return body, is_json
    return None, False


def _places(body: Any) -> list[tuple[Any, Any]]:
    """Every value within, by what holds it and its key there; a few thousand at most."""
    found: list[tuple[Any, Any]] = []
    waiting = [body]
    while waiting and len(found) < 4000:
        holder = waiting.pop()
        for key in list(holder) if isinstance(holder, dict) else range(len(holder)):
            found.append((holder, key))
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])
    return found


def _member(data: bytes, pick: Recipe) -> bytes:
    """A value of a JSON or YAML file, or of a line of JSON, replaced, left out, doubled or moved: it still parses."""
    body, is_json = parsed(data)
    if body is None:
        lines = data.split(b"\n")
        mine = [i for i, line in enumerate(lines) if line[:1] == b"{" and parsed(line)[0] is not None]
        if not mine:
            return _insert(data, pick)
        i = pick.one(mine)
        return b"\n".join([*lines[:i], _member(lines[i], pick), *lines[i + 1 :]])
    places = _places(body)
    holder, key = pick.one(places)
    how = pick.one(("value", "value", "value", "value", "other", "drop", "name", "wrap"))
    if how == "value":
        holder[key] = pick.one(OBJECTS)
    elif how == "other":
        from_holder, from_key = pick.one(places)
        holder[key] = from_holder[from_key] if not isinstance(from_holder[from_key], dict | list) else None
    elif how == "wrap":
        holder[key] = [holder[key], holder[key]]
    else:
        value = holder.pop(key)
        if how == "name" and isinstance(holder, dict):
            holder[pick.one(("", "x", "value", "A" * 300, "\ud800", "0", "a.b"))] = value
    text = json.dumps(body) if is_json else yaml.safe_dump(body, sort_keys=False)
    return text.encode("utf-8", "surrogatepass")


BINARY: tuple[Edit, ...] = (_flip, _flip, _header, _header, _header, _truncate, _cut, _repeat, _insert, _noise)
TEXT: tuple[Edit, ...] = (
    _replaced(re.compile(rb"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])"), NUMBERS),
    _replaced(re.compile(rb"(?<=[:=]) ?[^\s,;:]+"), VALUES),
    _replaced(re.compile(rb"(?<![^\t,\n ])[^\t,\n ]*(?![^\t,\n ])"), TOKENS),
    _replaced(re.compile(rb"[\t,;:= ]"), TOKENS),
    *(_insert, _insert, _lines, _lines, _flip, _truncate, _cut, _repeat, _encoding, _noise),
)


MEMBERS: tuple[Edit, ...] = (*TEXT, *(_member,) * len(TEXT))
"""Of files that are JSON or YAML: damage to the text seldom leaves any."""


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


LENGTH = 48
"""Bytes of a recipe."""

recipes = st.binary(min_size=LENGTH, max_size=LENGTH)


def damaged(recipe: bytes, seeds: Sequence[bytes], text: bool, pack: Callable[[bytes], bytes] | None = None) -> bytes:
    """One of ``seeds`` after one to three edits, which for packed files are of the content, or of the packed bytes."""
    pick = Recipe(recipe)
    data = pick.one(seeds)
    count, within = pick.number(1, 3), pick.coin()
    if pack is not None and not within:
        data = pack(data)
    edits = TEXT if text and (pack is None or within) else BINARY
    if edits is TEXT and (parsed(data)[0] is not None or parsed(data.partition(b"\n")[0])[0] is not None):
        edits = MEMBERS
    for _ in range(count):
        data = pick.one(edits)(data, pick)
    return pack(data) if pack is not None and within else data
