"""Remembers what the migrations of one run have made so far: nobody uses it yet, so nothing that is done to it harms anybody."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from migrator import grammar

USUAL_SCHEMA = "public"

TEMPORARY = "pg_temp"

RENAMED = frozenset({"OBJECT_FOREIGN_TABLE", "OBJECT_INDEX", "OBJECT_MATVIEW", "OBJECT_TABLE"})
"""What `Batch` knows by its name."""


class Name(NamedTuple):
    """A table, index or view as a statement names it; the schema is empty where the statement names none."""

    schema: str
    name: str

    @classmethod
    def of(cls, relation: Any) -> Name:
        """The name that a RangeVar holds."""
        return cls(relation.schemaname or "", relation.relname)

    @classmethod
    def listed(cls, parts: Iterable[Any]) -> Name:
        """The name that a list of String nodes holds, as DROP has it."""
        *schema, name = (part.sval for part in parts)
        return cls(schema[-1] if schema else "", name)

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass
class Batch:
    """What was made so far. A name without a schema means `public`, or the `search_path` that the migration has set.

    Attributes:
        relations: tables and materialized views; False for one that may have been there before.
        indexes: of those, with what they belong to.
        columns: added to tables, whether these are old or new.
        schemas: that hold nothing older.
        unchecked: constraints that the migration now running added NOT VALID; True where adding it keeps readers waiting.
        schema: the first of the search path.
    """

    relations: dict[Name, bool] = field(default_factory=dict)
    indexes: dict[Name, Name] = field(default_factory=dict)
    columns: set[tuple[Name, str]] = field(default_factory=set)
    schemas: set[str] = field(default_factory=set)
    unchecked: dict[tuple[Name, str], bool] = field(default_factory=dict)
    schema: str = USUAL_SCHEMA

    def begin(self) -> None:
        """Another migration begins: settings are reset, temporary tables may be gone, and locks are released."""
        self.relations = {name: surely for name, surely in self.relations.items() if name.schema != TEMPORARY}
        self.unchecked = {}
        self.schema = USUAL_SCHEMA

    def made(self, name: Name, *, surely: bool = False) -> bool:
        """Whether a relation was made here.

        Args:
            surely: leave out what may have been there before, as after CREATE TABLE IF NOT EXISTS.
        """
        full = self.full(name)
        found = self.relations.get(self.indexes.get(full, full))
        return found is not None and (found or not surely)

    def made_column(self, table: Name, column: str) -> bool:
        """Whether a column was added here, to a table that may be an old one."""
        return (self.full(table), column) in self.columns

    def full(self, name: Name) -> Name:
        """The name with its schema."""
        temporary = Name(TEMPORARY, name.name)
        if not name.schema and temporary in self.relations:
            return temporary
        return Name(name.schema or self.schema, name.name)

    def learn(self, node: Any, *, surely: bool = True) -> None:
        """Takes note of what a statement makes, renames or drops.

        Args:
            surely: whether the statement is run in any case; one inside an IF of PL/pgSQL may not be.
        """
        lesson = _LESSONS.get(grammar.kind(node))
        if lesson:
            lesson(self, node, surely)

    def make(self, relation: Any, *, surely: bool) -> None:
        """Takes note of a relation by its RangeVar."""
        name = Name(TEMPORARY, relation.relname) if relation.relpersistence == "t" else self.full(Name.of(relation))
        self.relations[name] = surely

    def move(self, old: Name, new: Name) -> None:
        """A relation gets another name: what was made here stays known, and what was not takes the name from what was."""
        self.relations = _renaming(self.relations, old, new)
        self.indexes = {index: new if table == old else table for index, table in _renaming(self.indexes, old, new).items()}
        self.columns = {(new if table == old else table, column) for table, column in self.columns if table != new}


Found = TypeVar("Found")


def _renaming(relations: dict[Name, Found], old: Name, new: Name) -> dict[Name, Found]:
    return {new if name == old else name: found for name, found in relations.items() if name != new}


def _table(batch: Batch, node: Any, surely: bool) -> None:
    batch.make(node.relation, surely=surely and not node.if_not_exists)


def _foreign_table(batch: Batch, node: Any, surely: bool) -> None:
    _table(batch, node.base, surely)


def _table_as(batch: Batch, node: Any, surely: bool) -> None:
    batch.make(node.into.rel, surely=surely and not node.if_not_exists)


def _select(batch: Batch, node: Any, surely: bool) -> None:
    if node.intoClause:
        batch.make(node.intoClause.rel, surely=surely)


def _index(batch: Batch, node: Any, surely: bool) -> None:
    table = batch.full(Name.of(node.relation))
    if node.idxname and surely and not node.if_not_exists:
        batch.indexes[Name(table.schema, node.idxname)] = table


def _schema(batch: Batch, node: Any, surely: bool) -> None:
    name = node.schemaname or node.authrole.rolename or ""
    if surely and not node.if_not_exists:
        batch.schemas.add(name)
    usual, batch.schema = batch.schema, name
    for element in node.schemaElts or ():
        batch.learn(element, surely=surely)
    batch.schema = usual


def _renamed(batch: Batch, node: Any, surely: bool) -> None:
    if not surely:
        return
    kind = node.renameType.name
    if kind == "OBJECT_SCHEMA":
        _renamed_schema(batch, node.subname, node.newname)
    elif kind == "OBJECT_COLUMN":
        table = batch.full(Name.of(node.relation))
        batch.columns = {(table, node.newname) if column == (table, node.subname) else column for column in batch.columns}
    elif kind in RENAMED:
        old = batch.full(Name.of(node.relation))
        batch.move(old, Name(old.schema, node.newname))


def _renamed_schema(batch: Batch, old: str, new: str) -> None:
    for name in [name for name in batch.relations if name.schema == old]:
        batch.move(name, Name(new, name.name))
    batch.schemas = {new if schema == old else schema for schema in batch.schemas}


def _moved(batch: Batch, node: Any, surely: bool) -> None:
    if node.relation is None:
        return
    old = batch.full(Name.of(node.relation))
    if not batch.made(old, surely=True):
        batch.schemas.discard(node.newschema)
    if surely:
        batch.move(old, Name(node.newschema, old.name))


def _dropped(batch: Batch, node: Any, surely: bool) -> None:
    if not surely:
        return
    if node.removeType.name == "OBJECT_SCHEMA":
        batch.schemas.difference_update(schema.sval for schema in node.objects)
    elif node.removeType.name == "OBJECT_TABLE":
        gone = {batch.full(Name.listed(parts)) for parts in node.objects}
        batch.relations = {name: sure for name, sure in batch.relations.items() if name not in gone}
        batch.columns = {(table, column) for table, column in batch.columns if table not in gone}


def _altered(batch: Batch, node: Any, surely: bool) -> None:
    table = batch.full(Name.of(node.relation))
    for command in node.cmds:
        step = command.subtype.name
        if step == "AT_AddColumn" and surely and not command.missing_ok:
            batch.columns.add((table, command.def_.colname))
        elif step == "AT_DropColumn":
            batch.columns.discard((table, command.name))
        elif step == "AT_AddConstraint" and command.def_.skip_validation and command.def_.conname:
            batch.unchecked[table, command.def_.conname] = command.def_.contype.name != "CONSTR_FOREIGN"


def _set(batch: Batch, node: Any, surely: bool) -> None:
    if surely and node.name == "search_path":
        paths = [getattr(argument.val, "sval", "") for argument in node.args or ()]
        batch.schema = next((path for path in paths if path and not path.startswith("$")), USUAL_SCHEMA)


_LESSONS: dict[str, Callable[[Batch, Any, bool], None]] = {
    "AlterObjectSchemaStmt": _moved,
    "AlterTableStmt": _altered,
    "CreateForeignTableStmt": _foreign_table,
    "CreateSchemaStmt": _schema,
    "CreateStmt": _table,
    "CreateTableAsStmt": _table_as,
    "DropStmt": _dropped,
    "IndexStmt": _index,
    "RenameStmt": _renamed,
    "SelectStmt": _select,
    "VariableSetStmt": _set,
}
"""What there is to be learned from each kind of statement, by the name of its node."""
