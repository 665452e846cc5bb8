"""Calls a TLS port with one client and prints what came back: `ok`, or the client's own complaint. Used by clients.test.ts.

usage: probe.py urllib|httpx|requests|grpcio URL_OR_TARGET   (roots come from SSL_CERT_FILE and its siblings)
"""

import sys


def urllib_client(url):
    import urllib.request

    return urllib.request.urlopen(url, timeout=10).read().decode()


def httpx_client(url):
    import httpx

    return httpx.get(url, timeout=10).text


def requests_client(url):
    import requests

    return requests.get(url, timeout=10).text


def grpcio_client(target):
    import grpc

    channel = grpc.secure_channel(target, grpc.ssl_channel_credentials())
    call = channel.unary_unary("/probe.Probe/Ping", lambda b: b, lambda b: b)
    return call(b"ping", timeout=10).decode()


client = {
    "urllib": urllib_client,
    "httpx": httpx_client,
    "requests": requests_client,
    "grpcio": grpcio_client,
}[sys.argv[1]]
try:
    print(client(sys.argv[2]))
except ImportError as missing:
    print(f"absent: {missing.name}")
except Exception as error:
    print(f"refused: {type(error).__name__}: {error}")
