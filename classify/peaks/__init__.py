"""Peaks of a genome: reading them, choosing windows around them, dividing contigs between splits, and places that are none."""
