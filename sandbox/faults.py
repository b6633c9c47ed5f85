"""What a tester may break: switches and counters, all off by default."""

import threading

# name -> (what it is when nobody asked for a fault)
DEFAULTS: dict[str, bool | int] = {
    # Payments made and refunds finished meanwhile send no notice until someone asks for a resend.
    "no_notice": False,
    # So many next calls of any kind to WeChat Pay:
    "system_errors": 0,  # answer 500 and have no effect
    "too_many_requests": 0,  # answer 429 and have no effect
    "unsigned_answers": 0,  # have their effect, and nobody signs the answer
    "wrongly_signed_answers": 0,  # have their effect, and the signature is another answer's
    "errors_after_effect": 0,  # have their effect, and answer 500
    "slow_drips": 0,  # have their effect, and the answer drips for timeout_s
    "fail_prepay": 0,  # so many next orders answer 500 and have no effect
    "timeout_prepay_after_effect": 0,  # so many next orders take effect but answer late
    "fail_query": 0,  # so many next queries answer 500
    "fail_refund": 0,  # so many next refunds answer 500 and have no effect
    "timeout_refund_before_effect": 0,  # so many next refunds answer 500, late, and have no effect
    "timeout_refund_after_effect": 0,  # so many next refunds take effect but answer late
    "refund_error_after_effect": 0,  # so many next refunds take effect but answer 500
    "fail_refund_query": 0,  # so many next queries of a refund answer 500
    "fail_transfer": 0,  # so many next transfers answer 500 and have no effect
    "timeout_transfer_after_effect": 0,  # so many next transfers take effect but answer late
    "transfer_error_after_effect": 0,  # so many next transfers take effect but answer 500
    "fail_transfer_query": 0,  # so many next queries of transfers answer 500
    # So many next bills, of trade or of fund flow, hold together and are wrong all the same:
    "bill_line_missing": 0,
    "bill_line_extra": 0,  # a line of no transaction
    "bill_line_doubled": 0,
    "bill_fen_off": 0,  # one fen too much in a line and in the sums
    # or do not even hold together:
    "bill_wrong_summary": 0,
    "bill_wrong_hash": 0,
    "bill_no_bom": 0,
    "bill_creating": 0,  # so many next bills are still being made, whatever the hour
    "bill_truncated": 0,  # so many next downloads end early
    "bill_slow": 0,  # so many next downloads drip for timeout_s
    "bill_faults_in_fundflow": False,  # the bill faults hit fund flow bills and no trade bill
    "timeout_s": 10,  # how late a late answer is
}


class UnknownFault(Exception):
    """A fault nobody built, or a value it cannot have."""


class Faults:
    """The faults in force. Counters count down as they are used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values = dict(DEFAULTS)

    def values(self) -> dict[str, bool | int]:
        """The faults in force are returned, by name."""
        with self._lock:
            return dict(self._values)

    def replace(self, asked: dict[str, object]) -> None:
        """Exactly the faults in `asked` are in force; those not named are off.

        Raises UnknownFault for a name or a kind of value that does not exist.
        """
        values = dict(DEFAULTS)
        for name, value in asked.items():
            if name not in DEFAULTS:
                raise UnknownFault(f"no fault {name!r}; there are {', '.join(DEFAULTS)}")
            kind = type(DEFAULTS[name])
            # JSON true is an int to Python, and no count.
            if not isinstance(value, int) or type(value) is not kind or value < 0:
                raise UnknownFault(f"{name} is a {kind.__name__}, not {value!r}")
            values[name] = value
        with self._lock:
            self._values = values

    def is_on(self, name: str) -> bool:
        """True is returned while the switch `name` is on."""
        return bool(self.values()[name])

    def take(self, name: str) -> bool:
        """True is returned, and the counter `name` is one lower, if it was above zero."""
        with self._lock:
            if not self._values[name]:
                return False
            self._values[name] -= 1
            return True
