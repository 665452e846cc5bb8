"""The client's half of a result: what a caller of `run` gets. Standard input: the fields of the SerializedObject."""

import json
import sys
import traceback

import fal  # noqa: F401
from isolate.connections.common import load_serialized_object

result = json.load(sys.stdin)
with open(result["file"], "rb") as file:
    raw = file.read()
try:
    value = load_serialized_object(
        result["method"],
        raw,
        was_it_raised=result["raised"],
        stringized_traceback=result.get("traceback"),
        exception_type_name=result.get("exceptionType"),
        exception_message=result.get("exceptionMessage"),
    )
    print(json.dumps({"value": value}))
except BaseException as error:
    cause = error.__cause__
    print(
        json.dumps(
            {
                "raised": type(error).__name__,
                "frames": [frame.name for frame in traceback.extract_tb(error.__traceback__)],
                "cause": f"{type(cause).__name__}: {cause}",
                "causeOfCause": type(cause.__cause__).__name__ if cause else None,
                "causeFrames": [frame.name for frame in traceback.extract_tb(cause.__traceback__)] if cause else [],
            }
        )
    )
