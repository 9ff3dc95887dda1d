"""What a run cost: other processes count, sessions add up, and what is not known is not made up."""

import json
import math
import subprocess
import sys
import time

import pytest
import torch
from toy import rows_of, train

from classify import cost
from classify.cost import Meter, added, reset_peaks, scored, trained

pytestmark = pytest.mark.usefixtures("unrendered")

BUSY = "import time\nwhile time.process_time() < .4: pass\nprint(flush=True)\n"
HOLDS = "held = b'x' * 80_000_000\nprint(flush=True)\n"
THEN_WAITS = "import sys; sys.stdin.read()"


def child(code):
    """A process that has done what it was told, and waits."""
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    return process


def test_a_busy_child_is_counted_while_it_lives_and_after():
    meter = Meter()
    with child(BUSY + THEN_WAITS) as process:
        living = meter.cpu_seconds()
        process.communicate()
    assert 0.35 <= living < 10  # /proc tells hundredths
    assert meter.cpu_seconds() >= living - 0.05


def test_a_childs_child_is_counted():
    meter = Meter()
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}]); print(flush=True)\n"
    with child(outer + THEN_WAITS) as process:
        assert meter.cpu_seconds() >= 0.35
        process.communicate()


def test_sleep_is_wall_time_alone():
    meter = Meter()
    time.sleep(0.3)
    found = meter.read()
    assert found["wall_seconds"] >= 0.3
    assert found["cpu_seconds"] < 0.25


def test_memory_of_children_that_were_seen_is_counted_after_their_end():
    meter = Meter()
    before = meter.read()["peak_rss_bytes"]
    with child(HOLDS + THEN_WAITS) as process:
        meter._noted = -math.inf
        meter.note()
        process.communicate()
    assert meter.read()["peak_rss_bytes"] >= before + 80_000_000


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux has a new start for the peak")
def test_the_peak_begins_anew():
    own = bytearray(1_500_000_000)
    own[::4096] = b"x" * len(own[::4096])
    code = (
        "from classify.cost import Meter, reset_peaks\n"
        "large = bytearray(300_000_000); large[::4096] = b'x' * len(large[::4096]); del large\n"
        "before = Meter().read()['peak_rss_bytes']\n"
        "assert reset_peaks()\n"
        "print(before - Meter().read()['peak_rss_bytes'], before)\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    given_back, peak = map(int, found.stdout.split())
    assert given_back > 250_000_000
    # What this process held before it started the other is not that one's.
    assert peak < len(own)


def test_reset_says_where_it_cannot(monkeypatch):
    def refuse(self, text):
        raise PermissionError

    monkeypatch.setattr(cost.Path, "write_text", refuse)
    assert not reset_peaks()


def test_stretches_add_up():
    first = {"wall_seconds": 2.0, "peak_rss_bytes": 7, "gpu_peak_bytes": None, "cpu_energy_joules": 5.0}
    second = {"wall_seconds": 3.0, "peak_rss_bytes": 4, "gpu_peak_bytes": None, "cpu_energy_joules": None}
    assert added({}, first) == first
    both = added(first, second)
    assert both == {"wall_seconds": 5.0, "peak_rss_bytes": 7, "gpu_peak_bytes": None, "cpu_energy_joules": None}
    # An earlier version did not tell energy at all.
    assert added({"wall_seconds": 1.0}, first)["cpu_energy_joules"] is None


def test_networks_and_baselines_are_told_alike():
    spent = {"wall_seconds": 4.0, "cpu_seconds": 3.0, "gpu_seconds": None}
    assert trained(spent, seen=20, parameters=3) == {
        **spent,
        "examples_seen": 20,
        "examples_per_second": 5.0,
        "parameters": 3,
    }
    told = {"test_seconds": 4.0, "test_cpu_seconds": 3.0, "test_examples_per_second": 2.5}
    assert scored(spent, 10) == told


def test_a_run_tells_what_it_cost(base):
    found = json.loads((base / "metrics.json").read_text())["cost"]
    rows = rows_of(base / "metrics.csv")
    best = json.loads((base / "metrics.json").read_text())["training"]["best_epoch"]
    for name in ("seconds", "cpu_seconds"):
        assert found[f"best_epoch_{name}"] == pytest.approx(sum(float(row[name]) for row in rows[:best]))
    assert found["cpu_seconds"] == pytest.approx(sum(float(row["cpu_seconds"]) for row in rows), abs=0.01)
    assert found["peak_rss_bytes"] > 50_000_000
    assert found["test_cpu_seconds"] > 0
    if not torch.cuda.is_available():
        assert found["gpu_seconds"] is found["gpu_peak_bytes"] is found["gpu_energy_joules"] is None
    page = (base / "report.html").read_text()
    assert "Time to the best epoch" in page
    assert found["gpu_seconds"] is not None or "not measured" in page


def test_a_budget_ends_a_training_within_an_epoch(tmp_path, monkeypatch):
    from classify.callbacks import CpuBudget

    monkeypatch.setattr(CpuBudget, "LOOK_EVERY", 0.0)
    options = ("--training.epochs", "1000", "--training.steps", "5", "--training.batch_size", "4")
    code, folder = train(tmp_path, "x", *options, "--training.cpu_minutes", "0.02")
    assert code == 0
    rows, body = rows_of(folder / "metrics.csv"), json.loads((folder / "metrics.json").read_text())
    assert 1 <= len(rows) < 1000
    assert body["cost"]["cpu_seconds"] >= 1.2
    # All epochs but the last had their five batches of four.
    assert 20 * (len(rows) - 1) < body["cost"]["examples_seen"] <= 20 * len(rows)
    assert body["cost"]["examples_seen"] % 4 == 0
    # What ended it is the budget, no lack of patience, and the page says so.
    assert body["training"]["out_of_cpu_minutes"]
    assert not body["training"]["stopped_early"]
    assert "out_of_cpu_minutes" in (folder / "report.html").read_text()
    best = rows[body["training"]["best_epoch"] - 1]
    for name in ("val_loss", "val_accuracy", "val_auroc"):
        assert body["training"][name] == pytest.approx(float(best[name]))
    # What is begun after the end of the budget is nothing.
    (folder / "INCOMPLETE").write_text("x")
    assert train(tmp_path, "x", *options, "--training.cpu_minutes", "0.02", "--resume")[0] == 0
    again = json.loads((folder / "metrics.json").read_text())
    assert again["training"] == body["training"]
    assert again["cost"]["examples_seen"] == body["cost"]["examples_seen"]
