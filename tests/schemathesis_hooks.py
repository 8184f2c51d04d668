"""What the schema cannot say to schemathesis."""

import base64
import itertools
import json
import os
import re

import schemathesis
from hypothesis import strategies as st

# A cursor is a text that a page gave out: base64url of the JSON of a sort key.
CURSORS = st.uuids().map(
    lambda key: base64.urlsafe_b64encode(json.dumps(str(key)).encode()).decode().rstrip("=")
)
schemathesis.openapi.format("cursor", CURSORS)


# The smallest PNG: one grey pixel. What a picture is, is told from the content, whatever it is announced as.
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)
for kind in ["image/jpeg", "image/png", "image/webp"]:
    schemathesis.openapi.media_type(kind, st.just(PIXEL))


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


KEY = "Idempotency-Key"
NUMBERS = itertools.count()
# Objects that exist, so that not every read ends at a 404.
EXISTING = {"org_": os.environ.get("DROPMATE_ORGANIZATION"), "user_": os.environ.get("DROPMATE_USER")}


@schemathesis.hook
def before_call(context, case, kwargs):
    """A key names one attempt; the examples would send the same key with many bodies, which is refused (422)."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    key = (case.headers or {}).get(KEY)
    if isinstance(key, str) and re.fullmatch("[!-~]{1,255}", key):
        number = str(next(NUMBERS))
        case.headers[KEY] = key[: -len(number)] + number
    ident = (case.path_parameters or {}).get("id")
    if isinstance(ident, str):
        for prefix, existing in EXISTING.items():
            if existing and re.fullmatch(prefix + "01h455vb4pex5vsknk084sn02q", ident):
                case.path_parameters["id"] = existing
