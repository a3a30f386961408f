"""What a preview says of pending migrations: a line for each thing that a person has to weigh before they run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from migrator import hazards, lint
from migrator.hazards import Hazard, Kind, Survey, Surveyed
from migrator.lint import Finding, LintFailed
from migrator.model import Migration, Script

STYLE = frozenset(
    {
        "ban-char-field",
        "ban-create-domain-with-constraint",
        "identifier-too-long",
        "require-enum-value-ordering",
        "require-table-schema",
        "unused-ignore",
    }
)
"""Rules about how a schema should look, besides those whose name begins with `prefer-`. A preview leaves them out."""

KINDS = {
    "adding-field-with-default": Kind.REWRITES,
    "adding-foreign-key-constraint": Kind.LOCKS,
    "adding-not-nullable-field": Kind.LOCKS,
    "adding-serial-primary-key-field": Kind.LOCKS,
    "ban-alter-domain-with-add-constraint": Kind.LOCKS,
    "ban-drop-column": Kind.DROPS,
    "ban-drop-database": Kind.DROPS,
    "ban-drop-domain": Kind.DROPS,
    "ban-drop-extension": Kind.DROPS,
    "ban-drop-schema": Kind.DROPS,
    "ban-drop-table": Kind.DROPS,
    "ban-drop-type": Kind.DROPS,
    "ban-truncate-cascade": Kind.DROPS,
    "changing-column-type": Kind.REWRITES,
    "constraint-missing-not-valid": Kind.LOCKS,
    "disallowed-unique-constraint": Kind.LOCKS,
    "require-concurrent-index-creation": Kind.LOCKS,
    "require-concurrent-index-deletion": Kind.LOCKS,
    "require-concurrent-partition-detach": Kind.LOCKS,
    "require-concurrent-reindex": Kind.LOCKS,
    lint.SYNTAX_ERROR: Kind.UNKNOWN,
}
"""Rules that say what the migrator's own look at the statement says, too. All others are about what clients may trip over."""

KNOWN_BETTER = frozenset({"ban-drop-column", "ban-drop-database", "ban-drop-table", "ban-truncate-cascade"})
"""Rules about data alone. Where the own look finds none that is lost, as in a column added by the same migrations, there is none."""


@dataclass
class _Note:
    line: int
    text: str
    rules: list[str] = field(default_factory=list)

    def told(self, title: str) -> str:
        return f"{title}: {self.text} ({', '.join([f'line {self.line}', *self.rules])})"


def preview_notes(pending: Sequence[Migration], version: str | None = None) -> tuple[str, ...]:
    """One line for each thing that migrations, applied together in this order, do to a database in use.

    Each ends with the line of its file and the rules of squawk that explain it: `7_total: rewrites table orders: column total
    changes its type (line 3, changing-column-type)`. Where squawk cannot be run, the last line says so.

    Args:
        version: of the server, such as "17.2".
    """
    findings: dict[str, list[Finding]] = defaultdict(list)
    missing: tuple[str, ...] = ()
    try:
        for finding in lint.lint(pending, version):
            findings[finding.path].append(finding)
    except LintFailed as failed:
        missing = (f"squawk was not run, so there may be more to say: {Exception.__str__(failed).rstrip('.')}",)
    return (*(note for survey in hazards.survey(pending) for note in _notes(survey, findings[survey.migration.up.path])), *missing)


def _notes(survey: Survey, findings: Iterable[Finding]) -> Iterator[str]:
    own = {hazard: _Note(hazard.line, hazard.text) for hazard in survey.hazards}
    more: dict[tuple[object, str], _Note] = {}
    for finding in findings:
        statement = survey.at(_index(survey.migration.up, finding))
        if _is_style(finding.rule) or (statement and statement.made_here):
            continue
        kind = KINDS.get(finding.rule, Kind.CLIENTS)
        same = _same(kind, survey, statement)
        for hazard in same:
            own[hazard].rules += [finding.rule] if finding.rule not in own[hazard].rules else []
        if not same and not (statement and finding.rule in KNOWN_BETTER):
            where = statement.statement.start if statement and kind is not Kind.UNKNOWN else None
            more.setdefault((where, finding.rule), _Note(finding.line, _words(finding), [finding.rule]))
    notes = sorted((*own.values(), *more.values()), key=lambda note: note.line)
    return (note.told(survey.migration.title) for note in notes)


def _is_style(rule: str) -> bool:
    return rule in STYLE or rule.startswith("prefer-")


def _same(kind: Kind, survey: Survey, statement: Surveyed | None) -> tuple[Hazard, ...]:
    """The own hazards that a finding of this kind repeats; a table that is rewritten is locked meanwhile."""
    near = (*survey.notes, *(statement.hazards if statement else ()))
    return tuple(hazard for hazard in near if hazard.kind is kind) or tuple(
        hazard for hazard in near if kind is Kind.LOCKS and hazard.kind is Kind.REWRITES
    )


def _index(script: Script, finding: Finding) -> int:
    """The character of the script's text that a finding points to."""
    before = script.text.split("\n")[: finding.line - script.first_line]
    return sum(len(line) + 1 for line in before) + finding.column - 1


def _words(finding: Finding) -> str:
    """The first sentence of what squawk says."""
    said = finding.message.split(". ")[0].rstrip(".")
    return f"squawk cannot read it: {said}" if finding.rule == lint.SYNTAX_ERROR else said
