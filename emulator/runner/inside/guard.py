"""
The SDK's toolkit refuses to download from loopback (docs/platform/runner-process.md#downloads), where the emulator
serves its files. Here `ipaddress` reports the emulator's own addresses as public to the SDK's check, and to no other
caller.
"""

from __future__ import annotations

import ipaddress
import sys

_ASKER = "fal.toolkit.utils.ssrf"
_ASKED = ("is_private", "is_loopback", "is_reserved")


def install(addresses: list[str]) -> None:
    """
    `addresses`: only these are allowed. The check may have been pickled by value, so it is recognized by its module
    name.
    """
    allowed = frozenset(ipaddress.ip_address(address) for address in addresses)
    for kind in (ipaddress.IPv4Address, ipaddress.IPv6Address):
        for name in _ASKED:
            _answer(kind, name, getattr(kind, name).fget, allowed)


def _answer(kind, name: str, original, allowed) -> None:
    def answer(self):
        if self in allowed and sys._getframe(1).f_globals.get("__name__") == _ASKER:
            return False
        return original(self)

    setattr(kind, name, property(answer, doc=original.__doc__))
