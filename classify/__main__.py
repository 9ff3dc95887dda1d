"""``python -m classify``: one module a command, imported only when it is called, so that help answers at once."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from specgen.cli import run_command

__all__ = ["main"]

COMMANDS = {
    "prepare": "exon starts of a genome and its annotation as labelled windows, in one file",
    "train": "train a model on a task, evaluate it on the test split, write its report",
    "evaluate": "score the test split of a finished run again, or other data with it",
    "predict": "class probabilities for the records of a FASTA or FASTQ file",
    "features": "the labels of single sequences ranked by probability: table, pictures, page",
    "scan": "a trained network over whole contigs: tracks, calls, precision and recall",
    "effects": "what the variants of a VCF do to what a trained network says: table, annotated VCF",
    "across": "train on each of several data sets, score on the test splits of all others",
    "ensemble": "several finished runs as one: the mean of their log probabilities",
    "explain": "attribution to letters and Grad-CAM of a trained run, and how much of it is in the CDS",
    "app": "a page on this machine: paste letters, see the verdict, the picture and the letters that decided",
    "dashboard": "single sequences by saliency, integrated gradients, mutagenesis and more, on one page",
    "motifs": "what the filters of a trained run look for: matrices, logos, matches in a database",
    "export": "a trained network for other tools: ONNX, checked in ONNX Runtime",
    "baselines": "fit the letter baselines on the same examples and splits",
    "markov": "perplexity of Markov chains on held-out blocks of genomes",
    "sample": "sequences drawn letter by letter from a network of the next base",
    "sweep": "search any settings of a run by its validation split",
    "compare": "several runs side by side: seeds together, intervals, paired tests, curves, a page",
    "cluster": "near-duplicate clusters of the records of FASTA files, for data.clusters",
    "download": "the files of a dataset card: resumed where they broke off, verified, pinned",
    "configs": "the settings files that come with the package: named, or written to a folder",
    "list": "name tasks, models, baselines, controls and views",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    return run_command("classify", COMMANDS, arguments)


if __name__ == "__main__":
    sys.exit(main())
