"""Reads handwritten digits. A runner takes many requests at the same time, and the model answers them in batches."""

import asyncio
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import fal
from fal.exceptions import AppException, FieldException
from fastapi import Response
from pydantic import BaseModel, Field

# How many requests the model answers in one call, at most.
MAX_BATCH = 32
# How long the first request of a batch waits for others, in seconds.
MAX_WAIT = 0.005

# /data is the same disk for all runners: only the first one of all trains the model.
WEIGHTS = Path("/data/batching/digits-1.json")

SEVEN = [
    [0, 0, 7, 8, 13, 16, 15, 1],
    [0, 0, 7, 7, 4, 11, 12, 0],
    [0, 0, 0, 0, 8, 13, 1, 0],
    [0, 4, 8, 8, 15, 15, 6, 0],
    [0, 2, 11, 15, 15, 4, 0, 0],
    [0, 0, 0, 16, 5, 0, 0, 0],
    [0, 0, 9, 15, 1, 0, 0, 0],
    [0, 0, 13, 5, 0, 0, 0, 0],
]

Row = Annotated[list[Annotated[float, Field(ge=0, le=16)]], Field(min_length=8, max_length=8)]


class Input(BaseModel):
    pixels: list[Row] = Field(
        min_length=8,
        max_length=8,
        description="The picture: 8 rows of 8 pixels from 0 (paper) to 16 (ink).",
        examples=[SEVEN],
    )


class Output(BaseModel):
    digit: int = Field(description="The digit, from 0 to 9.", examples=[7])
    confidence: float = Field(description="How sure the model is, from 0 to 1.", examples=[0.99])
    batch: int = Field(description="How many requests were answered together.", examples=[1])


class Batches:
    """Collects what several requests need, and has a function do it in one call. Meanwhile, the next batch collects."""

    def __init__(self, answer_all: Callable[[list], list]):
        self.answer_all = answer_all
        self.waiting: asyncio.Queue = asyncio.Queue()
        self.worker: asyncio.Task | None = None

    async def ask(self, item):
        """The item's answer, and the size of the batch that it was in."""
        if self.worker is None:
            self.worker = asyncio.create_task(self._work())
        answer = asyncio.get_running_loop().create_future()
        self.waiting.put_nowait((item, answer))
        return await answer

    async def _work(self):
        while True:
            batch = [await self.waiting.get()]
            await asyncio.sleep(MAX_WAIT)
            while len(batch) < MAX_BATCH and not self.waiting.empty():
                batch.append(self.waiting.get_nowait())
            # The answer of a caller that has gone is cancelled.
            batch = [(item, answer) for item, answer in batch if not answer.done()]
            if not batch:
                continue
            try:
                # In a thread: the runner can take the next requests in the meantime.
                answers = await asyncio.to_thread(self.answer_all, [item for item, _ in batch])
            except Exception as error:
                print(f"A batch of {len(batch)} failed: {error!r}")
                answers = [AppException("The model failed.", status_code=500)] * len(batch)
            for (_, answer), value in zip(batch, answers):
                if answer.done():
                    continue
                if isinstance(value, Exception):
                    answer.set_exception(value)
                else:
                    answer.set_result((value, len(batch)))


def train() -> dict:
    """The weights of a model of the 1,797 pictures that scikit-learn brings."""
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression

    digits = load_digits()
    model = LogisticRegression(max_iter=300).fit(digits.data / 16, digits.target)
    return {"coef": model.coef_.tolist(), "intercept": model.intercept_.tolist()}


def write(file: Path, text: str) -> None:
    """Other runners may read the file at any time: it gets its name when it is complete."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as part:
        part.write(text)
    os.replace(part.name, file)


class Batching(fal.App):
    app_name = "batching"
    machine_type = "S"
    keep_alive = 60
    # How many requests a runner takes at the same time. The endpoint must be async, so that they can wait together.
    max_multiplexing = 64
    max_concurrency = 2
    requirements = ["scikit-learn==1.7.2"]

    def setup(self):
        import numpy
        from sklearn.linear_model import LogisticRegression

        if not WEIGHTS.exists():
            print("Training the model ...")
            write(WEIGHTS, json.dumps(train()))
        weights = json.loads(WEIGHTS.read_text())
        self.model = LogisticRegression()
        self.model.coef_ = numpy.array(weights["coef"])
        self.model.intercept_ = numpy.array(weights["intercept"])
        self.model.classes_ = numpy.arange(10)
        self.batches = Batches(self._read_all)
        # A first call warms the model up, and shows that it is right.
        [(digit, _)] = self._read_all([SEVEN])
        if digit != 7:
            raise RuntimeError(f"The model reads a seven as {digit}. Delete {WEIGHTS}, and start again.")

    @fal.endpoint("/health", health_check=fal.HealthCheck(timeout_seconds=10, failure_threshold=3))
    async def health(self) -> dict:
        # Answered while the model is busy with requests.
        return {}

    @fal.endpoint("/")
    async def read(self, input: Input, response: Response) -> Output:
        if not any(map(any, input.pixels)):
            raise FieldException("pixels", "This picture is empty.")
        (digit, confidence), batch = await self.batches.ask(input.pixels)
        response.headers["x-fal-billable-units"] = "1"
        return Output(digit=digit, confidence=confidence, batch=batch)

    def _read_all(self, pictures: list) -> list[tuple[int, float]]:
        import numpy

        # One call for all of them: that is what makes batches worth it, above all on a GPU.
        chances = self.model.predict_proba(numpy.array(pictures).reshape(len(pictures), 64) / 16)
        print(f"Read {len(pictures)} pictures in one call")
        return [(int(one.argmax()), float(one.max())) for one in chances]
