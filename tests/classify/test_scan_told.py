"""Scans by their command: what they say of what was and was not looked at, what they refuse first, and which files they leave."""

import json
import os
import tracemalloc

import numpy as np
import pytest
import test_scanning
from test_scanning import exon, toy

from classify.__main__ import main
from classify.peaks.places import Intervals
from classify.scanning import scan as scan_module
from classify.scanning.parts import Contig
from classify.scanning.seen import seen_in_training
from classify.scanning.settings import ScanSettings
from specgen.errors import InputError

genome, run = test_scanning.genome, test_scanning.run  # fixtures


@pytest.mark.parametrize(
    ("row", "met"),
    [
        ("chrA/39:10+:acceptor,g,A,x,train", {(7, 8): True, (11, 12): True, (6, 7): False, (12, 13): False}),  # 8 to 12
        ("r,g,A,x,train", {(0, 1): True}),  # somewhere on the contig
    ],
)
def test_regions_that_examples_of_training_reach_into(run, row, met):
    (run / "split.csv").write_text(f"id,group,chromosome,label,split\n{row}\n")
    for span, expected in met.items():
        regions = {"chrA": Intervals(*np.array([span]).T)}
        assert seen_in_training(run, [Contig(0, "chrA", 39)], regions, 5) == (["chrA"] if expected else [])
    # A contig without regions is not scanned, whatever was learnt from it.
    assert seen_in_training(run, [Contig(0, "chrA", 39)], {"other": Intervals(np.array([0]), np.array([9]))}, 5) == []


def test_examples_of_contigs_that_tell_no_chromosome(run):
    contigs = [Contig(0, "chr1", 50), Contig(1, "chrUn_x", 39), Contig(2, "chrUn_y", 40)]
    (run / "split.csv").write_text("id,group,chromosome,label,split\nchrUn_x/39:10+:first,g,,x,train\n")
    assert seen_in_training(run, contigs, None, 5) == ["chrUn_x"]


def test_the_rows_of_a_run_are_not_held(run):
    """50,000 rows, which are 25 MB as a dictionary each."""
    rows = "".join(f"chrB/39:{i}+:acceptor,g,B,x,train\n" for i in range(50_000))
    (run / "split.csv").write_text(f"id,group,chromosome,label,split\n{rows}")
    tracemalloc.start()
    try:
        assert seen_in_training(run, [Contig(0, "chrA", 39)], None, 5) == []
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_a_damaged_split_is_told_before_the_scan(run, genome, tmp_path, monkeypatch):
    monkeypatch.setattr(scan_module, "scan_blocks", lambda *args, **kwargs: pytest.fail("the scan began"))
    (run / "split.csv").write_text("id,group,chromosome,label,split\nb,g\n")
    with pytest.raises(InputError, match=r"split\.csv: row 1: has no chromosome"):
        scan_module.scan(run, genome, str(tmp_path / "scan"), ScanSettings(), progress=False)
    assert not list(tmp_path.glob("scan*"))


def by_command(run, genome, out, *more):
    return main(["scan", "--run", str(run), "--genome", str(genome), "--out", str(out), "--progress", "false", *more])


def test_what_was_scored_and_what_was_not_are_told(run, genome, tmp_path, monkeypatch, capsys):
    """Regions of two contigs, one of which is not scanned, and of two that are not there; no blanks in training."""
    monkeypatch.setattr(scan_module, "load_reader", lambda run, **_: toy(blanks=0))
    regions = tmp_path / "r.bed"
    regions.write_text("B\t0\t4\nother\t0\t8\nchr7\t0\t5\nchr7\t9\t12\nchr9\t0\t5\n")
    assert by_command(run, genome, tmp_path / "s", "--regions", str(regions), "--contigs", '["B", "chrA"]') == 0
    said = capsys.readouterr().out.splitlines()
    # GGCAT: of the first four places one has five letters around it, on either strand.
    assert said[0] == f"{tmp_path}/s.bed: 0 calls of 0.5 or more; 2 places of 1 contigs were scored"
    assert said[1:] == [
        "note: 6 places at ends of contigs were not scored: more than 10% of their windows are blank or ambiguous letters, and "
        "the run was trained on no blank ones",
        f"note: 3 of the 5 regions of {regions} lie on contigs that {genome} does not have (chr7, chr9)",
    ]  # the run was trained on chrA, where no region lies
    body = json.loads((tmp_path / "s.json").read_text())
    assert body["places"] == {"scored": 2, "contigs": 1, "left_out_for_blanks": 6}
    assert body["regions"] == {"intervals": 5, "not_in_genome": {"chr7": 2, "chr9": 1}}
    assert body["seen_in_training"] == []


