#!/usr/bin/env python3
"""Held requests between real peers: what a reviewer sees, what a decision does, and that the server hears nothing before it."""

import re
import select
import socket
import threading
import time

import lab
import reviewer
from labkit import namespaces, nginx
from labkit.processes import wait_until

RUNAWAY = "10.77.0.65"  # a second caller in the client's namespace
LONG = 60 if lab.BIG else 3  # seconds that somebody thinks about a request


def policy(limit, hold):
    return lab.POLICY.replace("  - {name: lab-client, from: 10.77.0.64/26}\n", f"""\
  - {{name: shop, from: 10.77.0.64/32}}
  - name: ci-chunker
    from: {RUNAWAY}/32
    limits:
      - {limit}
""").replace("    rules: [pii/*]\n", f"    rules: [pii/*]\n    hold: {hold}\n")


class Holds(reviewer.Reviewer, lab.LabTest):
    policy = policy("{rate: 1/h, burst: 1, then: hold, name: pieces}", "{timeout: 5m}")

    @classmethod
    def raise_lab(cls):
        super().raise_lab()
        namespaces.run("ip", "-n", cls.lab.client, "address", "add", RUNAWAY + "/24", "dev", cls.lab.client_tap)

    def setUp(self):
        # A limit of another name has buckets of its own: each test begins with one request that passes.
        self.limit = self.id().rsplit(".", 1)[1].replace("test_", "").replace("_", "-")[:60]
        self.use("{rate: 1/h, burst: 1, then: hold, name: %s}" % self.limit)

    def use(self, limit, hold="{timeout: 5m}"):
        self.lab.write_policy(policy(limit, hold))
        self.lab.appliance.push(self.lab.policy)

    # The runaway.

    def runaway(self, port=lab.Lab.port):
        client = namespaces.open_socket(self.lab.client)
        client.settimeout(30 + LONG)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.bind((RUNAWAY, 0))
        client.connect((self.lab.server_address, port))
        self.addCleanup(client.close)
        return client

    @staticmethod
    def put(client, name, body=b"x" * 1024):
        client.sendall(f"PUT /upload/{name} HTTP/1.1\r\nHost: orders\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    def served(self, name=""):
        """Requests of the runaway in the server's own log."""
        return sum(line.startswith(RUNAWAY + ":") and name in line for line in nginx.access_log(self.lab.nginx_folder()))

    def use_up(self, client, port=lab.Lab.port):
        """The one request that passes."""
        self.put(client, "first")
        self.assertLess(lab.read_response(client).status, 300)

    def ask_until_held(self, client):
        """The command returns when the order is kept; the data plane has it a moment later."""
        for _ in range(50):
            client.sendall(b"GET /1k HTTP/1.1\r\nHost: orders\r\n\r\n")
            if not select.select([client], [], [], 0.5)[0]:
                return
            self.assertEqual(lab.read_response(client).status, 200)
        self.fail("no request was held")

    def held(self):
        """A connection whose second request is held, and the hold."""
        client = self.runaway()
        self.use_up(client)
        self.put(client, self.limit)
        return client, self.wait_for_hold()

    # What must hold.

    def test_an_approved_request_goes_on_as_if_nothing_had_been(self):
        client, hold = self.held()
        self.assertEqual((hold["service"], hold["principal"], hold["cause"]), ("orders", "ci-chunker", "limit"))
        shown = self.lab.appliance.cli("holds", "show", hold["id"])
        self.assertIn(f"PUT /upload/{self.limit}", shown.stdout)
        time.sleep(LONG)
        self.assertEqual(self.served(self.limit), 0)
        self.decide("approve", hold, "--reason", "looked at it")
        self.assertEqual(lab.read_response(client).status, 201)
        self.assert_state(hold, "passed")
        self.assertTrue(wait_until(lambda: self.served(self.limit) == 1, 5))
        address = "%s:%d" % client.getsockname()
        client.close()
        session = self.wait_for_sessions(1, of=lambda session: session["client"] == address)[0]
        told = self.session(session["id"])["units"][1]["request"]["held"]
        self.assertEqual((told["hold"], told["passed"], told["reason"]), (hold["id"], True, "looked at it"))

    def test_a_body_that_comes_after_its_head_was_told_is_shown_too(self):
        client = self.runaway()
        self.use_up(client)
        body = b"it came later"
        client.sendall(f"PUT /upload/{self.limit} HTTP/1.1\r\nHost: orders\r\n"
                       f"Content-Length: {len(body)}\r\n\r\n".encode())
        hold = self.wait_for_hold()
        time.sleep(0.3)
        client.sendall(body)

        def shown():
            return self.lab.appliance.cli("holds", "show", hold["id"]).stdout

        wait_until(lambda: body.decode() in shown(), 5, 0.1)
        self.assertIn(body.decode(), shown())
        self.assertIn(f"PUT /upload/{self.limit}", shown())
        self.decide("approve", hold)
        self.assertEqual(lab.read_response(client).status, 201)

    def test_a_rejected_request_is_refused_and_the_connection_lives_on(self):
        client, hold = self.held()
        self.decide("reject", hold, "--reason", "who owns this?")
        answer = lab.read_response(client)
        self.assertEqual(answer.status, 403)
        self.assertIn(hold["id"].encode(), answer.text)
        self.assert_state(hold, "denied")
        self.assertEqual(self.served(self.limit), 0)
        self.put(client, self.limit + "-again")
        self.decide("approve", self.wait_for_hold({hold["id"]}))
        self.assertEqual(lab.read_response(client).status, 201)

    def test_one_decision_ends_a_whole_runaway_and_its_neighbour_goes_on(self):
        self.use("{rate: 20/h, burst: 20, then: hold, name: %s}" % self.limit)
        before = self.served()
        statuses, stop = [], threading.Event()

        def neighbour():
            while not stop.is_set():
                statuses.append(self.get("/1k").status)

        calm = threading.Thread(target=neighbour)
        calm.start()
        self.addCleanup(stop.set)
        clients = [self.runaway() for _ in range(4)]
        answered = []

        def run(number, client):
            for piece in range(1000):
                self.put(client, f"{self.limit}-{number}-{piece}")
                answered.append(lab.read_response(client).status)
                if answered[-1] == 403:
                    return

        threads = [threading.Thread(target=run, args=each) for each in enumerate(clients)]
        for thread in threads:
            thread.start()
        self.assertTrue(wait_until(lambda: len(self.holds()) == 4, 10, 0.05))
        self.assertEqual(answered.count(201), 20)
        self.assertEqual(self.served() - before, 20)
        self.addCleanup(self.take_back_orders)
        self.decide("reject", self.holds()[0], "--scope", "principal", "--for", "1h", "--reason", "runaway")
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(answered), [201] * 20 + [403] * 4)
        self.assertTrue(wait_until(lambda: not self.holds(), 5, 0.05), "holds are open that were decided")
        late = self.runaway()
        self.put(late, self.limit + "-late")
        self.assertEqual(lab.read_response(late).status, 403)
        self.assertEqual(self.served() - before, 20)
        told = self.lab.appliance.cli("incident", "--principal", "ci-chunker", "--since", "10m")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertRegex(told.stdout, r"(?m)^- .*  order \d+: deny for principal ci-chunker, service orders, by root: runaway$")
        stop.set()
        calm.join()
        self.assertGreater(len(statuses), 10)
        self.assertEqual(set(statuses), {200})

    def test_who_cannot_wait_gets_a_ticket_and_passes_once_when_it_is_approved(self):
        self.use("{rate: 1/h, burst: 1, then: hold, name: %s}" % self.limit, "{timeout: 5m, ticket: true}")
        client = self.runaway()
        self.use_up(client)

        def ask(body):
            self.put(client, self.limit, body)
            answer = lab.read_response(client)
            return answer.status, answer.getheader("Sluice-Ticket")

        status, ticket = ask(b"first of its kind")
        self.assertEqual(status, 403)
        hold = self.wait_for_hold()
        self.assertEqual((hold["id"], hold["ticket"]), (ticket, True))
        self.assertIn("first of its kind", self.lab.appliance.cli("holds", "show", ticket).stdout)
        self.assertEqual(ask(b"first of its kind"), (403, ticket))
        self.decide("approve", hold, "--reason", "once")
        self.assert_state(hold, "passed")
        self.assertEqual(self.served(self.limit), 0)
        changed = ask(b"first of its kinD")
        self.assertEqual(changed[0], 403)
        self.assertNotIn(changed[1], (None, ticket))
        self.assertEqual(ask(b"first of its kind"), (201, None))
        self.assertTrue(wait_until(lambda: self.served(self.limit) == 1, 5))
        self.assertEqual(ask(b"first of its kind")[0], 403)  # it is used up
        self.assertTrue(wait_until(lambda: changed[1] in [hold["id"] for hold in self.holds()], 5, 0.02))
        self.decide("reject", {"id": changed[1]}, "--reason", "not this one")
        self.assert_state({"id": changed[1]}, "denied")
        self.assertEqual(ask(b"first of its kinD"), (403, None))
        self.assertEqual(self.served(self.limit), 1)

    def test_a_client_that_gives_up_ends_its_hold(self):
        client, hold = self.held()
        client.close()
        self.assert_state(hold, "abandoned")
        self.assertEqual(self.served(self.limit), 0)

    def test_when_nobody_decides_the_policy_does(self):
        for outcome, status in (("deny", 403), ("pass", 201)):
            self.use("{rate: 1/h, burst: 1, then: hold, name: %s-%s}" % (self.limit[:50], outcome),
                     "{timeout: 1s, on_timeout: %s}" % outcome)
            known = {hold["id"] for hold in self.holds("all")}
            client = self.runaway()
            self.use_up(client)
            self.put(client, self.limit)
            hold = self.wait_for_hold(known, "all")  # it may be over before anybody looks
            self.assertEqual(lab.read_response(client).status, status)
            self.assert_state(hold, "expired")

    def test_control_may_die_and_come_back(self):
        client, hold = self.held()
        left = hold["remaining_ns"]
        self.lab.appliance.control.kill()
        time.sleep(1.2)
        self.lab.appliance.start_control()
        self.lab.appliance.wait_connected(15)
        again = self.wait_for_hold()
        self.assertEqual(again["id"], hold["id"])
        self.assertLess(again["remaining_ns"], left - 1_000_000_000)
        self.decide("approve", again)
        self.assertEqual(lab.read_response(client).status, 201)

    def test_a_data_plane_that_dies_leaves_no_hold_open(self):
        client, hold = self.held()
        self.lab.appliance.dataplane.kill()
        self.lab.appliance.start_dataplane()
        self.lab.appliance.wait_connected()
        self.assert_state(hold, "lost")
        self.assertTrue(wait_until(self.lab.is_ready, 20, 0.1))

    def test_a_pause_holds_what_comes_and_resume_lets_it_go(self):
        self.addCleanup(self.take_back_orders)  # where resuming fails
        done = self.lab.appliance.cli("pause", "--principal", "shop", "--reason", "a look")
        self.assertEqual(done.returncode, 0, done.stderr)
        with self.connect() as client:
            self.ask_until_held(client)
            hold = self.wait_for_hold()
            self.assertEqual((hold["principal"], hold["cause"]), ("shop", "order"))
            done = self.lab.appliance.cli("resume", "--principal", "shop")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(lab.read_response(client).status, 200)

    def test_a_server_that_closes_meanwhile_is_called_anew(self):
        heard = []

        def impatient(connection):
            connection.settimeout(1)
            while True:
                try:
                    asked = lab.read_head(connection)
                except socket.timeout:
                    return
                if asked is None:
                    return
                head, body = asked
                length = int(re.search(r"(?i)content-length: (\d+)", head).group(1))
                while len(body) < length:
                    body += connection.recv(65536)
                heard.append((head.split()[1], len(body)))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

        with lab.Server(self.lab, impatient):
            client = self.runaway(lab.ODD_PORT)
            self.use_up(client)
            self.put(client, self.limit)
            hold = self.wait_for_hold()
            time.sleep(2.5)
            self.decide("approve", hold)
            self.assertEqual(lab.read_response(client).status, 200)
            self.assertEqual(heard, [("/upload/first", 1024), ("/upload/" + self.limit, 1024)])

    def test_keepalives_are_answered_while_a_request_is_held(self):
        client = self.runaway()
        for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 2),
                              (socket.TCP_USER_TIMEOUT, 2000)):
            client.setsockopt(socket.IPPROTO_TCP, option, value)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.use_up(client)
        self.put(client, self.limit, b"y" * 300_000)  # more than a window
        hold = self.wait_for_hold()
        time.sleep(max(LONG, 6))
        self.decide("approve", hold)
        self.assertEqual(lab.read_response(client).status, 201)
        self.assertTrue(wait_until(lambda: self.served(self.limit) == 1, 5))


if __name__ == "__main__":
    lab.main()
