import bentoml
from app import Demo
from serving import caller


@bentoml.service
class service:  # noqa: N801
    def __init__(self):
        self.call = caller(Demo)

    @bentoml.api(route="/")
    def main(self, path: str, body: dict) -> dict:
        return self.call(path, body)
