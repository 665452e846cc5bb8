"""Apps and functions as a user of fal writes them; registered by register.py, run by sdk.test.ts."""

import ipaddress
import json
import multiprocessing
import os
import subprocess
import sys
import threading
import urllib.request

import fal
import httpx
import rich
from fastapi import HTTPException, Request
from fastapi.responses import StreamingResponse
from fal.toolkit import download_file
from pydantic import BaseModel


class Input(BaseModel):
    name: str = "nobody"


class Output(BaseModel):
    text: str


def status_of(url: str) -> int:
    return urllib.request.urlopen(url).status


class Talker(fal.App):
    def setup(self):
        print("setup ran in", os.getpid())
        print("metrics port", dict(json.loads(os.environ["MINIFAL_RUNNER"])["own"]["given"])[9090])
        self.both_are_here = threading.Barrier(2)
        self.leaving = threading.Event()

    @fal.endpoint("/")
    def greet(self, input: Input) -> Output:
        print("begin", input.name)
        self.both_are_here.wait(20)
        print("end", input.name)
        return Output(text=f"hello {input.name}")

    @fal.endpoint("/until-signal")
    def until_signal(self, input: Input) -> Output:
        print("waiting for the signal")
        return Output(text=f"asked to leave: {self.leaving.wait(20)}")

    @fal.endpoint("/download")
    def download(self, input: Input) -> Output:
        try:
            text = download_file(input.name, "downloads").read_text()
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
        return Output(text=f"{text} {ipaddress.ip_address('127.0.0.1').is_loopback}")

    @fal.endpoint("/calls-itself")
    def call_itself(self, input: Input) -> Output:
        """By the port that it declares: from this process, from one that it forks, and from one that it starts."""
        url = "http://127.0.0.1:8080/health"
        script = f"import urllib.request; print(urllib.request.urlopen({url!r}).status)"
        child = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        context = multiprocessing.get_context("fork")
        forked = context.SimpleQueue()
        context.Process(target=lambda: forked.put(status_of(url))).start()
        return Output(text=f"{status_of(url)} {httpx.get(url).status_code} {forked.get()} {child.stdout.strip()}")

    @fal.endpoint("/headers")
    def headers(self, input: Input, request: Request) -> Output:
        """What an app sees of its platform: names of headers, and its variables."""
        return Output(text=" ".join([*request.headers, *os.environ, *os.environ.values()]))

    @fal.realtime("/realtime", buffering=1)
    def realtime(self, input: Input) -> Output:
        return Output(text=input.name)

    def handle_exit(self):
        self.leaving.set()

    def teardown(self):
        print("teardown ran")


class Failing(fal.App):
    def setup(self):
        raise RuntimeError("no weights here")

    @fal.endpoint("/")
    def run(self) -> Output:
        return Output(text="never")


class Faulty(fal.App):
    @fal.endpoint("/")
    def look_up(self, input: Input) -> Output:
        return Output(text={}[input.name])  # raises in look_up

    @fal.endpoint("/async")
    async def wait(self, input: Input) -> Output:
        raise OwnError(os.environ["FAL_KEY"])  # raises in wait

    @fal.endpoint("/stream")
    def stream(self, input: Input) -> StreamingResponse:
        def pieces():
            yield "data: 1\n\n"
            raise OwnError("after the first piece")  # raises in pieces

        return StreamingResponse(pieces(), media_type="text/event-stream")

    @fal.endpoint("/output")
    def wrong_output(self) -> Output:
        return Output(text=1)  # raises in wrong_output

    @fal.endpoint("/refused")
    def refuse(self) -> Output:
        raise HTTPException(418, "on purpose")


@fal.function(serve=True)
def served(input: Input) -> Output:
    return Output(text=f"served {input.name}")


@fal.function(serve=True)
def needy(input: Input) -> Output:
    """Only the client has the module."""
    return Output(text=rich.__name__)


@fal.function(exposed_port=8080)
def brought():
    import http.server

    http.server.HTTPServer(("0.0.0.0", 8080), http.server.SimpleHTTPRequestHandler).serve_forever()


class OwnError(Exception):
    pass


@fal.function()
def divide(a, b):
    print("dividing")
    if b == 0:
        try:
            a / b
        except ZeroDivisionError as error:
            raise OwnError("own words") from error
    return {"quotient": a / b}


@fal.function()
def endless():
    return (number for number in iter(int, 1))
