"""TCP servers as Linux lists them, and which process they belong to."""

from __future__ import annotations

import ipaddress
import os
import struct
import sys
from typing import NamedTuple

from ..shared import addresses, kernel

_LISTEN = "0A"


class Server(NamedTuple):
    inode: int
    host: str
    port: int

    @property
    def is_outside(self) -> bool:
        """Whether other machines can reach it."""
        return not ipaddress.ip_address(self.host).is_loopback

    @property
    def reachable_at(self) -> str:
        """The address at which this machine reaches it."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)


def servers() -> list[Server]:
    """All TCP servers of the machine."""
    found = []
    for table in ("tcp", "tcp6"):
        try:
            with open(f"/proc/self/net/{table}") as file:
                next(file)
                for line in file:
                    columns = line.split()
                    # Listening sockets come first in the table.
                    if columns[3] != _LISTEN:
                        break
                    host, port = columns[1].split(":")
                    found.append(Server(int(columns[9]), addresses.plain(_host(host)), int(port, 16)))
        except OSError:
            continue
    return found


def inodes_below(process: int) -> set[int]:
    """Inodes of the sockets that descendants of the process hold open."""
    found = set()
    for pid in _descendants(process):
        try:
            names = os.listdir(f"/proc/{pid}/fd")
        except OSError:
            continue
        for name in names:
            try:
                target = os.readlink(f"/proc/{pid}/fd/{name}")
            except OSError:
                continue
            if target.startswith("socket:["):
                found.add(int(target[8:-1]))
    return found


def _descendants(process: int) -> set[int]:
    found: set[int] = set()
    left = [process]
    while left:
        new = set(kernel.children(left.pop())) - found
        found |= new
        left += new
    return found


def _host(hexadecimal: str) -> str:
    """The table holds words in the machine's byte order."""
    order = "<" if sys.byteorder == "little" else ">"
    words = [int(hexadecimal[at : at + 8], 16) for at in range(0, len(hexadecimal), 8)]
    return str(ipaddress.ip_address(struct.pack(f"{order}{len(words)}I", *words)))
