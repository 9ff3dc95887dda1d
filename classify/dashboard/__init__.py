"""Dashboards of single sequences: what a trained network reads in each letter, by several methods side by side."""
