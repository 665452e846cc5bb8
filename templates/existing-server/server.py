"""The server as it was before, with nothing of fal in it. Replace it by yours."""

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field


class Text(BaseModel):
    text: str = Field(max_length=100_000, description="The text to count.", examples=["Hello from a server"])


class Counts(BaseModel):
    words: int
    characters: int
    longest: str = Field(description="The longest word.")


def create_app() -> FastAPI:
    app = FastAPI(title="Word count")

    @app.get("/health")
    def health() -> dict:
        return {}

    @app.post("/")
    def count(body: Text) -> Counts:
        words = body.text.split()
        if not words:
            raise HTTPException(status_code=422, detail="There are no words in this text.")
        return Counts(words=len(words), characters=len(body.text), longest=max(words, key=len))

    return app
