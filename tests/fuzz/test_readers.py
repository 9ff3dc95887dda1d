"""Whatever a file holds, its reader reads it or refuses it in one line: no other error, no crash, no hang, no gigabyte."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from damage import damaged, recipes
from hypothesis import HealthCheck, Phase, given, settings
from readers import AGAIN, READERS, Case
from sandbox import Sandbox

FEW, MANY = 100, 1000
"""Distinct inputs of a reader in `make test`, and in `make test-all`."""

EVERY = [pytest.param(name, marks=[pytest.mark.slow] if name in AGAIN else []) for name in READERS]


@pytest.fixture
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    return READERS[request.param](tmp_path)


@pytest.fixture
def sandbox(case: Case) -> Iterator[Sandbox]:
    made = Sandbox(case.read, case.path)
    yield made
    made.close()


def wrong(sandbox: Sandbox, data: bytes) -> str:
    """What was wrong with the reading of an input, and the input, so that a test of its own can be made of it."""
    fault = sandbox(data)
    return fault and f"{fault}\n{len(data)} bytes: {data[:1500]!r}"


def survives(case: Case, sandbox: Sandbox, wanted: int) -> None:
    """So many distinct inputs, the same in every run."""
    seen: set[bytes] = set()

    @settings(
        max_examples=wanted * 3 // 2, deadline=None, derandomize=True, database=None, print_blob=False,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink],
    )  # fmt: skip
    @given(recipes)
    def check(recipe: bytes) -> None:
        data = damaged(recipe, case.seeds, case.text, case.pack)
        key = hashlib.md5(data, usedforsecurity=False).digest()
        if key not in seen and len(seen) < wanted:
            assert not (fault := wrong(sandbox, data)), fault
            seen.add(key)

    check()
    assert len(seen) == wanted


@pytest.mark.parametrize("case", EVERY, indirect=True)
def test_damage_is_read_or_refused(case: Case, sandbox: Sandbox) -> None:
    """Good files are read; damaged ones, and an empty one, are read or refused."""
    for seed in case.seeds:
        good = seed if case.pack is None else case.pack(seed)
        case.path.write_bytes(good)
        case.read(case.path)
        assert wrong(sandbox, good) == ""
    assert wrong(sandbox, b"") == ""
    survives(case, sandbox, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("case", list(READERS), indirect=True)
def test_much_damage_is_read_or_refused(case: Case, sandbox: Sandbox) -> None:
    survives(case, sandbox, MANY)


@pytest.mark.parametrize("case", ["matlab_5", "matlab_73", "prepared_set", "png", "pictures_hdf5"], indirect=True)
def test_headers_that_tell_of_gigabytes(case: Case, sandbox: Sandbox) -> None:
    for data in case.bombs():
        assert wrong(sandbox, data) == ""


PACKED = [name for name in READERS if name.endswith("_gzip")]


@pytest.mark.parametrize(
    "case", [pytest.param(n, marks=[] if n == "fasta_gzip" else [pytest.mark.slow]) for n in PACKED], indirect=True
)
def test_decompression_bombs(case: Case, sandbox: Sandbox) -> None:
    """Two gigabytes of one letter, of blank lines, of one good line, of nothing that is text, in two megabytes."""
    for data in case.bombs():
        assert wrong(sandbox, data) == ""
