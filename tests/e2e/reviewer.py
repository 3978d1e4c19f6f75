"""What a reviewer sees and does, for tests of the lab."""

from labkit import api
from labkit.processes import wait_until


class Reviewer:
    def holds(self, state="live"):
        return api.get(self.lab.appliance.api, f"/v1/holds?state={state}&limit=1000")["holds"]

    def wait_for_hold(self, known=(), state="live"):
        found = []

        def look():
            found[:] = [hold for hold in self.holds(state) if hold["id"] not in known]
            return bool(found)

        self.assertTrue(wait_until(look, 10, 0.02), "no hold came to control")
        return found[0]

    def state_of(self, hold):
        return api.get(self.lab.appliance.api, "/v1/holds/" + hold["id"])["state"]

    def assert_state(self, hold, state):
        wait_until(lambda: self.state_of(hold) == state, 10, 0.05)
        self.assertEqual(self.state_of(hold), state)

    def decide(self, verb, hold, *options):
        done = self.lab.appliance.cli("holds", verb, hold["id"], *options)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)

    def take_back_orders(self):
        for order in api.get(self.lab.appliance.api, "/v1/orders")["orders"]:
            self.assertEqual(self.lab.appliance.cli("grants", "revoke", str(order["order"])).returncode, 0)
