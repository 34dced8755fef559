"""The process of a trial that `fresh.py` starts: its job comes by stdin, its messages go to stdout.

What the network prints goes to stderr.
"""

import _thread
import os
import signal
import threading

from bench.engines.channel import PipeChannel
from bench.engines.child import run_to_exit
from bench.engines.fresh import STOP

_MOST_BYTES = 2**31 - 1


def main() -> None:
    """Run the one trial that arrives on stdin, and exit."""
    channel = PipeChannel(os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb"))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    run_to_exit(lambda: _run(channel))


def _run(channel: PipeChannel) -> None:
    from bench.engines import job  # seconds

    listener = _Listener(channel)
    os.chdir(os.fsdecode(listener.recv_bytes(_MOST_BYTES)))
    job.run(listener, listener.heed_stops)


class _Listener:
    """The channel as the job sees it: stops come by it, too, as signals to this process."""

    def __init__(self, channel: PipeChannel) -> None:
        self._channel, self._stopped = channel, False

    def send_bytes(self, buf: bytes, /) -> None:
        """Send a message; raise OSError if nobody listens."""
        self._channel.send_bytes(buf)

    def recv_bytes(self, maxlength: int, /) -> bytes:
        """Return the next message that is no stop; raise EOFError if none comes."""
        while (message := self._channel.recv_bytes(maxlength)) == STOP:
            self._stopped = True
        return message

    def heed_stops(self) -> None:
        """Raise SIGTERM for each stop, also for earlier ones; exit once the other end is closed."""
        threading.Thread(target=self._heed, daemon=True).start()

    def _heed(self) -> None:
        if self._stopped:
            _thread.interrupt_main(signal.SIGTERM)
        while self._channel.wait():
            if self._channel.recv_bytes(_MOST_BYTES) == STOP:
                _thread.interrupt_main(signal.SIGTERM)
        os._exit(1)
