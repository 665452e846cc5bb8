import sys

from app import Demo
from serving import serve

app = serve(Demo)

if __name__ == "__main__":
    import uvicorn

    uvicorn.run(app, port=int(sys.argv[1]))
