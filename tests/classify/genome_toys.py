"""Small genomes with genes, as FASTA and GTF text, made up for tests of exon starts."""

import gzip

import numpy as np

ALPHABET = np.array(list("ACGT"))
COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


def gtf_line(contig, feature, start, end, strand, gene, transcript):
    return (
        f'{contig}\ttoy\t{feature}\t{start}\t{end}\t.\t{strand}\t.\tgene_id "{gene}"; transcript_id "{transcript}";\n'
    )


def gtf(genes, feature="exon"):
    """``{gene: (contig, strand, {transcript: [(start, end), ...]})}`` as GTF."""
    return "".join(
        gtf_line(contig, feature, start, end, strand, gene, transcript)
        for gene, (contig, strand, transcripts) in genes.items()
        for transcript, exons in transcripts.items()
        for start, end in exons
    )


def fasta(contigs, width=60):
    return "".join(
        f">{name} made up\n" + "".join(f"{text[i : i + width]}\n" for i in range(0, len(text), width))
        for name, text in contigs.items()
    )


def random_genes(rng, contigs, n, longest=900):
    """Genes of one to four exons and one or two transcripts, anywhere, so that some overlap."""
    genes = {}
    for i in range(n):
        name = list(contigs)[int(rng.integers(len(contigs)))]
        size = int(rng.integers(120, longest))
        low = int(rng.integers(1, len(contigs[name]) - size))
        edges = np.sort(rng.choice(np.arange(1, size // 10), 2 * int(rng.integers(1, 5)), replace=False)) * 10
        exons = [(low + int(a), low + int(b)) for a, b in edges.reshape(-1, 2)]
        transcripts = {f"g{i}.1": exons}
        if len(exons) > 1 and rng.random() < 0.5:
            transcripts[f"g{i}.2"] = exons[1:] if rng.random() < 0.5 else exons[:-1]
        genes[f"g{i}"] = (name, "+-"[int(rng.integers(2))], transcripts)
    return genes


def random_genome(rng, lengths, unknown=0.0):
    """Contig name -> letters; a share of them in one run of N."""
    found = {}
    for name, length in lengths.items():
        letters = ALPHABET[rng.integers(0, 4, length)]
        run = int(unknown * length)
        low = int(rng.integers(0, length - run + 1))
        letters[low : low + run] = "N"
        found[name] = "".join(letters)
    return found


def write(folder, contigs, genes, *, packed=False):
    """Paths of genome.fa and genes.gtf."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"genome.fa": fasta(contigs), "genes.gtf": genes if isinstance(genes, str) else gtf(genes)}
    paths = []
    for name, text in texts.items():
        path = folder / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
        paths.append(str(path))
    return paths


def window(text, position, strand, width):
    """Naive: the window around a 1-based position, '=' beyond the ends, in transcript direction."""
    at = position - 1 - width // 2
    letters = "".join(text[i] if 0 <= i < len(text) else "=" for i in range(at, at + width))
    return letters if strand > 0 else letters.translate(COMPLEMENT)[::-1]
