"""``python -m specgen simulate``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from specgen.errors import InputError
from specgen.parser import CommandParser
from specgen.sequences import Codes, decode
from specgen.simulate import SimulationSettings

ABOUT = """Made-up sequences to try commands on: transcripts (coding.fa, noncoding.fa), or a genome with genes (genome.fa,
genes.gtf). Results on them say nothing of real data."""

KINDS = ("transcripts", "genome")


def run(arguments: Sequence[str]) -> None:
    """Write two files, and name them."""
    parser = CommandParser(prog="python -m specgen simulate", description=ABOUT)
    parser.add_argument("kind", type=str, help=" or ".join(KINDS))
    parser.add_argument("--out", type=str, required=True, help="folder of the two files")
    parser.add_argument("--records", type=SimulationSettings, default=SimulationSettings(n=300))
    parsed = parser.instantiate(parser.parse_args(list(arguments)))
    if parsed.kind not in KINDS:
        raise InputError(f"simulate: expected {' or '.join(KINDS)}, got {parsed.kind!r}")
    out = Path(parsed.out)
    texts = (_transcripts if parsed.kind == KINDS[0] else _genome)(parsed.records)
    for name in texts:
        if (out / name).exists():
            raise InputError(f"{out / name}: is there already; expected a folder without it")
    from specgen.files import write_atomic

    for name, text in texts.items():
        many = text.count(">") if name.endswith(".fa") else text.count("\n")
        print(f"{write_atomic(out / name, text)}: {many} {_WHAT[name]}")


_WHAT = {"coding.fa": "records", "noncoding.fa": "records", "genome.fa": "contigs", "genes.gtf": "exons"}


def _fasta(name: str, codes: Codes) -> str:
    letters = decode(codes)
    return f">{name}\n" + "".join(f"{letters[i : i + 70]}\n" for i in range(0, len(letters), 70))


def _transcripts(settings: SimulationSettings) -> dict[str, str]:
    from specgen.simulate import simulate

    found: dict[str, list[str]] = {"coding.fa": [], "noncoding.fa": []}
    for record in simulate(settings):
        # As Ensembl writes it, so that genes and chromosomes are read from the header.
        place = f"chromosome:simulated:{record.chromosome.removeprefix('sim')}:1:{len(record.codes)}:1"
        title = f"{record.name} cdna {place} gene:{record.gene}"
        found["coding.fa" if record.coding else "noncoding.fa"].append(_fasta(title, record.codes))
    return {name: "".join(records) for name, records in found.items()}


def _genome(settings: SimulationSettings) -> dict[str, str]:
    from specgen.simulated_genome import SimulatedGene, simulate_genome

    def rows(contig: str, gene: SimulatedGene) -> Iterator[str]:
        for low, high in gene.exons:
            told = f'gene_id "{gene.name}"; transcript_id "{gene.name}.1";'
            yield "\t".join((contig, "simulated", "exon", str(low), str(high), ".", gene.strand, ".", told)) + "\n"

    contigs = list(simulate_genome(settings))
    return {
        "genome.fa": "".join(_fasta(contig.name, contig.codes) for contig in contigs),
        "genes.gtf": "".join(row for contig in contigs for gene in contig.genes for row in rows(contig.name, gene)),
    }
