"""Whatever a file holds, its reader reads it or refuses it in one line: no other error, no crash, no hang, no gigabyte."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from damage import damaged
from hypothesis import HealthCheck, given, settings
from readers import READERS, Case
from sandbox import Sandbox

FEW, MANY = 100, 1000
"""Distinct inputs of a reader in ``make test``, and in ``make test-all``."""


@pytest.fixture
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    return READERS[request.param](tmp_path)


@pytest.fixture
def sandbox(case: Case) -> Iterator[Sandbox]:
    made = Sandbox(case.read, case.path)
    yield made
    made.close()


every = pytest.mark.parametrize("case", sorted(READERS), indirect=True)


def wrong(sandbox: Sandbox, data: bytes) -> str:
    """What reading gave, with the input, so that a regression test can be made of it."""
    fault = sandbox(data)
    return fault and f"{fault}\n{len(data)} bytes: {data[:1500]!r}"


def survives(case: Case, sandbox: Sandbox, wanted: int) -> None:
    seen: set[bytes] = set()

    @settings(
        max_examples=wanted * 5 // 4 + 20, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck), print_blob=False,
    )  # fmt: skip
    @given(damaged(case.seeds, case.text, case.pack))
    def check(data: bytes) -> None:
        key = hashlib.md5(data, usedforsecurity=False).digest()
        if len(seen) < wanted and key not in seen:
            assert wrong(sandbox, data) == ""
            seen.add(key)

    check()
    assert len(seen) == wanted, f"{len(seen)} distinct inputs"


@every
def test_damage_is_read_or_refused(case: Case, sandbox: Sandbox) -> None:
    """Good files are read; a hundred damaged ones, and none at all, are read or refused."""
    for seed in case.seeds:
        good = seed if case.pack is None else case.pack(seed)
        case.path.write_bytes(good)
        case.read(case.path)
        assert wrong(sandbox, good) == ""
    assert wrong(sandbox, b"") == ""
    survives(case, sandbox, FEW)
