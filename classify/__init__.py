"""Classify nucleotide sequences, as pictures or as letters, and report on it."""
