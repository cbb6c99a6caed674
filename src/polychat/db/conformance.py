"""What `polychat conformance` found last, for each model and engine."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from polychat.db.database import Database

if TYPE_CHECKING:
    from sqlalchemy import Table


@dataclass(frozen=True, slots=True)
class ConformanceResult:
    model: str
    engine: str
    taken_at: float  # Unix seconds
    results: str  # JSON


class Conformance:
    """The table. Every method raises DatabaseUnavailable when the database cannot be used."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, result: ConformanceResult) -> None:
        """Keep it in place of the earlier one of its model and engine."""
        async with self._database.writing() as connection:
            conformance = _table()
            is_same = (conformance.c.model == result.model) & (conformance.c.engine == result.engine)
            await connection.execute(conformance.delete().where(is_same))
            values = {name: getattr(result, name) for name in ConformanceResult.__slots__}
            await connection.execute(conformance.insert().values(**values))

    async def latest(self, model: str) -> ConformanceResult | None:
        """The newest of the model, on whatever engine."""
        async with self._database.reading() as connection:
            conformance = _table()
            newest_first = conformance.c.taken_at.desc()
            of_model = conformance.select().where(conformance.c.model == model)
            row = (await connection.execute(of_model.order_by(newest_first).limit(1))).mappings().first()
            return None if row is None else ConformanceResult(**row)


def _table() -> "Table":
    from polychat.db.tables import conformance  # only once the database is open: see the package

    return conformance
