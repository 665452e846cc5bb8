"""The supervisor's state for one runner."""

from __future__ import annotations

from ..shared.addresses import Addresses
from ..shared.channel import Channel
from ..shared.lines import Lines
from ..shared.reports import LIMIT, Reports
from .launch import Launched


class Runner:
    def __init__(self, config: dict, launched: Launched):
        self.id: str = config["id"]
        self.keeper = launched.keeper
        self.main = 0
        self.terminating = False
        self.channel = Channel(launched.channel, LIMIT)
        own = Addresses.described(config["own"])
        self.reports = Reports(config["mode"], None if config["filtered"] and not own.alone else own)
        if config.get("debugger"):
            self.reports.may_wait()
        self.place = {
            **{"host": own.v4, "port": own.app_port, "metricsPort": config["metricsPort"]},
            **{"isReported": config["filtered"], "rules": config["rules"], "door": config["door"]},
        }
        """What is sent to the emulator once the runner has entered its namespaces."""
        self.status = launched.status
        self.status_rest = b""
        self.wait_status: int | None = None
        """The wait status of its main process, as reported by the keeper."""
        self.board = launched.board
        self.outputs: dict[int, Lines] = {}
        self.broken: str | None = None
        """Why it is being ended because of what it sent."""

    def alone(self) -> dict | None:
        """Labels of the request that is alone; None where only marks in the output say so."""
        return None if self.board is None else self.board.read()
