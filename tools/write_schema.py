"""Write the JSON Schema of the wire format into docs/, from the dataclasses that are the format."""

from __future__ import annotations

import json
from pathlib import Path

from parcimetre_agent.report import DEPRECATED_MEANS, EnrolAnswer, EnrolRequest, Report, ReportAnswer
from pydantic import TypeAdapter

FILE = Path(__file__).resolve().parent.parent / "docs" / "wire-format.schema.json"
MESSAGES = (EnrolRequest, EnrolAnswer, Report, ReportAnswer)


def schema() -> str:
    """The schema as it stands in the file: every message under `$defs`, a document is one of them."""
    inputs = [(message.__name__, "validation", TypeAdapter(message)) for message in MESSAGES]
    found, whole = TypeAdapter.json_schemas(
        inputs,
        title="Wire format of Parcimètre",
        description="What agents and collector say to each other; rules that a schema cannot express are in "
        "docs/en/wire-format.md.",
    )
    for name in DEPRECATED_MEANS:
        whole["$defs"]["Slot"]["properties"][name]["deprecated"] = True
    whole["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    whole["oneOf"] = [found[message.__name__, "validation"] for message in MESSAGES]
    return json.dumps(whole, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def main() -> None:
    """Write the file."""
    FILE.write_text(schema(), encoding="utf-8")
    print(FILE)


if __name__ == "__main__":
    main()
