"""Calls a URL with urllib and prints what came back. Used by clients.test.ts; roots come from SSL_CERT_FILE."""

import sys
import urllib.request

print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode())
