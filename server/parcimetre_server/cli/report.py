"""`parcimetre report`: weekly reports as files, published reports, and their recipients."""

from __future__ import annotations

import sys
from email import message_from_binary_file
from pathlib import Path

import click

from ..access.tokens import iso_day
from ..base.i18n import LANGUAGES, N_, Language, language_of_environment
from ..base.periods import DAY_S
from ..reports import schedules
from ..reports.deliveries import STATE_TITLES, list_publications, record_bounces
from ..reports.formats import FORMATS, Format, render
from ..reports.schedules import CHANNELS
from ..reports.verification import Verification, verify
from ..reports.weekly import weekly_report
from . import options, terminal

EPILOG = """\b
Examples:
  parcimetre report weekly 2026-W47 --out week.html
  parcimetre report weekly 2026-W47 --lang fr --unit "Métropole/Ville" --format pdf --out semaine.pdf
  parcimetre report weekly 2026-W47 --verify
  parcimetre report list
"""
SCHEDULES = """\b
Examples:
  parcimetre report schedule add --mail it@clairval.example --unit "Métropole/Clairval" --lang fr --format pdf
  parcimetre report schedule add --folder /srv/reports --format xlsx --format json --role admin
  parcimetre report schedule list
  parcimetre report schedule remove 8f9569f072
"""
ROLES = ("viewer", "analyst", "admin")  # as REPORT_ROLES of scope.py, which a listing does not load
SHOWN_DIFFERENCES = 10
unit_option = click.option(
    "--unit", "--org-unit", "org_unit", metavar="PATH", help="An org unit and all below it; all without it."
)
role_option = click.option("--role", type=click.Choice(ROLES), default="admin", show_default=True,
                           help="Show the report as a reader with this role sees it.")  # fmt: skip


@click.group(epilog=EPILOG)
@options.data_dir
def command(data_dir: Path) -> None:
    """Write a report, see what became of those published, and say who gets them."""


@command.command(epilog=EPILOG)
@click.argument("week", metavar="ISO_WEEK")
@options.data_dir
@unit_option
@click.option("--lang", type=click.Choice(LANGUAGES), help="Language; that of the terminal by default.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="html", show_default=True,
              help="Output format.")  # fmt: skip
@click.option("--out", type=click.Path(dir_okay=False, writable=True, path_type=Path),
              help="File to write; standard output by default.")  # fmt: skip
@role_option
@click.option("--verify", "verifying", is_flag=True,
              help="Compute the published report again, and compare every figure.")  # fmt: skip
def weekly(
    week: str, data_dir: Path, org_unit: str | None, lang: Language | None, format_: Format, out: Path | None,
    role: str, verifying: bool,
) -> None:  # fmt: skip
    """Report on an ISO week such as 2026-W47, in the organisation's time zone.

    With --verify, exit code 1 if a published figure differs from the one computed from the store with its
    factor set.
    """
    from ..base.scope import REPORT_ROLES, Scope

    context = options.reading(data_dir)
    level = REPORT_ROLES[ROLES.index(role)]
    if verifying:
        _print_verification(verify(context, week, (org_unit, level)))
        return
    report = weekly_report(context.within(Scope(org_unit, level)), week, org_unit)
    file = render(report, context, lang or language_of_environment(), format_)
    if out is None:
        click.echo(file.content, nl=False)
    else:
        out.write_bytes(file.content)
        terminal.echo(f"{out}: weekly report {week}")


def _print_verification(found: Verification) -> None:
    """Print the result of a verification; exit with code 1 if figures differ."""
    say, report = terminal.translator(), found.publication.report
    facts = {"week": report.week, "edition": found.publication.revision, "factors": report.factor_set}
    if not found.differences:
        sentence = N_(
            "{week}, revision {edition}: every figure is identical, byte for byte (factor set {factors})."
        )
        terminal.echo(say(sentence, **facts))
        return
    for one in found.differences[:SHOWN_DIFFERENCES]:
        terminal.echo(f"{one.where}: {one.published} -> {one.computed}")
    why = (
        N_(
            "{n} figures differ: data arrived after publication. A corrected report is published if "
            "a figure changes by more than 1 %."
        )
        if found.late
        else N_(
            "{n} figures differ although no record arrived since: device data or purchase dates were changed."
        )
    )
    terminal.echo(say(why, n=len(found.differences)), err=True)
    sys.exit(1)


