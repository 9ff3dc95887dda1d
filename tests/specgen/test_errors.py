"""The error tree: what can be caught as what, and the text of a name that nobody knows."""

from __future__ import annotations

import errno
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specgen.errors import LONGEST, InputError, SpecgenError, UnknownName, first_line, nearest, refused, shortage


def test_tree() -> None:
    assert issubclass(UnknownName, InputError)
    assert issubclass(InputError, SpecgenError)
    assert issubclass(InputError, ValueError)
    assert not issubclass(SpecgenError, ValueError)


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("hann", ["hann"], "'hann'"),
        ("HANN", ["hann", "kaiser"], "'hann'"),
        ("hannn", ["kaiser", "hann", "hanning"], "'hann' or 'hanning'"),
        ("abcd", ["abce", "abcf", "abcg", "abch"], None),
        ("q", ["hann"], ""),
        ("hann", [], ""),
        ("", ["hann"], ""),
    ],
)
def test_nearest(name: str, known: list[str], expected: str | None) -> None:
    got = nearest(name, known)
    if expected is None:
        assert got.count("'") == 6  # three at most
    else:
        assert got == expected


def test_nearest_finds_names_in_capitals() -> None:
    """matplotlib has PRGn, RdBu and the like."""
    assert nearest("PRGN", ["PRGn", "gray"]) == "'PRGn'"


@given(st.text(), st.lists(st.text(max_size=10), max_size=10))
def test_any_unknown_name_makes_a_message(name: str, known: list[str]) -> None:
    message = str(UnknownName("thing", name, known))
    assert message.startswith(f"unknown thing {name!r}; ")


def test_known_names_may_be_any_iterable_and_are_sorted() -> None:
    assert str(UnknownName("thing", "zzz", iter(["b", "a"]))) == "unknown thing 'zzz'; known: a, b"
    assert str(UnknownName("thing", "ab", {"abc": 1})) == "unknown thing 'ab'; did you mean 'abc'?"


def test_errors_cross_process_boundaries() -> None:
    """A worker process hands its error over by pickle."""
    for error in (InputError("bad"), UnknownName("thing", "zzz", ["a"])):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert str(again) == str(error)


@given(st.text(max_size=5000))
def test_a_message_is_one_line_of_bounded_length(text: str) -> None:
    """Names and values of damaged files stand in it: line ends of all kinds, escape sequences, a field as long as the file."""
    message = str(InputError(f"x.csv: got {text}"))
    assert message.isprintable()
    assert len(message) <= LONGEST
    assert len(f"x{message}".splitlines()) == 1


def test_what_can_be_shown_stays_as_it_is() -> None:
    assert (
        str(InputError("x.csv:  line 1: é \N{GREEK SMALL LETTER BETA}"))
        == "x.csv:  line 1: é \N{GREEK SMALL LETTER BETA}"
    )
    assert str(InputError("a\nb\x1b[31m\u2028")) == r"a\nb\x1b[31m\u2028"
    long = str(InputError("begin" + "x" * 10_000 + "end"))
    assert long.startswith("beginxx")
    assert long.endswith("xxend")
    assert " ... " in long


def test_the_first_line_of_an_error() -> None:
    assert first_line(ValueError("a\nb")) == "a"
    assert first_line(EOFError()) == "EOFError"
    assert first_line(ValueError("\n")) == "ValueError"


ALLOCATOR = (
    "[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes"
)
LOST = "DataLoader worker (pid 7) is killed by signal: Killed. "


@pytest.mark.parametrize(
    ("error", "said", "no_room"),
    [
        (MemoryError(), "out of memory", False),
        (MemoryError("Unable to allocate 3.64 TiB"), "out of memory (Unable to allocate 3.64 TiB)", False),
        (RuntimeError(ALLOCATOR + "\nmore"), f"out of memory ({ALLOCATOR})", False),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "Cannot allocate memory", False),
        (RuntimeError(LOST), f"a process that loads batches was lost; too little memory? (fewer training.workers need less) "
         f"({LOST.strip()})", False),
        (OSError(errno.ENOSPC, "", "a/b"), "a/b: No space left on device", True),
        (InputError("a/b: cannot be written (No space left on device)"), "No space left on device (a/b: cannot be written (No "
         "space left on device))", True),
        (OSError(errno.EMFILE, "Too many open files"), "Too many open files", True),
        (OSError(errno.ENOENT, "No such file or directory", "a"), "", False),
        (ValueError("x"), "", False),
    ],
    ids=lambda value: None if isinstance(value, Exception) else str(value)[:20],
)  # fmt: skip
def test_what_the_machine_has_too_little_of(error: Exception, said: str, no_room: bool) -> None:
    assert shortage(error) == said
    assert refused(error) == no_room


def test_what_an_error_came_from_is_looked_at() -> None:
    """torch tells of a full disk as a wrong place in its archive."""
    told, full = RuntimeError("unexpected pos 640 vs 534"), OSError(errno.ENOSPC, "No space left on device")
    told.__context__ = full
    assert shortage(told) == "No space left on device"
    told.__suppress_context__ = True
    assert shortage(told) == ""
    told.__cause__ = full
    assert shortage(told) == "No space left on device"
