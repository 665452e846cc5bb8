"""Answers while somebody types: each message of a websocket gets an answer within milliseconds."""

import fal
from fal.exceptions import FieldException
from pydantic import BaseModel, Field


class Text(BaseModel):
    text: str = Field(max_length=10_000, description="The text so far.", examples=["Hello from a websocket"])


class Counts(BaseModel):
    words: int
    characters: int
    longest: str = Field(description="The longest word.")


def count(text: str) -> Counts:
    words = text.split()
    if not words:
        raise FieldException("text", "There are no words in this text.")
    return Counts(words=len(words), characters=len(text), longest=max(words, key=len))


class Realtime(fal.App):
    app_name = "realtime"
    machine_type = "XS"
    keep_alive = 60
    # How many connections a runner serves at the same time.
    max_multiplexing = 10

    # The messages are msgpack, which the clients write and read. With `buffering`, older messages that wait are
    # dropped: only the newest text matters.
    @fal.realtime("/realtime", buffering=1)
    async def live(self, input: Text) -> Counts:
        return count(input.text)

    # The same for a whole text, by plain HTTP.
    @fal.endpoint("/")
    async def once(self, input: Text) -> Counts:
        return count(input.text)
