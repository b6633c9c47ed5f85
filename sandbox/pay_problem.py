"""A refusal of WeChat Pay, as it stands in the body of a 4xx or 5xx answer."""


class PayProblem(Exception):
    """WeChat Pay says no; nothing changed."""

    def __init__(
        self, status: int, code: str, message: str, *, detail: dict[str, object] | None = None
    ) -> None:
        super().__init__(code)
        self.status = status
        self.body: dict[str, object] = {"code": code, "message": message}
        if detail is not None:
            self.body["detail"] = detail


def wrong_parameter(field: str, issue: str) -> PayProblem:
    """The refusal of one field of a request body is returned; `field` is its JSON pointer."""
    detail: dict[str, object] = {"location": "body", "field": field, "issue": issue}
    return PayProblem(400, "PARAM_ERROR", f"参数错误：{field} {issue}", detail=detail)
