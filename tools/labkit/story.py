"""What every demo has: a lab, a terminal, and the CLI as one would type it."""

from labkit.lab import Lab
from labkit.terminal import Terminal


class Story:
    def __init__(self):
        self.lab = Lab()
        self.say = Terminal()

    def down(self):
        """Ends what the story started."""
        self.lab.down()

    def cli(self, *arguments, limit=40, mark=()):
        """Runs the CLI and shows it as one would type it."""
        self.say.command("sluice " + " ".join(f'"{one}"' if " " in one else one for one in arguments))
        done = self.lab.appliance.cli(*arguments)
        self.say.output(done.stdout + done.stderr, limit, mark)
        return done