@command.command("list", epilog=EPILOG)
@options.data_dir
@options.as_json
def list_reports(data_dir: Path, as_json: bool) -> None:
    """List published reports, and the state of each delivery."""
    found, say = (
        list_publications(options.reading(data_dir).store, with_deliveries=True),
        terminal.translator(),
    )
    if as_json:
        terminal.show(found, True, "")
        return
    rows = [
        {
            "week": report["week"],
            "org_unit": report["org_unit"] or say(N_("All org units")),
            "role": say(report["role"]),
            "edition": report["edition"],
            "way": sent["way"],
            "to": sent["to"],
            "state": say(STATE_TITLES[sent["state"]]),
            "reason": sent["reason"],
        }
        for report in found
        for sent in report["deliveries"]
    ]
    terminal.show(rows, False, N_("No report is published yet: the first one is on Monday at 7."))


@command.command(epilog=EPILOG)
@options.data_dir
@options.as_json
def bounce(data_dir: Path, as_json: bool) -> None:
    """Read a bounced mail (RFC 3464) from standard input, and mark its delivery.

    Configure the mail server to pipe mail to the sender's address into this command.
    """
    notice = message_from_binary_file(sys.stdin.buffer)
    made = record_bounces(options.reading(data_dir), notice)
    for one in made:
        facts = {"week": one.week, "to": one.to, "reason": one.reason}
        terminal.done(N_("{week}, {to}: bounced ({reason})"), facts, as_json)
    if not made:
        terminal.echo(
            terminal.translator()(N_("This mail does not report a failed delivery of this collector.")),
            err=True,
        )
        sys.exit(1)


@command.group(epilog=SCHEDULES)
@options.data_dir
def schedule(data_dir: Path) -> None:
    """Manage the recipients of an org unit's weekly report, with language and formats."""


@schedule.command(epilog=SCHEDULES)
@options.data_dir
@click.option("--mail", metavar="ADDRESS", help="Send it by mail.")
@click.option("--folder", metavar="PATH", help="Put it into a folder of the collector's machine.")
@click.option("--webhook", metavar="URL", help="Post it to a server.")
@unit_option
@click.option("--lang", type=click.Choice(LANGUAGES), help="Language; that of the terminal by default.")
@click.option("--format", "formats", type=click.Choice(FORMATS), multiple=True,
              help=("Format of an attached file; may be repeated. A mail always has the report in its "
                   "body."))  # fmt: skip
@click.option("--role", type=click.Choice(ROLES), default="viewer", show_default=True,
              help="What the recipient may see: sums, devices without names, or everything.")  # fmt: skip
@options.as_json
def add(
    data_dir: Path, mail: str | None, folder: str | None, webhook: str | None, org_unit: str | None,
    lang: Language | None, formats: tuple[str, ...], role: str, as_json: bool,
) -> None:  # fmt: skip
    """Add a recipient, who gets the weekly report from the next one on."""
    given = [(way, to) for way, to in zip(CHANNELS, (mail, folder, webhook), strict=True) if to is not None]
    if len(given) != 1:
        raise click.UsageError("give one of --mail ADDRESS, --folder PATH and --webhook URL")
    ((way, to),) = given
    context = options.reading(data_dir)
    made = schedules.add(context.store, context.now(), org_unit, way, to,
                         lang or language_of_environment(), formats, role)  # fmt: skip
    terminal.done(
        N_("Schedule {id}: reports go to {to} from the next one on."), schedules.as_json(made), as_json
    )


@schedule.command("list", epilog=SCHEDULES)
@options.data_dir
@options.as_json
def list_schedules(data_dir: Path, as_json: bool) -> None:
    """List the recipients."""
    found, say = schedules.schedules(options.reading(data_dir).store), terminal.translator()
    rows = [schedules.as_json(one) for one in found]
    if not as_json:
        rows = [
            {
                "id": one.id,
                "org_unit": one.org_unit or say(N_("All org units")),
                "role": say(one.role),
                "way": one.way,
                "to": one.to,
                "language": one.language,
                "formats": ", ".join(one.formats),
                "since": iso_day(one.created_at // DAY_S * DAY_S),
            }
            for one in found
        ]
    terminal.show(rows, as_json, N_("Nobody gets reports yet: parcimetre report schedule add"))


@schedule.command(epilog=SCHEDULES)
@options.data_dir
@click.argument("schedule_id", metavar="ID")
@options.as_json
def remove(data_dir: Path, schedule_id: str, as_json: bool) -> None:
    """Remove a recipient."""
    context = options.reading(data_dir)
    ended = schedules.end(context.store, schedule_id, context.now())
    terminal.done(N_("Schedule {id}: no more reports go to {to}."), schedules.as_json(ended), as_json)
