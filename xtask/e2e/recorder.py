"""An upstream that keeps what reaches it: headers and bodies as they were sent, unlike the emulator."""

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Received:
    """One request."""

    headers: dict[str, str]
    body: bytes

    def json(self) -> dict:
        return json.loads(self.body)


class Recorder:
    """Answers every request with a message whose text is `text`."""

    def __init__(self):
        self.received: list[Received] = []
        self.text = "recorded"
        self.status = 200
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def last(self) -> Received:
        return self.received[-1]

    def end(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, received: Received) -> dict:
        return {
            "id": "msg_recorded",
            "type": "message",
            "role": "assistant",
            "model": received.json()["model"],
            "content": [{"type": "text", "text": self.text}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }

    def _handler(recorder):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                recorder.received.append(Received(headers, body))
                answer = json.dumps(recorder._answer(recorder.last())).encode()
                self.send_response(recorder.status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        return Handler


class Echo(Recorder):
    """Refuses every request with `status`, and repeats its headers in the words of AWS."""

    def _answer(self, received: Received) -> dict:
        headers = "\n".join(f"{name}:{value}" for name, value in received.headers.items())
        message = f"The Canonical String for this request should have been\n'POST\n/v1/messages\n\n{headers}'"
        return {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
