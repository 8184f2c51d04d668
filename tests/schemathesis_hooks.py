"""What the schema cannot say to schemathesis."""

import base64
import json

import schemathesis
from hypothesis import strategies as st

# A cursor is a text that a page gave out: base64url of the JSON of a sort key.
CURSORS = st.uuids().map(
    lambda key: base64.urlsafe_b64encode(json.dumps(str(key)).encode()).decode().rstrip("=")
)
schemathesis.openapi.format("cursor", CURSORS)


def has_integral_float(value):
    """Integers refuse 67.0 (docs/api-design.md); JSON Schema takes it for an integer."""
    if isinstance(value, float):
        return value.is_integer()
    if isinstance(value, dict):
        return any(has_integral_float(item) for item in value.values())
    if isinstance(value, list):
        return any(has_integral_float(item) for item in value)
    return False


@schemathesis.hook
def filter_body(context, body):
    return not has_integral_float(body)


@schemathesis.hook
def filter_query(context, query):
    return not has_integral_float(query)
