"""Papers a member can keep: set by typst, sealed with the centre's certificate, checked later."""

from typing import Any

from flask import Flask, current_app

from app.documents.errors import SealUnusable
from app.documents.seal import Seal
from app.settings import SealSettings

__all__ = ["Seal", "SealUnusable", "centre_seal", "install"]


def install(app: Flask, settings: SealSettings) -> None:
    """The app seals its papers with the key and certificate its settings name."""
    app.extensions["lingcun-seal"] = Seal.load(
        key_file=settings.key_file, cert_file=settings.cert_file, ca_file=settings.ca_file
    )


def centre_seal() -> Seal:
    """The centre's seal of this app."""
    found: Any = current_app.extensions["lingcun-seal"]
    seal: Seal = found
    return seal
