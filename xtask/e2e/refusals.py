"""How a refusal reads to the real clients: the same things, wherever a dialect keeps them."""

from dataclasses import dataclass

import anthropic
import openai

from gateway import Setup


@dataclass(frozen=True)
class Refusal:
    """What a client can read of an error."""

    status: int
    type: str
    code: str | None
    message: str
    metadata: dict
    headers: dict

    @property
    def told(self) -> tuple:
        """Status, code, cause and whose fault it is."""
        return (self.status, self.code, self.metadata.get("cause"), self.metadata.get("fault"))

    @property
    def fix(self) -> str:
        return self.metadata["fix"]

    @property
    def said(self) -> str:
        """The upstream's own sentence."""
        return self.metadata.get("raw") or self.message


def by_openai(setup: Setup, text: str = "Hello") -> Refusal:
    with openai.OpenAI(api_key=setup.key, base_url=setup.v1, max_retries=0, timeout=30) as client:
        try:
            client.chat.completions.create(
                model=setup.model, max_tokens=100, messages=[{"role": "user", "content": text}]
            )
        except openai.APIStatusError as error:
            body = error.body
            return Refusal(
                error.status_code,
                error.type,
                error.code,
                body["message"],
                body.get("metadata", {}),
                error.response.headers,
            )
    raise AssertionError("it was answered")


def by_anthropic(setup: Setup, text: str = "Hello") -> Refusal:
    with anthropic.Anthropic(
        api_key=setup.key, base_url=setup.address, max_retries=0, timeout=30
    ) as client:
        try:
            client.messages.create(
                model=setup.model, max_tokens=100, messages=[{"role": "user", "content": text}]
            )
        except anthropic.APIStatusError as error:
            body = error.body["error"]
            details = body.get("details", {})
            return Refusal(
                error.status_code,
                body["type"],
                details.get("error_code"),
                body["message"],
                details.get("metadata", {}),
                error.response.headers,
            )
    raise AssertionError("it was answered")


BOTH = {"openai": by_openai, "anthropic": by_anthropic}