def test_nothing_is_left_out_where_training_windows_hold_blanks(run, genome, tmp_path, capsys):
    assert by_command(run, genome, tmp_path / "s", "--contigs", '["B"]') == 0
    said = capsys.readouterr().out
    assert "10 places of 1 contigs were scored\n" in said
    assert "note" not in said


def test_no_region_on_the_contigs_that_are_scanned(run, genome, tmp_path):
    (tmp_path / "r.bed").write_text("chrA\t0\t5\nchr7\t0\t5\n")
    with pytest.raises(
        InputError, match=r"r\.bed: has no region on B, which alone is scanned; its regions lie on chrA, chr7"
    ):
        scan_module.scan(
            run,
            genome,
            str(tmp_path / "s"),
            ScanSettings(regions=str(tmp_path / "r.bed"), contigs=["B"]),
            progress=False,
        )


def test_files_of_the_scan_before_are_removed(run, genome, tmp_path):
    """Another strand, another name of labels, an annotation less; nothing that only a damaged or foreign JSON names."""
    (tmp_path / "a.gtf").write_text(exon("g", "+", 5, 9))
    scan_module.scan(
        run, genome, str(tmp_path / "s"), ScanSettings(), annotation=str(tmp_path / "a.gtf"), progress=False
    )
    made = {path.name for path in tmp_path.glob("s.*")}
    assert made >= {"s.png", "s.plus.bedGraph", "s.minus.bedGraph", "s.bed"}
    body = json.loads((tmp_path / "s.json").read_text())
    assert {*body["files"], "s.json"} == made
    mine = ["s.txt", "s.bed.bak", "skin.bed", "other.bed"]
    for name in (*mine, "s.2_old.bed"):
        (tmp_path / name).write_text("mine")
    (tmp_path / "s.1_x").mkdir()
    (tmp_path / "s.1_x" / "y.bed").write_text("mine")
    body["files"] += [*mine, "s.1_x/y.bed", "../s.bed", 5, "s.2_old.bed", "s.3_gone.bw"]
    (tmp_path / "s.json").write_text(json.dumps(body))
    scan_module.scan(run, genome, str(tmp_path / "s"), ScanSettings(strands="mean"), progress=False)
    kept = {path.name for path in tmp_path.glob("s*")}
    assert kept == {"s.json", "s.bedGraph", "s.bw", "s.bed", "s.txt", "s.bed.bak", "skin.bed", "s.1_x"}
    assert (tmp_path / "s.1_x" / "y.bed").read_text() == (tmp_path / "other.bed").read_text() == "mine"
    (tmp_path / "s.json").write_text("[1]")
    scan_module.scan(run, genome, str(tmp_path / "s"), ScanSettings(strands="+"), progress=False)
    assert (tmp_path / "s.bedGraph").exists()  # nobody says whose it is


def test_a_genome_that_can_be_read_only_once(run, tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe")
    for genome, name in (("-", "standard input"), (tmp_path / "pipe", str(tmp_path / "pipe"))):
        assert by_command(run, genome, tmp_path / "s") == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert f"{name}: can be read only once, as pipes can; expected a file, which is read twice" in said
    assert not list(tmp_path.glob("s.*"))


@pytest.mark.parametrize("out", ["od/", "folder", ".", ""])
def test_names_of_files_that_would_be_hidden(run, genome, tmp_path, monkeypatch, capsys, out):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    before = set(tmp_path.rglob("*"))
    assert by_command(run, genome, out) == 2
    assert "--out: expected the first part of the names of files, such as " in capsys.readouterr().err
    assert set(tmp_path.rglob("*")) == before
