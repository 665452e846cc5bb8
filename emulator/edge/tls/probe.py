"""
Calls a URL with urllib and prints what came back. Used by clients.test.ts; roots come from SSL_CERT_FILE.
A second argument is the address to use for every name: some resolvers don't know names below localhost.
"""

import socket
import sys
import urllib.request

if len(sys.argv) > 2:
    resolve = socket.getaddrinfo
    socket.getaddrinfo = lambda host, *rest, **more: resolve(sys.argv[2], *rest, **more)
print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode())
