"""
WebRTC in a runner (`fal.wma`, aiortc). Peers are on this machine, so aioice offers loopback, which it omits by default,
and nothing else: no address that other machines can reach, and no query to a public STUN server, which takes seconds
where there is no network. An app's own TURN server is used as usual.
"""

from __future__ import annotations

from . import imports


def install() -> None:
    imports.after(lambda name: name == "aioice.ice", _stay_on_loopback)


def _stay_on_loopback(module) -> None:
    def get_host_addresses(use_ipv4, use_ipv6):
        return ["127.0.0.1"] if use_ipv4 else ["::1"]

    module.get_host_addresses = get_host_addresses
    make = module.Connection.__init__

    def make_without_stun(self, *args, **options):
        make(self, *args, **options)
        self.stun_server = None

    module.Connection.__init__ = make_without_stun
