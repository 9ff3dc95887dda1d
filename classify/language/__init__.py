"""Genomes as text: their letters, their blocks and splits, and what short contexts alone tell of the next base."""
