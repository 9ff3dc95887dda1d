"""Benchmarks: how fast specgen is, beside what else would do the work. Run as modules from the root of the project.

    python -m benchmarks.rendering --seconds 5 --repeats 3 --out benchmarks/rendering.md

Nothing here is imported by the packages or by the tests.
"""
