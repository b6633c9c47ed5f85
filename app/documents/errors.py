"""Why a paper could not be set or sealed. Each is a fact with its figures; none is shown raw."""

from datetime import datetime


class FontMissing(RuntimeError):
    """The package that carries the Chinese font is not installed, so no paper can be set."""


class MomentWithoutZone(ValueError):
    """A moment was given without its time zone, so it names no instant."""

    def __init__(self, *, moment: datetime) -> None:
        super().__init__(f"{moment.isoformat()} has no time zone")
        self.moment = moment


class AgreementTextChanged(ValueError):
    """The text to be printed is not the text whose hash was stated."""

    def __init__(self, *, stated: str, actual: str) -> None:
        super().__init__(f"text hash is {actual}, stated {stated}")
        self.stated = stated
        self.actual = actual


class SealUnusable(ValueError):
    """The seal's key and certificates cannot make a signature that would be believed."""


class PaperAlreadySealed(ValueError):
    """The paper carries a seal; a second one would be a change after the first."""
