"""Sweeps: a search over any settings of a run, by validation alone. Needs the extra ``sweep`` (Optuna)."""
