"""What the documents say can be asked and typed is there."""

import re
from pathlib import Path

import click
import pytest
from parcimetre_server.cli import parcimetre
from parcimetre_server.web.pages.api import calls

DOCS = Path(__file__).parents[3] / "docs"
NAMES = (
    "read.md", "install.md", "demo.md", "estimate.md", "factors.md", "grid.md", "monitor.md", "sql.md",
    "store.md", "access.md", "pages.md", "reports.md", "outlets.md",
)  # fmt: skip
PAGES = [DOCS / language / name for language in ("en", "fr") for name in NAMES]
FOR_AGENTS = {"/v1/enrol"}


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_call_for_people_is_in_the_page_on_reading_and_no_other(reader, language):
    text = (DOCS / language / "read.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`(/(?:v1/[^`?]+|healthz|readyz|metrics))`", text))
    assert told == {call.path for call in calls(reader.app.openapi())} - FOR_AGENTS


def test_every_parameter_says_what_it_means(reader):
    nameless = [
        (call.path, parameter.name)
        for call in calls(reader.app.openapi())
        for parameter in call.parameters
        if not parameter.description
    ]
    assert nameless == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.name}")
def test_every_command_in_the_documents_exists_with_its_options(page):
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = re.findall(r"^(?:\.venv/bin/)?parcimetre (.+?)(?: +#.*)?$", text, re.MULTILINE)
    for words in (line.split() for line in lines):
        command, context = parcimetre, click.Context(parcimetre)
        while (
            isinstance(command, click.Group) and words and (found := command.get_command(context, words[0]))
        ):
            command, context = found, click.Context(found, parent=context)
            words.pop(0)
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, (page, words)
        assert command is not parcimetre, (page, words)
