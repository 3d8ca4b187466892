"""Reading one slice of a window into the row spool: wholly, or not at all."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from itertools import islice
from typing import Any

import pyarrow as pa

from rebuttal.errors import ContractError, CutBodyError, RebuttalError
from rebuttal.sources.columns import Texts
from rebuttal.sources.declare import Page, Stream, Window
from rebuttal.sources.erased import without_erased
from rebuttal.sources.paging import ExpiredPagesError, ahead, at
from rebuttal.sources.rows import RowMaker
from rebuttal.sources.session import Session
from rebuttal.sources.spool import RowSpool
from rebuttal.sources.windows import Watermark
from rebuttal.warehouse.suppression import Suppressed

SLICE_ATTEMPTS = 3
# Items that are made rows of together. More are hardly quicker, and one odd item makes its whole group slow.
GROUP_ITEMS = 1_000
# What a declaration's functions raise on an answer of another shape than the vendor's contract gives.
_SHAPE_ERRORS = (KeyError, IndexError, TypeError, ValueError, AttributeError)


class SliceReader:
    """Reads slices of one stream. `watermark` moves with whole slices only."""

    def __init__(
        self,
        stream: Stream,
        session: Session,
        maker: RowMaker,
        rows: RowSpool,
        watermark: Watermark,
        suppressed: Suppressed,
        source: str,
    ) -> None:
        self._stream, self._session, self._maker, self._rows = stream, session, maker, rows
        self._suppressed, self._scope = suppressed, (source, session.account)
        self.watermark = watermark
        self.row_count = 0
        self._totals: dict[str, Decimal] | None = None
        self._cursor_paths = (stream.cursor or "").split("|") if stream.cursor else []

    def read(self, window: Window) -> None:
        """Read a slice; anew when the vendor lost the thread. Raises errors of the tree, the spool being as before."""
        for attempt in range(1, SLICE_ATTEMPTS + 1):
            trial = copy.copy(self.watermark)
            self._session.totals.clear()
            try:
                self._read_once(window, trial)
            except (CutBodyError, ExpiredPagesError):
                self._rows.drop_slice()
                if attempt == SLICE_ATTEMPTS:
                    raise
            except RebuttalError:
                self._rows.drop_slice()
                raise
            else:
                self._rows.keep_slice()
                self.watermark = trial
                self._add(self._session.totals)
                return

    def take_totals(self) -> dict[str, Decimal]:
        """The vendor's own totals of the slices that were read since the last call, where each of them had one."""
        taken, self._totals = self._totals, None
        return taken or {}

    def _add(self, totals: Mapping[str, Decimal]) -> None:
        known = dict.fromkeys(totals, Decimal(0)) if self._totals is None else self._totals
        self._totals = {measure: known[measure] + totals[measure] for measure in known if measure in totals}

    def _read_once(self, window: Window, watermark: Watermark) -> None:
        try:
            with closing(ahead(self._stream.pages(self._session, window))) as pages:
                for page in pages:
                    self._take(page, watermark)
        except _SHAPE_ERRORS as error:
            trace = error.__traceback__
            while trace is not None and trace.tb_next is not None:
                trace = trace.tb_next
            line = "?" if trace is None else f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"
            raise ContractError(
                f"{self._stream.name}: the vendor's answer for {window} has another shape than declared "
                f"({type(error).__name__} at {line})",
                next_step="Compare it with the vendor's current documentation; nothing of the slice was landed",
            ) from None

    def _take(self, page: Page, watermark: Watermark) -> None:
        constants = self._stream.constants(self._session, page) if self._stream.constants else {}
        for items in _groups(self._stream.items(page)):
            self.row_count += len(items)
            if self._cursor_paths:
                watermark.see_all(self._cursors_of(items))
            parts = self._shaped(items)
            if parts:
                rows = self._maker.make_all(parts, constants, page.is_suspect)
                self._check_account(rows.values)
                if self._suppressed:
                    rows = without_erased(rows, self._stream, *self._scope, self._suppressed)
                self._rows.add(rows)
        # The page is read: its decoded form can go, its bytes stay in the spool until the batch is landed.
        page.data = None

    def _shaped(self, items: list[Any]) -> list[Any]:
        shape = self._stream.shape
        if shape is None:
            return items
        return [part for item in items for part in (shape(item) if isinstance(item, dict) else (item,))]

    def _cursors_of(self, items: list[Any]) -> Texts:
        # Nearly always: one path, and each item has a text there.
        name = self._cursor_paths[0]
        if set(map(type, items)) == {dict}:
            values = [item.get(name) for item in items]
            if set(map(type, values)) == {str}:
                return values
        return [self._cursor_of(item) for item in items if isinstance(item, dict)]

    def _cursor_of(self, item: dict[str, Any]) -> str | None:
        for path in self._cursor_paths:
            # A header of a table may hold dots or colons itself.
            value = item.get(path) if path in item else at(item, path)
            if isinstance(value, str):
                return value
            if type(value) is int:  # a bool is none
                return str(value)
        return None

    def _check_account(self, columns: Sequence[pa.StringArray]) -> None:
        column = self._stream.account_column
        if column is None:
            return
        found = set(columns[self._stream.column_names.index(column)].unique().to_pylist())
        if found - {None, self._session.account}:
            raise ContractError(
                f"{self._stream.name}: rows of another account came than the one that was asked for",
                next_step="Nothing of the slice was landed; check the connection's account and tell the vendor",
            )


def _groups(items: Iterable[Any]) -> Iterator[list[Any]]:
    left = iter(items)
    while group := list(islice(left, GROUP_ITEMS)):
        yield group
