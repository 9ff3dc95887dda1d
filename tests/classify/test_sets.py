"""Derived sets of the benchmark: UTRs are what is left of an mRNA without its CDS."""

import gzip
import importlib.util
from pathlib import Path

import pytest

from specgen.records import read_records
from specgen.sequences import decode

SCRIPT = Path(__file__).resolve().parents[2] / "reports" / "coding" / "sets.py"


@pytest.fixture(scope="module")
def sets():
    spec = importlib.util.spec_from_file_location("sets", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write(path, records):
    with gzip.open(path, "wt") as file:
        file.writelines(f">{header}\n{letters}\n" for header, letters in records)


def test_untranslated_regions_by_hand(sets, tmp_path, capsys):
    place = "range=chr1:11-90 5'pad=0 3'pad=0 strand=- repeatMasking=none"
    mrna = [(f"hg19_x_NM_{i}", letters) for i, letters in enumerate(
        ["CCATGAAATAGTTT", "ATGAAATAGGG", "ATGAAATAGCATGAAATAG", "CCCC", "TTTT"]
    )]  # fmt: skip
    write(tmp_path / "human_mrna_refseq.fa.gz", [(f"{name} {place}", letters) for name, letters in mrna])
    write(tmp_path / "human_cds_refseq.fa.gz", [(f"NM_{i} CDS chrom=chr1", "ATGAAATAG") for i in range(4)])
    sets.main(str(tmp_path), str(tmp_path / "out"))
    made = tmp_path / "out" / "human_utr.fa.gz"
    found = {record.header: decode(record.codes) for record in read_records(made)}
    end = "range=chr1:11-90 strand=-"
    assert found == {f"NM_0_utr5 {end}": "CC", f"NM_0_utr3 {end}": "TTT", f"NM_1_utr3 {end}": "GG"}
    assert "3 records (1 CDS found twice, 1 CDS not found, 1 no CDS, 2 utr3, 1 utr5)" in capsys.readouterr().out
    before = made.read_bytes()
    sets.main(str(tmp_path), str(tmp_path / "out"))
    assert made.read_bytes() == before


@pytest.mark.data
def test_real_transcripts_are_their_parts_put_together(sets, data_dir, tmp_path):
    from itertools import islice

    folder = data_dir / "coding_noncoding"
    if not (folder / "human_mrna_refseq.fa.gz").is_file():
        pytest.skip("no human mRNA")
    cds = {record.name: decode(record.codes) for record in read_records(folder / "human_cds_refseq.fa.gz")}
    counts = sets.Counter()
    for mrna in islice(read_records(folder / "human_mrna_refseq.fa.gz"), 200):
        accession = mrna.name.split("_", 4)[-1]
        if accession in cds:
            parts = dict(sets.untranslated(mrna, cds[accession], counts))
            five, three = (
                next((text for name, text in parts.items() if name.startswith(f"{accession}_{kind}")), "")
                for kind in ("utr5", "utr3")
            )
            assert five + cds[accession] + three == decode(mrna.codes)
    assert counts["utr3"] > 100
