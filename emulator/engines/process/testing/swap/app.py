"""An app as a user of fal writes it, whose code swap.test.ts changes while it runs."""

import asyncio
import gc
import json
import multiprocessing
import os
import subprocess
import threading
import time
import urllib.request
import uuid

import fal
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

COUNT = 0


class Input(BaseModel):
    name: str = "nobody"


class Output(BaseModel):
    text: str


def helper(name: str) -> str:
    return f"old {name}"


def first() -> str:
    return "0"


def second() -> str:
    return "0"


class Demo(fal.App):
    def setup(self):
        time.sleep(float(os.environ.get("SETUP_SECONDS", "0")))
        self.model = uuid.uuid4().hex
        self.proceed = threading.Event()
        self.begun = threading.Semaphore(0)
        self.entries, self.options = {}, {"unchanged": True}
        print("setup ran")

    @fal.endpoint("/")
    def main(self, input: Input) -> Output:
        return Output(text=f"{helper(input.name)} {self.model}")

    @fal.endpoint("/pair")
    def pair(self, input: Input) -> Output:
        one = first()
        time.sleep(0.002)
        return Output(text=f"{one} {second()}")

    @fal.endpoint("/pair-async")
    async def pair_async(self, input: Input) -> Output:
        one = first()
        await asyncio.sleep(0.002)
        return Output(text=f"{one} {second()}")

    @fal.endpoint("/slow")
    def slow(self, input: Input) -> Output:
        self.begun.release()
        self.proceed.wait(20)
        return Output(text=helper("slow"))

    @fal.endpoint("/slow-async")
    async def slow_async(self, input: Input) -> Output:
        self.begun.release()
        while not self.proceed.is_set():
            await asyncio.sleep(0.01)
        return Output(text=helper("slow async"))

    @fal.endpoint("/nested")
    def call_itself(self, input: Input) -> Output:
        self.begun.release()
        self.proceed.wait(20)
        headers = {"content-type": "application/json"}
        request = urllib.request.Request("http://127.0.0.1:8080/", b'{"name": "myself"}', headers)
        with urllib.request.urlopen(request) as answer:
            return Output(text="nested " + json.load(answer)["text"])

    @fal.endpoint("/other")
    def other(self, input: Input) -> Output:
        self.begun.release()
        self.proceed.wait(20)
        return Output(text="unaffected")

    @fal.endpoint("/stream")
    def stream(self, input: Input) -> StreamingResponse:
        def pieces():
            yield f"data: {helper('first')}\n\n"
            self.proceed.wait(20)
            yield f"data: {helper('last')}\n\n"

        return StreamingResponse(pieces(), media_type="text/event-stream")

    @fal.endpoint("/begun")
    def wait_for_begin(self, input: Input) -> Output:
        self.begun.acquire(timeout=20)
        return Output(text="begun")

    @fal.endpoint("/proceed")
    def let_proceed(self, input: Input) -> Output:
        """Lets those continue that wait, when one of them has begun."""
        self.begun.acquire(timeout=20)
        threading.Timer(float(input.name), self.proceed.set).start()
        return Output(text="soon")

    @fal.endpoint("/cache")
    def cache(self, input: Input) -> Output:
        self.heavy = object()
        self.entries[input.name] = self.heavy
        return Output(text="kept")

    @fal.endpoint("/loop")
    def start_loop(self, input: Input) -> Output:
        threading.Thread(target=self.loop, name="looping", daemon=True).start()
        return Output(text="started")

    def loop(self):
        while True:
            time.sleep(0.01)

    @fal.endpoint("/process")
    def start_process(self, input: Input) -> Output:
        """Starts a process for some seconds: by `fork`, or `spawn`, or another program."""
        if input.name == "program":
            subprocess.Popen(["sleep", "1000"])
        else:
            process = multiprocessing.get_context(input.name).Process(target=time.sleep, args=(1000,), daemon=True)
            process.start()
            threading.Timer(2, process.kill).start()
        return Output(text="started")

    @fal.endpoint("/threads")
    def threads(self, input: Input) -> Output:
        return Output(text=" ".join(sorted(thread.name for thread in threading.enumerate())))

    @fal.endpoint("/memory")
    def memory(self, input: Input) -> Output:
        """Applications of the SDK that exist, and the process's memory in kB."""
        gc.collect()
        apps = sum(type(found).__name__ == "FalFastAPI" for found in gc.get_objects())
        with open("/proc/self/status") as status:
            kilobytes = next(line.split()[1] for line in status if line.startswith("VmRSS"))
        return Output(text=f"{apps} {kilobytes}")

    @fal.realtime("/realtime", buffering=1)
    def talk(self, input: Input) -> Output:
        return Output(text=helper("talk"))

    def teardown(self):
        print(helper("teardown"))


@fal.function(serve=True)
def served(input: Input) -> Output:
    return Output(text=helper("served"))
