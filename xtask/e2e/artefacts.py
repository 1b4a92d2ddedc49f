"""The golden files of what a customer's account is handed: one folder a plan, the same files in each."""

import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "crates/portcullis-credentials/tests/it/golden/onboarding"
ENABLE_FEDERATION = "aws iam enable-outbound-web-identity-federation"


@dataclass(frozen=True)
class Case:
    """What was made of one plan."""

    folder: Path

    def __str__(self) -> str:
        return self.folder.name

    def path(self, name: str) -> Path:
        return self.folder / name

    def text(self, name: str) -> str:
        return self.path(name).read_text()

    def json(self, name: str):
        return json.loads(self.text(name))

    @property
    def policies(self) -> dict[str, dict]:
        """The two policies that every way to make the role must carry."""
        return {name: self.json(f"{name}_policy.json") for name in ("trust", "permission")}


CASES = [Case(folder) for folder in sorted(FOLDER.iterdir())]
