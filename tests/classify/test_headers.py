"""What headers and tables tell of a record, in the spellings of Ensembl, GENCODE and UCSC; and loci against a naive merge."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.headers import Origin, chromosomes_of, group_loci, normalise_chromosome, parse_header, read_table
from specgen.errors import InputError

HEADERS = {
    "ensembl_minus": (
        "ENST00000000442.11 cdna chromosome:GRCh38:3:177050602:177196423:-1 gene:ENSG00000177565.16 "
        "gene_biotype:protein_coding gene_symbol:TBL1XR1",
        Origin("ENSG00000177565", "3", 177050601, 177196423, "-"),
    ),
    "ensembl_plus": (
        "ENST1 ncrna chromosome:GRCh38:X:10:20:1 gene:ENSG1",
        Origin("ENSG1", "X", 9, 20, "+"),
    ),
    "ensembl_mitochondrion": (
        "ENST2 cdna chromosome:GRCh38:MT:3307:4262:1 gene:ENSG00000198888.2",
        Origin("ENSG00000198888", "MT", 3306, 4262, "+"),
    ),
    "ensembl_haplotype": (
        "ENST3 cdna chromosome:GRCh38:CHR_HSCHR6_MHC_COX_CTG1:29744500:29749000:1 gene:ENSG4",
        Origin("ENSG4", "6", 29744499, 29749000, "+"),
    ),
    "ensembl_patch": (
        "ENST4 cdna chromosome:GRCh38:CHR_HG126_PATCH:72577033:72577500:1 gene:ENSG5",
        Origin("ENSG5", "", 72577032, 72577500, "+"),
    ),
    "ensembl_primary_assembly": (
        "ENSMUST1 cdna primary_assembly:GRCm39:7:5:9:-1 gene:ENSMUSG1",
        Origin("ENSMUSG1", "7", 4, 9, "-"),
    ),
    "gencode": (
        "ENST00000456328.2|ENSG00000290825.1|OTTHUMG00000002860.3|OTTHUMT00000362751.1|DDX11L2-202|DDX11L2|1657|",
        Origin("ENSG00000290825"),
    ),
    "gencode_mouse": ("ENSMUST00000193812.2|ENSMUSG00000102693.2|OTTMUSG1|-|x|x|1070|TEC|", Origin("ENSMUSG00000102693")),
    "ucsc_range": (
        "hg19_refGene_NM_173083 range=chr1:226418850-226497204 5'pad=0 3'pad=0 strand=- repeatMasking=none",
        Origin("", "1", 226418849, 226497204, "-"),
    ),
    "ucsc_haplotype": ("x range=chr6_apd_hap1:100-200 strand=+", Origin("", "6", 99, 200, "+")),
    "chrom": ("NR_1 chrom=chr17 strand=+", Origin("", "17", strand="+")),
    "nothing": ("transcript_1", Origin()),
    "empty": ("", Origin()),
    "words_that_only_look_like_it": ("x subgene:7 chromosome of interest: 3 derange=1", Origin()),
}  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
def test_headers(name):
    header, expected = HEADERS[name]
    assert parse_header(header) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("chr1", "1"),
        ("CHR1", "1"),
        ("1", "1"),
        ("chrX", "X"),
        ("chrM", "MT"),
        ("M", "MT"),
        ("MT", "MT"),
        ("chrMT", "MT"),
        ("CHR_HSCHR17_1_CTG5", "17"),
        ("HSCHR6_MHC_APD", "6"),
        ("chr6_apd_hap1", "6"),
        ("chr1_gl000191_random", "1"),
        ("CHR_HG126_PATCH", ""),
        ("HG1012_PATCH", ""),
        ("chrUn_gl000220", ""),
        ("Un_KI270742v1", ""),
        ("chr", "chr"),
        ("2L", "2L"),
        ("sim3", "sim3"),
        ("", ""),
    ],
)
def test_spellings_of_chromosomes(name, expected):
    assert normalise_chromosome(name) == expected


def test_unplaced_scaffolds_of_ensembl_are_no_chromosome():
    # KI270742.1 is what UCSC calls chrUn_KI270742v1.
    assert parse_header("ENST5 cdna scaffold:GRCh38:KI270742.1:5:10:1 gene:ENSG9").chromosome == ""


@pytest.mark.parametrize("tab", [",", "\t"])
def test_table(tmp_path, tab):
    path = tmp_path / "table"
    rows = [
        ("id", "gene", "chromosome", "other"),
        ("a", "g1", "chr2", "?"),
        ("b", "", "CHR_HG126_PATCH", ""),
        ("ж", "g2", "", ""),
    ]
    path.write_text("".join(tab.join(row) + "\n" for row in rows), encoding="utf-8")
    assert read_table(path) == {"a": Origin("g1", "2"), "b": Origin("", ""), "ж": Origin("g2", "")}


def test_table_needs_only_one_of_gene_and_chromosome(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id,chromosome\na,chrX\n")
    assert read_table(path) == {"a": Origin("", "X")}
    path.write_text("gene,id\ng,a\n")
    assert read_table(str(path)) == {"a": Origin("g", "")}


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    path = tmp_path / "excel.csv"
    path.write_text("id,gene\na,g\n", encoding="utf-8-sig")
    assert read_table(path) == {"a": Origin("g", "")}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name,gene\na,b\n", "expected the columns id and gene and/or chromosome, got name, gene"),
        (b"id,symbol\na,b\n", "expected the columns id and gene"),
        (b"", "expected the columns id and gene"),
        (b"id,gene\na,g\nb,h\na,g\n", "line 4 repeats the id 'a'"),
        (b"id,gene\na,g\nb\n", "line 3 has not 2 columns"),
        (b"id,gene\na,g,more\n", "line 2 has not 2 columns"),
        ("id,gene\nä,g\n".encode("latin-1"), "cannot be read as a table"),
        (b"id,gene\na," + 200_000 * b"g" + b"\n", "cannot be read as a table"),
    ],
)
def test_bad_tables_say_what_is_wrong(tmp_path, content, message):
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_table(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_missing_table(tmp_path):
    with pytest.raises(InputError, match="cannot be read as a table"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(InputError, match="cannot be read as a table"):
        read_table(tmp_path)


placed = st.builds(
    lambda gene, chromosome, start, size, strand: Origin(gene, chromosome, start, start + size, strand),
    st.sampled_from(["", "", "", "geneA"]),
    st.sampled_from(["1", "2"]),
    st.integers(0, 40),
    st.integers(1, 12),
    st.sampled_from(["+", "-"]),
)


def naive_loci(origins):
    """Sets of indices: chains of records without a gene that overlap on one strand of one chromosome."""
    sets = [{i} for i, o in enumerate(origins) if not o.gene and o.start >= 0]
    changed = True
    while changed:
        changed = False
        for a in sets:
            for b in sets:
                touch = any(
                    (origins[i].chromosome, origins[i].strand) == (origins[j].chromosome, origins[j].strand)
                    and origins[i].start < origins[j].end
                    and origins[j].start < origins[i].end
                    for i in a
                    for j in b
                )
                if a is not b and touch:
                    sets = [s for s in sets if s is not a and s is not b] + [a | b]
                    changed = True
                    break
            if changed:
                break
    return {frozenset(s) for s in sets}


@given(st.lists(st.one_of(placed, st.just(Origin()), st.just(Origin("geneB"))), max_size=14))
def test_loci_are_the_naive_merge_of_overlaps(origins):
    names = group_loci(origins)
    loci = {}
    for i, (origin, name) in enumerate(zip(origins, names, strict=True)):
        if origin.gene:
            assert name == origin.gene
        elif origin.start < 0:
            assert name == ""
        else:
            assert name.startswith("locus:")
            loci.setdefault(name, set()).add(i)
    assert {frozenset(members) for members in loci.values()} == naive_loci(origins)


def test_loci_are_strand_specific_and_half_open():
    plus, minus = Origin("", "1", 10, 20, "+"), Origin("", "1", 10, 20, "-")
    touching, overlapping = Origin("", "1", 20, 30, "+"), Origin("", "1", 19, 30, "+")
    a, b, c = group_loci([plus, minus, touching])
    assert len({a, b, c}) == 3
    a, b, c = group_loci([plus, minus, overlapping])
    assert a == c != b


def test_a_gene_is_one_group_in_every_release():
    old, new = (parse_header(f"ENST1 cdna chromosome:GRCh38:1:1:9:1 gene:ENSG7.{version}").gene for version in (4, 5))
    assert old == new == "ENSG7"


@pytest.mark.parametrize("name", ["NC_000001.11", "scaffold_12", "2L"])
def test_other_names_are_kept_whole(name):
    assert normalise_chromosome(name) == name


def test_chromosomes_of_an_assembly_under_accessions():
    """With one that is named, the others are unplaced; where none is, they are the chromosomes."""
    assert chromosomes_of(["chr1", "KI270742.1", "chrX"]) == ["1", "", "X"]
    assert chromosomes_of(["CM000663.2", "CM000664.2"]) == ["CM000663.2", "CM000664.2"]
    assert chromosomes_of([]) == []


@pytest.mark.parametrize("start", ["9" * 16, "9" * 5000])
def test_a_place_of_more_digits_than_any_contig_is_no_place(start):
    """Python turns no text of more than 4300 digits into a number, and NumPy none beyond 64 bits."""
    names = (
        f"chr1:{start}-{start}(+)",
        f"r1 range=chr1:{start}-{start} strand=+",
        f"t cds chromosome:A:1:{start}:{start}:1",
    )
    for header in names:
        found = parse_header(header)
        assert (found.start, found.end) == (Origin().start, Origin().end)
