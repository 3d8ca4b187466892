"""What people call the themes of objections: `marts.theme` as every stage that names one reads it."""

from __future__ import annotations

from sqlalchemy import Engine, inspect, text

from rebuttal.warehouse.tables import MARTS

Names = dict[tuple[str, str], dict[str, str]]


def theme_names(engine: Engine) -> Names:
    """(category, theme) -> name by language (en, ru, uk), as configured, as people gave it or as it was found.

    Empty before the first `rebuttal listen`.
    """
    if not inspect(engine).has_table("theme", schema=MARTS):
        return {}
    with engine.connect() as connection:
        rows = connection.execute(
            text(f"SELECT category, theme, name_en, name_ru, name_uk FROM {MARTS}.theme WHERE theme <> 'general'")
        ).mappings()
        return {
            (row["category"], row["theme"]): {language: row[f"name_{language}"] for language in ("en", "ru", "uk")}
            for row in rows
        }
