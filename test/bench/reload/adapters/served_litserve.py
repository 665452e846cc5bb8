import sys

import litserve as ls
from app import Demo
from serving import caller


class Served(ls.LitAPI):
    def setup(self, device):
        self.call = caller(Demo)

    def decode_request(self, request):
        return request

    def predict(self, request):
        return self.call(request["path"], request["body"])

    def encode_response(self, output):
        return output


if __name__ == "__main__":
    ls.LitServer(Served(api_path="/"), accelerator="cpu").run(
        host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False
    )
