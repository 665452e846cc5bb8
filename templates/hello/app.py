"""The smallest app: one endpoint, no requirements of its own."""

import fal
from pydantic import BaseModel, Field


class Input(BaseModel):
    name: str = Field(default="world", max_length=100, description="Who is greeted.", examples=["world"])


class Output(BaseModel):
    message: str = Field(description="The greeting.", examples=["Hello, world!"])


class Hello(fal.App):
    app_name = "hello"
    machine_type = "XS"
    keep_alive = 60

    @fal.endpoint("/")
    def hello(self, input: Input) -> Output:
        print(f"Saying hello to {input.name}")
        return Output(message=f"Hello, {input.name}!")
