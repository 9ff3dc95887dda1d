"""The exon-start task: from a genome and its annotation to labelled windows in one file, and back. No torch in here."""
