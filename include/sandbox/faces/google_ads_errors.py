"""How Google Ads refuses: a GoogleAdsFailure inside Google's own error envelope."""

from __future__ import annotations

from typing import Any

_STATUS = {
    400: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
    403: ("PERMISSION_DENIED", "The caller does not have permission"),
    404: ("NOT_FOUND", "Requested entity was not found."),
    429: ("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    500: ("INTERNAL", "Internal error encountered."),
    502: ("UNAVAILABLE", "The service is currently unavailable."),
    503: ("UNAVAILABLE", "The service is currently unavailable."),
}


class Refused(Exception):
    """A call answered with a failure: `kind` is the family of the error code ("queryError"), `code` its value, `field`
    the field of the request that is meant, `details` the family's own details."""

    def __init__(
        self,
        status: int,
        kind: str,
        code: str,
        message: str,
        *,
        field: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.kind, self.code, self.message = status, kind, code, message
        self.field, self.details = field, details

    def body(self, version: str, request_id: str) -> dict[str, Any]:
        """The error as proto3 JSON, its types named as of `version`."""
        error: dict[str, Any] = {"errorCode": {self.kind: self.code}, "message": self.message}
        if self.field:
            error["location"] = {"fieldPathElements": [{"fieldName": self.field}]}
        if self.details:
            error["details"] = self.details
        failure = {
            "@type": f"type.googleapis.com/google.ads.googleads.{version}.errors.GoogleAdsFailure",
            "errors": [error],
            "requestId": request_id,
        }
        status, message = _STATUS[self.status]
        return {"error": {"code": self.status, "message": message, "status": status, "details": [failure]}}
