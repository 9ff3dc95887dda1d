"""A trained network over whole contigs: probabilities at every position, peaks, tracks, and how good the peaks are."""
