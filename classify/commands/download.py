"""``python -m classify download``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from classify.cards import find_card, load_card
from classify.transfer import TransferSettings
from specgen.files import DATA_VARIABLE, expand
from specgen.parser import CommandParser


def run(arguments: Sequence[str]) -> None:
    """Have the files of a card in a folder, and say what became of each."""
    parser = CommandParser(
        prog="python -m classify download",
        description="Fetch the files of a dataset card: what is there and right is not fetched again, what broke off is "
        "resumed, everything is checked against the card, the publisher's list or the lock file of the first download.",
    )
    parser.add_argument("card", type=str, help="name of a card in data/, or a YAML file")
    parser.add_argument("--into", type=str, default="", help=f"folder; default: ${DATA_VARIABLE}/<name of the card>")
    parser.add_class_arguments(TransferSettings, None)
    parsed = parser.parse_args(list(arguments))
    card = load_card(find_card(parsed.card))
    folder = expand(parsed.into or f"${DATA_VARIABLE}/{card.name}")
    from classify.downloading import download

    settings = TransferSettings(**{item.name: parsed[item.name] for item in fields(TransferSettings)})
    for outcome in download(card, folder, settings):
        how = "resumed" if outcome.resumed else "fetched" if outcome.fetched else "was there"
        print(f"{folder / outcome.name}: {how}, {outcome.bytes} bytes, sha256 {outcome.sha256}", flush=True)
    print(f"licence: {card.licence}\ncite: {card.citation}")
