"""What all pages share: the Jinja2 environment, and how numbers, long names and pictures are put on a page."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

__all__ = ["METRICS", "data_uri", "digest", "number", "render", "shorten"]

LONGEST = 48
"""Characters of an id that the page shows; the rest is in its title."""

METRICS = {
    "perplexity": ("Perplexity", "↓"),
    "bits_per_base": ("Bits a base", "↓"),
    "accuracy": ("Accuracy", "↑"),
    "balanced_accuracy": ("Balanced accuracy", "↑"),
    "mcc": ("Matthews correlation", "↑"),
    "f1": ("F1", "↑"),
    "auroc": ("AUROC", "↑"),
    "auprc": ("Average precision", "↑"),
    "median_auroc": ("AUROC, median of labels", "↑"),
    "median_auprc": ("Average precision, median of labels", "↑"),
    "median_f1": ("F1, median of labels", "↑"),
    "micro_auroc": ("AUROC, all labels as one", "↑"),
    "micro_auprc": ("Average precision, all labels as one", "↑"),
    "micro_f1": ("F1, all labels as one", "↑"),
    "log_loss": ("Log loss [nats]", "↓"),
    "brier": ("Brier score", "↓"),
    "ece": ("Calibration error (ECE)", "↓"),
}
"""Heading of each metric, and which way is better."""


def shorten(text: str, length: int = LONGEST) -> str:
    """``text``, or its beginning and end around an ellipsis when longer than ``length`` characters."""
    if len(text) <= length:
        return text
    tail = length // 3
    return f"{text[: length - tail - 1]}…{text[-tail:]}"


def number(value: Any, digits: int = 3) -> str:
    """A number for people: None as a dash, whole numbers with thousands separators, others to ``digits`` places."""
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.{digits}f}"


def data_uri(content: bytes, kind: str = "image/png") -> str:
    """The bytes of a picture as an address, so that the page needs no other file."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def digest(text: str) -> str:
    """The name under which a content security policy allows an inline script or style: "sha256-..." of its UTF-8 bytes."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}"


def render(template: str, **values: Any) -> str:
    """A page from a file in ``templates``: everything is escaped, and a name that is missing is an error."""
    environment = Environment(
        loader=PackageLoader("classify.reporting"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(digest=digest, shorten=shorten, number=number)
    return environment.get_template(template).render(**values)
