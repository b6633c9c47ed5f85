"""What a bill says otherwise, gathered: one matter for each kind and number."""

from dataclasses import dataclass

from app.models import WechatPayment
from app.services.payment_cases import Difference

UNFIT = "bill-unfit"
ONLY_IN_BILL, NOT_IN_BILL, DIFFERS, TWICE = (
    "only-in-bill",
    "not-in-bill",
    "bill-differs",
    "twice-in-bill",
)


@dataclass(frozen=True)
class Matter:
    """A difference that is a case: its numbers at WeChat and with us, and the fields of it."""

    kind: str
    number: str
    our_no: str
    found: tuple[Difference, ...]
    payment_id: int | None = None


class Matters:
    """Gathers differences; those of the same kind and number are one matter."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Matter] = {}

    def add(
        self,
        kind: str,
        number: str,
        our_no: str,
        *found: Difference,
        payment: WechatPayment | None = None,
    ) -> None:
        """The differences belong to this matter; none make none."""
        if not found:
            return
        before = self._found.get((kind, number))
        already = before.found if before else ()
        payment_id = None if payment is None else payment.id
        self._found[kind, number] = Matter(
            kind=kind,
            number=number,
            our_no=before.our_no if before else our_no,
            found=tuple(dict.fromkeys((*already, *found))),
            payment_id=before.payment_id if before else payment_id,
        )

    def has_any_of(self, field: str) -> bool:
        """Whether a difference of this field was found."""
        return any(each.field == field for matter in self.all() for each in matter.found)

    def all(self) -> tuple[Matter, ...]:
        """Everything found, by kind and number."""
        return tuple(self._found[key] for key in sorted(self._found))


def differing(*pairs: tuple[str, object, object]) -> list[Difference]:
    """(field, expected, found) of those that differ, in words."""
    return [
        Difference(name, str(expected), str(found))
        for name, expected, found in pairs
        if expected != found
    ]
