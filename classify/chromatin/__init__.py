"""Chromatin features: windows with several labels each, where they come from, and how well they are told."""
