"""Counts primes, keeps the results under /data, and signs each answer with a secret."""

import hashlib
import hmac
import os
import tempfile
from pathlib import Path

import fal
from fal.exceptions import AppException
from fastapi import Response
from pydantic import BaseModel, Field

# /data is the same disk for all runners and revisions of all apps of the account: use a folder of its own.
CACHE = Path("/data/secrets-and-data/primes")

NO_KEY = "The app has no key. Run `fal secrets set SIGNING_KEY=...`, then deploy again."


class Input(BaseModel):
    below: int = Field(ge=2, le=20_000_000, description="Primes below this number are counted.", examples=[1000])


class Output(BaseModel):
    primes: int
    cached: bool = Field(description="Whether the result was found under /data.")
    signature: str = Field(description="HMAC-SHA256 of `BELOW:PRIMES` under the secret, in hex.")


class Forgotten(BaseModel):
    forgotten: bool = Field(description="Whether there was a result under /data.")


def count_primes(below: int) -> int:
    is_prime = bytearray([1]) * below
    is_prime[0:2] = b"\0\0"
    for number in range(2, int(below**0.5) + 1):
        if is_prime[number]:
            is_prime[number * number :: number] = bytes(len(range(number * number, below, number)))
    return sum(is_prime)


def write(file: Path, text: str) -> None:
    """Other runners may read the file at any time: it gets its name when it is complete."""
    with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as part:
        part.write(text)
    os.replace(part.name, file)


class SecretsAndData(fal.App):
    app_name = "secrets-and-data"
    machine_type = "XS"
    keep_alive = 60
    # Only these secrets become variables of the runner; without this line, all do.
    secrets = ["SIGNING_KEY"]

    def setup(self):
        # Never print a secret, and don't keep it under /data.
        self.key = os.environ.get("SIGNING_KEY", "").encode()
        CACHE.mkdir(parents=True, exist_ok=True)

    @fal.endpoint("/ready", health_check=fal.HealthCheck(timeout_seconds=5, failure_threshold=3))
    def ready(self) -> dict:
        # A runner that has lost its disk is replaced.
        CACHE.stat()
        return {}

    @fal.endpoint("/")
    def count(self, input: Input, response: Response) -> Output:
        if not self.key:
            raise AppException(NO_KEY, status_code=500)
        file = CACHE / f"{input.below}.txt"
        cached = file.exists()
        primes = int(file.read_text()) if cached else count_primes(input.below)
        if not cached:
            write(file, str(primes))
        print(f"{primes} primes below {input.below}, {'from /data' if cached else 'counted'}")
        # What was counted before is free.
        response.headers["x-fal-billable-units"] = "0" if cached else "1"
        signature = hmac.new(self.key, f"{input.below}:{primes}".encode(), hashlib.sha256).hexdigest()
        return Output(primes=primes, cached=cached, signature=signature)

    # Another endpoint of the same app, with its own input and output, at `/forget` after the app's name.
    @fal.endpoint("/forget")
    def forget(self, input: Input) -> Forgotten:
        try:
            (CACHE / f"{input.below}.txt").unlink()
        except FileNotFoundError:
            return Forgotten(forgotten=False)
        return Forgotten(forgotten=True)
