"""Figures and the HTML page of a finished run. Reads the run folder's files; never trains, never predicts."""
