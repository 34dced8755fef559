"""What a trial's process and the one that began it say to each other: JSON, and arrays as bytes."""

from __future__ import annotations

import json
from multiprocessing.connection import Connection
from typing import Any

from safetensors import SafetensorError

from bench.training.evaluate import Evaluation, unpack_evaluation
from registry.errors import RunError

_MOST_BYTES = 2**31 - 1


def send(connection: Connection, what: str, **values: object) -> None:
    """Send one message; `values` are such as JSON has.

    Raises:
        OSError: nobody listens.
    """
    connection.send_bytes(json.dumps({"what": what, **values}).encode())


def receive(connection: Connection) -> dict[str, Any]:
    """Return the next message.

    Raises:
        EOFError: there will be none.
        RunError: it is no message.
    """
    try:
        message = json.loads(connection.recv_bytes(_MOST_BYTES))
        if not isinstance(message, dict) or not isinstance(message.get("what"), str):
            raise ValueError("no message")
    except (EOFError, ConnectionError) as error:  # reset: it has gone with our message unread
        raise EOFError from error
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"the trial's process said what can't be understood: {error}") from error
    return message


def receive_answers(connection: Connection, loss: float, accuracy: float) -> Evaluation:
    """Return the test's answers, sent as `pack_evaluation` gives them.

    Raises:
        RunError: it is something else.
    """
    try:
        return unpack_evaluation(connection.recv_bytes(_MOST_BYTES), loss, accuracy)
    except (EOFError, OSError, SafetensorError, TypeError, ValueError) as error:
        raise RunError(f"the trial's process gave no answers: {error}") from error
