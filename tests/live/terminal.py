"""A terminal that a program runs in: what it shows, and keys and clicks for it."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time

import sandbox as place

KEYS = {"enter": "\r", "esc": "\x1b", "down": "\x1b[B", "up": "\x1b[A", "ctrl-c": "\x03"}
WAIT_S = 20


class Terminal:
    """A program in a pseudo-terminal of its own; pyte keeps the screen."""

    def __init__(self, pyte, command, columns=100, lines=30, environment=None):
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.master, slave = pty.openpty()
        self.size(columns, lines)
        environment = {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8",
                       **(environment or {})}
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=slave, stdout=slave, stderr=slave,
            env=environment, start_new_session=True)
        os.close(slave)

    def size(self, columns, lines):
        """Another size, as a window manager gives it."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.screen.resize(lines, columns)
        if hasattr(self, "process"):
            self.process.send_signal(signal.SIGWINCH)

    def text(self):
        """What is on the screen now."""
        self._read(0.05)
        return "\n".join(line.rstrip() for line in self.screen.display)

    def press(self, *keys):
        """Keys by name, or text as typed."""
        os.write(self.master, "".join(KEYS.get(key, key) for key in keys).encode())

    def click(self, column, line, button=0):
        """A click, counted from 1."""
        self.press(f"\x1b[<{button};{column};{line}M", f"\x1b[<{button};{column};{line}m")

    def wait_for(self, *words):
        """The screen, once all the words stand on it."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            shown = self.text()
            if all(word in shown for word in words):
                return shown
        raise AssertionError(f"{words} are not on the screen:\n{self.text()}")

    def line_of(self, word):
        """The line, counted from 1, that has the word."""
        lines = self.wait_for(word).splitlines()
        return next(number for number, line in enumerate(lines, 1) if word in line)

    def end(self):
        """Waits for the program; gives its exit code."""
        place.wait_until(lambda: self._read(0.05) or self.process.poll() is not None, WAIT_S,
                         "the program in the terminal ends")
        return self.process.returncode

    def close(self):
        """Ends it if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)

    def _read(self, seconds):
        while select.select([self.master], [], [], seconds)[0]:
            with contextlib.suppress(OSError):
                data = os.read(self.master, 65536)
                self.raw += data
                self.stream.feed(data)
                continue
            break
        return False
