"""Chat with a language model: the whole answer at once, or word by word as server-sent events."""

import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import fal
from fal.exceptions import FieldException, catch_gpu_exceptions
from fastapi import Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from tiny import make_tiny_model

MODEL = "Qwen/Qwen3-4B-Instruct-2507"
# Set it where you deploy to try everything out on a CPU, with a small model of random weights.
TINY = os.environ.get("FAL_TEMPLATE_TINY") == "1"


class Message(BaseModel):
    role: Literal["system", "user", "assistant"] = Field(description="Whose message it is.", examples=["user"])
    content: str = Field(min_length=1, max_length=20_000, description="The text.", examples=["What is a GPU?"])


class Input(BaseModel):
    messages: list[Message] = Field(
        min_length=1,
        max_length=100,
        description="The conversation so far, which ends with a message of the user.",
        examples=[[{"role": "user", "content": "What is a GPU? One sentence."}]],
    )
    max_tokens: int = Field(default=256, ge=1, le=2048, description="The answer ends after this many tokens.")
    temperature: float = Field(
        default=0.7, ge=0, le=2, description="0: always the most likely words; higher: more variety."
    )


class Output(BaseModel):
    text: str = Field(description="The answer.", examples=["A GPU is a processor for many calculations at once."])
    finish_reason: Literal["stop", "length"] = Field(description="`length`: `max_tokens` was reached.")
    tokens: int = Field(description="The tokens of the answer.", examples=[12])


class Answer:
    """An answer while it is written; iterate over it for its pieces."""

    def __init__(self, tokenizer, model, prompt, max_tokens: int, temperature: float):
        self.tokenizer, self.model, self.prompt = tokenizer, model, prompt
        self.max_tokens, self.temperature = max_tokens, temperature
        self.tokens = 0
        self.finish_reason = "stop"
        self.stopped = threading.Event()

    def __iter__(self) -> Iterator[str]:
        from transformers import TextIteratorStreamer

        streamer = TextIteratorStreamer(self.tokenizer, skip_prompt=True, skip_special_tokens=True)
        failures: list[BaseException] = []

        def write():
            try:
                self._generate(streamer)
            except BaseException as error:
                failures.append(error)
            finally:
                streamer.on_finalized_text("", stream_end=True)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            yield from (piece for piece in streamer if piece)
        finally:
            # If the caller has gone, the model stops after the current token.
            self.stopped.set()
            writer.join()
            print(f"Wrote {self.tokens} tokens")
        if failures:
            raise failures[0]

    def _generate(self, streamer) -> None:
        import torch

        def should_stop(ids, _scores, **_rest):
            return torch.full((ids.shape[0],), self.stopped.is_set(), device=ids.device, dtype=torch.bool)

        sampling = {"do_sample": self.temperature > 0}
        if self.temperature > 0:
            sampling["temperature"] = self.temperature
        ids = self.model.generate(
            **self.prompt,
            **sampling,
            max_new_tokens=self.max_tokens,
            streamer=streamer,
            stopping_criteria=[should_stop],
        )[0][self.prompt["input_ids"].shape[1] :]
        self.tokens = len(ids)
        ends = self.model.generation_config.eos_token_id
        ended = int(ids[-1]) in (ends if isinstance(ends, list) else [ends])
        self.finish_reason = "stop" if ended else "length"


class Chat(fal.App):
    app_name = "chat"
    machine_type = "L" if TINY else "GPU-A100"
    keep_alive = 300
    max_concurrency = 2
    # A first start downloads the weights.
    startup_timeout = 1800
    local_python_modules = ["tiny"]
    requirements = [
        "torch==2.14.1",
        "transformers==5.20.2",
        "accelerate==1.15.0",
    ]

    def setup(self):
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        # fal keeps what Hugging Face downloads below /data/.cache/huggingface (HF_HOME): only the first runner of all
        # downloads the weights.
        name = make_tiny_model(Path(tempfile.mkdtemp())) if TINY else MODEL
        print(f"Loading {name} ...")
        started = time.monotonic()
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.tokenizer = AutoTokenizer.from_pretrained(name)
        self.model = AutoModelForCausalLM.from_pretrained(name, dtype="auto", device_map=self.device)
        # The first answer is slow, because kernels are chosen and loaded: write it here, so that no request waits.
        list(self._answer(Input(messages=[Message(role="user", content="Hi")], max_tokens=2)))
        print(f"Ready in {time.monotonic() - started:.1f} s on {self.device}")

    @fal.endpoint("/health", health_check=fal.HealthCheck(timeout_seconds=10, failure_threshold=3))
    def health(self) -> dict:
        import torch

        # A runner whose GPU has failed is replaced.
        torch.zeros(1, device=self.device).item()
        return {}

    @fal.endpoint("/")
    def chat(self, input: Input, response: Response) -> Output:
        answer = self._answer(input)
        with catch_gpu_exceptions():
            text = "".join(answer)
        # The price is per 1000 tokens.
        response.headers["x-fal-billable-units"] = f"{answer.tokens / 1000:.8f}"
        return Output(text=text, finish_reason=answer.finish_reason, tokens=answer.tokens)

    @fal.endpoint("/stream")
    def stream(self, input: Input) -> StreamingResponse:
        # What is wrong with the input is the answer's status, so it must be found before the first event.
        answer = self._answer(input)

        def events() -> Iterator[str]:
            try:
                for piece in answer:
                    yield event({"text": piece})
                yield event({"text": "", "finish_reason": answer.finish_reason, "tokens": answer.tokens})
            except Exception as error:
                print(f"The answer broke off: {error!r}")
                yield event({"error": "The answer broke off."})

        # The header goes out before the text: a stream costs as much as the tokens that were asked for.
        headers = {"x-fal-billable-units": f"{input.max_tokens / 1000:.8f}", "cache-control": "no-store"}
        return StreamingResponse(events(), media_type="text/event-stream", headers=headers)

    def _answer(self, input: Input) -> Answer:
        if input.messages[-1].role != "user":
            raise FieldException("messages", "The last message must be one of the user.")
        prompt = self.tokenizer.apply_chat_template(
            [message.model_dump() for message in input.messages],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        ).to(self.device)
        room = self.model.config.max_position_embeddings - input.max_tokens
        if prompt["input_ids"].shape[1] > room:
            raise FieldException("messages", f"The conversation is too long: it can have {room} tokens.")
        return Answer(self.tokenizer, self.model, prompt, input.max_tokens, input.temperature)


def event(data: dict) -> str:
    return f"data: {json.dumps(data)}\n\n"
