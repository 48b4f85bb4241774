"""Why a push provider refuses a push, in each provider's own words.

Apple's are those of "Handling notification responses from APNs", Google's those of "FCM REST reference", ErrorCode;
what Google's older interface said instead is in its "HTTP protocol", downstream message error response codes.
"""

from collections.abc import Mapping
from typing import NamedTuple

APNS: Mapping[str, int] = {
    "BadCollapseId": 400,
    "BadDeviceToken": 400,
    "BadExpirationDate": 400,
    "BadMessageId": 400,
    "BadPriority": 400,
    "BadTopic": 400,
    "DeviceTokenNotForTopic": 400,
    "DuplicateHeaders": 400,
    "IdleTimeout": 400,
    "InvalidPushType": 400,
    "MissingDeviceToken": 400,
    "MissingTopic": 400,
    "PayloadEmpty": 400,
    "TopicDisallowed": 400,
    "BadCertificate": 403,
    "BadCertificateEnvironment": 403,
    "ExpiredProviderToken": 403,
    "Forbidden": 403,
    "InvalidProviderToken": 403,
    "MissingProviderToken": 403,
    "UnrelatedKeyIdInToken": 403,
    "BadEnvironmentKeyInToken": 403,
    "BadPath": 404,
    "MethodNotAllowed": 405,
    "ExpiredToken": 410,
    "Unregistered": 410,
    "PayloadTooLarge": 413,
    "TooManyProviderTokenUpdates": 429,
    "TooManyRequests": 429,
    "InternalServerError": 500,
    "ServiceUnavailable": 503,
    "Shutdown": 503,
}
"""Each reason with its HTTP status."""


class FcmError(NamedTuple):
    """How FCM says a reason: HTTP's status, the name that all of Google's interfaces have for it, words for people.

    `older`: what it is in the interface before (`/fcm/send`).
    """

    status: int
    name: str
    text: str
    older: str


FCM: Mapping[str, FcmError] = {
    "INVALID_ARGUMENT": FcmError(
        400, "INVALID_ARGUMENT", "Request contains an invalid argument.", "InvalidRegistration"
    ),
    "THIRD_PARTY_AUTH_ERROR": FcmError(
        401, "UNAUTHENTICATED", "The certificate or key for APNs is missing or invalid.", "InvalidApnsCredential"
    ),
    "SENDER_ID_MISMATCH": FcmError(
        403, "PERMISSION_DENIED", "The token belongs to another sender.", "MismatchSenderId"
    ),
    "UNREGISTERED": FcmError(404, "NOT_FOUND", "Requested entity was not found.", "NotRegistered"),
    "QUOTA_EXCEEDED": FcmError(
        429, "RESOURCE_EXHAUSTED", "The sending limit is exceeded.", "DeviceMessageRateExceeded"
    ),
    "INTERNAL": FcmError(500, "INTERNAL", "Internal error encountered.", "InternalServerError"),
    "UNAVAILABLE": FcmError(503, "UNAVAILABLE", "The service is currently unavailable.", "Unavailable"),
}

ALL = (*APNS, *FCM)
