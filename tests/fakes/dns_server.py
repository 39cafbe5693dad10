"""A DNS server on loopback that knows TXT records, can fail and can be silent."""

from __future__ import annotations

import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.fakes.serving import serving


class FakeDns:
    """What it answers: `records` by name; `rcode` other than 0 fails everything."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.records: dict[str, list[str]] = {}
        self.rcode = dns.rcode.NOERROR
        self.is_silent = False
        self.asked: list[str] = []

    def answer(self, wire: bytes) -> bytes | None:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True)
        self.asked.append(name)
        if self.is_silent:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        response.set_rcode(self.rcode)
        texts = self.records.get(name.lower())
        if self.rcode == dns.rcode.NOERROR and texts is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif self.rcode == dns.rcode.NOERROR and texts:
            quoted = [f'"{text}"' for text in texts]
            response.answer.append(
                dns.rrset.from_text(question.name, 60, "IN", "TXT", *quoted)
            )
        return response.to_wire()


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        wire, sock = self.request
        answer = self.server.fake.answer(wire)  # type: ignore[attr-defined]
        if answer is not None:
            sock.sendto(answer, self.client_address)


@contextmanager
def dns_server() -> Iterator[FakeDns]:
    """Run the server while the block lasts."""
    server: Any = socketserver.ThreadingUDPServer(("127.0.0.1", 0), _Handler)
    server.fake = FakeDns(server.server_address[1])
    with serving(server):
        yield server.fake
