"""
Sends one request through the queue with the real fal_client and prints its life. Arguments: app id, input JSON file.
"""

import json
import sys
import time

import fal_client

app_id, input_file = sys.argv[1:]
with open(input_file) as file:
    arguments = json.load(file)

started = time.monotonic()
last = None
printed = 0


def show(text):
    print(f"  {time.monotonic() - started:6.2f} s  {text}", flush=True)


handle = fal_client.submit(app_id, arguments=arguments)
show(f"submitted as {handle.request_id}")
for status in handle.iter_events(with_logs=True, interval=0.05):
    name = {"Queued": "IN_QUEUE", "InProgress": "IN_PROGRESS", "Completed": "COMPLETED"}[type(status).__name__]
    if name == "IN_QUEUE":
        name += f" (position {status.position})"
    lines = (getattr(status, "logs", None) or [])[printed:]
    if name != last and name != "COMPLETED":
        show(name)
    for line in lines:
        show(f"    log  {line['message']}")
        printed += 1
    if name != last and name == "COMPLETED":
        show(name)
    last = name
print("RESULT " + json.dumps(handle.get()), flush=True)
