"""Motifs: what the filters of a network look for, as matrices, logos and names, and where it lies in sequences.

``matrices``, ``formats``, ``similarity`` and ``tomtom`` know matrices alone, ``hits`` matrices and letters; ``layers``,
``filters``, ``coactivation`` and ``seqlets`` take a trained network; ``discovery`` is the command. No network is trained here.
"""
