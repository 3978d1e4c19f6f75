#!/usr/bin/env python3
"""A payload that a client cuts into requests of 1 KB is one payload to the rules that ask for it."""

import http.client

import lab

ACROSS = """\
rules:
  - name: card
    match: '\\b(?:\\d[ -]?){12,18}\\d\\b'
    validate: luhn
    where: request.body
    action: mask
    mask: {on: [wire, record]}
    across: {by: [principal, header X-Upload-Id], offset: header Upload-Offset, for: 1m}
  - name: drop-table
    match: 'drop table [a-z]{1,20}'
    where: request.body
    action: deny
    across: {by: [principal, header X-Upload-Id], offset: header Upload-Offset, for: 1m}
"""
CARD = b"4111111111111111"
PIECE = 1024


def cut(payload):
    return [(at, payload[at:at + PIECE]) for at in range(0, len(payload), PIECE)]


class Across(lab.LabTest):
    policy = lab.POLICY.replace("    rules: [pii/*]\n", "    rules: [local/*]\n", 1).replace("principals:", ACROSS + "principals:")

    def put(self, upload, pieces, connections=1):
        """Puts each piece into a file of its own, as nginx has it; the statuses."""
        clients = []
        for _ in range(connections):
            client = http.client.HTTPConnection("orders")
            client.sock = self.enterContext(self.connect())
            clients.append(client)
        statuses = []
        for i, (at, piece) in enumerate(pieces):
            client = clients[i % connections]
            client.request("PUT", f"/upload/{upload}/{at}", piece,
                           {"X-Upload-Id": upload, "Upload-Offset": str(at)})
            answer = client.getresponse()
            answer.read()
            statuses.append(answer.status)
        return statuses

    def uploaded(self, upload, pieces):
        """What the server has of them, in the payload's order."""
        return b"".join(self.get(f"/upload/{upload}/{at}").text for at, _ in sorted(pieces))

    def test_a_card_across_a_seam_is_hidden_from_there_on(self):
        for at in (PIECE - 1, PIECE - 8, PIECE - 15):
            payload = (b"." * at + CARD).ljust(4 * PIECE, b",")
            for order, connections in (("in order", 1), ("in order", 3), ("backward", 1)):
                with self.subTest(at=at, order=order, connections=connections):
                    upload = f"card-{at}-{order[:2]}-{connections}"
                    pieces = cut(payload)[::1 if order == "in order" else -1]
                    self.assertEqual(self.put(upload, pieces, connections), [201] * 4)
                    got = self.uploaded(upload, pieces)
                    before = PIECE - at
                    first, second = CARD[:before], CARD[before:]
                    hidden = first + b"*" * len(second) if order == "in order" else b"*" * len(first) + second
                    self.assertEqual(got, payload.replace(CARD, hidden))

    def test_a_risk_is_denied_in_the_piece_that_completes_it(self):
        payload = (b"-" * (PIECE - 6) + b"drop table orders").ljust(3 * PIECE, b"-")
        self.assertEqual(self.put("risk", cut(payload)), [201, 403, 201])
        self.assertEqual(self.put("half-1", cut(payload)[:1]) + self.put("half-2", cut(payload)[1:]), [201] * 3)

    def test_the_record_names_the_rule_and_hides_what_it_hides(self):
        payload = (b"." * (PIECE - 8) + CARD).ljust(2 * PIECE, b",")
        with self.connect() as client:
            name = client.getsockname()
            for at, piece in cut(payload):
                client.sendall(b"PUT /upload/record/%d HTTP/1.1\r\nHost: orders\r\nX-Upload-Id: record\r\n"
                               b"Upload-Offset: %d\r\nContent-Length: %d\r\n\r\n" % (at, at, len(piece)) + piece)
                self.assertEqual(lab.read_response(client, "PUT").status, 201)
        session = self.session_of(name)
        self.assertEqual(self.recorded_body(session["id"], 0, "request"), payload[:PIECE])
        self.assertEqual(self.recorded_body(session["id"], 1, "request"), b"*" * 8 + b"," * (PIECE - 8))
        units = self.session(session["id"])["units"]
        self.assertEqual([unit["request"]["hits"] for unit in units], [{}, {"local/card": 1}])


if __name__ == "__main__":
    lab.main()
