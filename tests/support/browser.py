"""A headless Chromium that tests steer by its DevTools protocol, over two pipes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO, Any

BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
_KEYS = {"Tab": 9, "Enter": 13}  # keys that tests press, by their codes


class Browser:
    """One page of a browser.

    Args:
        to: What commands are written to.
        back: What answers are read from.
    """

    def __init__(self, to: IO[bytes], back: IO[bytes]) -> None:
        self._to, self._back = to, back
        self._numbers = count(1)
        self._session: str | None = None
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the protocol, and return what it answers."""
        number = next(self._numbers)
        command = {"id": number, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        self._to.write(json.dumps(command).encode() + b"\0")
        self._to.flush()
        while (message := self._next_message()).get("id") != number:
            pass
        assert "error" not in message, message["error"]
        return dict(message["result"])

    def _next_message(self) -> dict[str, Any]:
        text = bytearray()
        while (byte := self._back.read(1)) != b"\0":
            assert byte, "the browser ended"
            text += byte
        return dict(json.loads(text))

    def open(
        self, page: Path | str, width: int, *, dark: bool = False, media: str = "screen"
    ) -> None:
        """Show a file or an address in a window of that width."""
        url = page if isinstance(page, str) else page.as_uri()
        self.send("Emulation.setDeviceMetricsOverride",
                  width=width, height=900, deviceScaleFactor=1, mobile=False)  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.send("Page.navigate", url=url)
        loaded = "new Promise(done => document.readyState === 'complete' ? done() : onload = done)"
        self.evaluate(loaded)

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression, awaited if it is a promise."""
        answer = self.send(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key and let it go."""
        code = {"key": key, "code": key, "windowsVirtualKeyCode": _KEYS[key]}
        text = {"text": "\r"} if key == "Enter" else {}
        self.send("Input.dispatchKeyEvent", type="keyDown", **code, **text)
        self.send("Input.dispatchKeyEvent", type="keyUp", **code)


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Start a browser, and end it."""
    commands, answers = os.pipe(), os.pipe()
    # it reads from descriptor 3 and writes to 4
    start = f'exec "$0" "$@" 3<&{commands[0]} 4>&{answers[1]}'
    flags = ["--headless=new", "--no-sandbox", "--remote-debugging-pipe", "--disable-gpu"]
    process = subprocess.Popen(
        ["bash", "-c", start, str(BROWSER), *flags, f"--user-data-dir={profile}"],
        pass_fds=(commands[0], answers[1]),
        stderr=subprocess.DEVNULL,
    )
    os.close(commands[0])
    os.close(answers[1])
    with os.fdopen(commands[1], "wb") as to, os.fdopen(answers[0], "rb") as back:
        try:
            yield Browser(to, back)
        finally:
            process.kill()
            process.wait()
