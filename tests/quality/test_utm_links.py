"""Naming rules, building a link, and importing links from a company's spreadsheet."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebuttal.errors import ConfigError
from rebuttal.quality.utm import Tags, judge
from rebuttal.quality.utm_import import plan, write
from rebuttal.quality.utm_link import build
from rebuttal.quality.utm_registry import load_registry
from rebuttal.settings import PROJECT_ROOT

CONFIG = PROJECT_ROOT / "include" / "config"
REGISTRY = load_registry(CONFIG)
BRAND = {"source": "google", "medium": "cpc", "campaign": "brand_us_q1"}
TAGS = "utm_source=google&utm_medium=cpc&utm_campaign=brand_us_q1"
HEADER = "utm_source,utm_medium,utm_campaign,utm_content,platform,campaign_id,channel"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    for name in ("utm.yml", "channels.yml"):
        shutil.copy(CONFIG / name, folder / name)
    return folder


@pytest.mark.parametrize(
    ("url", "built"),
    [
        ("https://b.example", f"https://b.example?{TAGS}"),
        ("https://b.example/a?b=c", f"https://b.example/a?b=c&{TAGS}"),
        ("https://b.example/a#top", f"https://b.example/a?{TAGS}#top"),
        ("https://b.example/?gclid=Cj0-_Ab%2B&x=%D0%B0#f?g", f"https://b.example/?gclid=Cj0-_Ab%2B&x=%D0%B0&{TAGS}#f?g"),
        ("https://b.example/?", f"https://b.example/?{TAGS}"),
        (f"https://b.example/?{TAGS}", f"https://b.example/?{TAGS}"),
        ("https://b.example/?utm_source=google", f"https://b.example/?{TAGS}"),
    ],
)  # fmt: skip
def test_the_address_stays_and_the_tags_come(url: str, built: str) -> None:
    assert build(REGISTRY, url, **BRAND) == built
    assert build(REGISTRY, url, source=" Google", medium="CPC", campaign="Brand_US_Q1") == built


@given(
    path=st.text("abcé/%20", max_size=8),
    query=st.lists(st.tuples(st.sampled_from(["a", "gclid", "yclid", "q"]), st.text(max_size=8)), max_size=4),
    link=st.sampled_from(REGISTRY.links),
    term=st.text(st.characters(exclude_categories=["C"]), max_size=12),
)
def test_a_built_link_is_judged_ok_and_nothing_else_changed(path, query, link, term) -> None:  # type: ignore[no-untyped-def]
    from urllib.parse import urlencode

    url = f"https://b.example/{path}?{urlencode(query)}".replace(" ", "")
    content = link.utm_content[0] if link.utm_content else None
    source, medium, campaign = link.tags
    built = build(REGISTRY, url, source=source, medium=medium, campaign=campaign, content=content, term=term)
    assert built.startswith(url)
    added = dict(parse_qsl(urlsplit(built).query, keep_blank_values=True))
    found = judge(
        Tags(*(added[f"utm_{n}"] for n in ("source", "medium", "campaign")), added.get("utm_content")), REGISTRY
    )
    assert found.status == "ok"
    assert added.get("utm_term", "") == term


def test_placeholders_of_the_platforms_stay_as_they_are() -> None:
    assert build(REGISTRY, "https://b.example/", **BRAND, term="{keyword}").endswith("&utm_term={keyword}")


@pytest.mark.parametrize(
    ("changed", "url", "message"),
    [
        ({"campaign": "brnad_us_q1"}, "https://b.example", "utm_campaign 'brnad_us_q1' is not registered.*brand_us_q1"),
        ({"source": "gogle"}, "https://b.example", "utm_source 'gogle' is not registered.*Did you mean 'google'"),
        ({"medium": "email"}, "https://b.example", "together.*brand_us_q1 is registered with google / cpc"),
        ({"content": "rsa9"}, "https://b.example", "utm_content 'rsa9'.*rsa1, rsa2"),
        ({}, "b.example/page", "is not an address"),
        ({}, "javascript:alert(1)", "is not an address"),
        ({}, "https://b.example/a b", "is not an address"),
        ({}, "https://b.example/?utm_source=bing", "has utm_source=bing already"),
        ({}, "https://b.example/?UTM_Content=x", "has utm_content already"),
    ],
)
def test_a_wrong_link_is_refused_with_the_right_one(changed: dict[str, str], url: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(REGISTRY, url, **{**BRAND, **changed})


@pytest.mark.parametrize(
    ("link", "message"),
    [
        (
            "{utm_source: Google, utm_medium: cpc, utm_campaign: a, channel: x}",
            "link 1: utm_source 'Google' is not lower",
        ),
        (
            "{utm_source: google, utm_medium: ppc, utm_campaign: a, channel: x}",
            "utm_medium 'ppc' is none of cpc, email",
        ),
        ("{utm_source: google, utm_medium: cpc, utm_campaign: a-b, channel: x}", "utm_campaign 'a-b' has '-'"),
        ("{utm_source: google, utm_medium: cpc, utm_campaign: abcdefghijklm, channel: x}", "13 characters, 12 are"),
        (
            "{utm_source: google, utm_medium: cpc, utm_campaign: a, utm_content: [A], channel: x}",
            "utm_content 'A' is not",
        ),
    ],
)
def test_a_registry_that_breaks_its_own_rules_is_refused(tmp_path: Path, link: str, message: str) -> None:
    rules = "{utm_source: {case: lower}, utm_medium: {allowed: [cpc, email]}, utm_content: {case: lower},"
    rules += " utm_campaign: {separators: _, max_length: 12}}"
    (tmp_path / "utm.yml").write_text(f"naming: {rules}\nlinks:\n  - {link}\n")
    with pytest.raises(ConfigError, match=message):
        load_registry(tmp_path)


def test_a_link_registered_twice_is_refused(tmp_path: Path) -> None:
    link = "  - {utm_source: %s, utm_medium: b, utm_campaign: c, channel: x}\n"
    (tmp_path / "utm.yml").write_text("links:\n" + link % "a" + link % "A")
    with pytest.raises(ConfigError, match="link 2 repeats link 1"):
        load_registry(tmp_path)


ROWS = [
    "google,cpc,brand_us_q1,rsa1;rsa2,google-ads,20110001,search_brand",  # as it is
    "google,cpc,brand_us_q2,rsa1;rsa3,google-ads,20110002,search_brand",  # another content
    "google,cpc,brand_us_q3,rsa1,google-ads,20110077,search_brand",  # new, and no slip of q1 or q2
    "gogle,cpc,brand_us_q4,,google-ads,20110078,search_brand",
    "google,ppc,brand_us_q5,,google-ads,20110079,search_brand",
    "google,cpc,Brand_US_Q6,,google-ads,20110080,search_brand",
    "google,cpc,=HYPERLINK(1),,google-ads,20110081,search_brand",
    "google,cpc,brand_us_q7,,google,20110082,search_brand",
    "google,cpc,brand_us_q8,,google-ads,20110083,serch",
    "google,cpc,,,google-ads,20110084,search_brand",
    "google,cpc,brand_us_q3,,google-ads,20110085,search_brand",
    "telegram,messenger,spring_posts,,,,messenger",
]
EXPECTED = [
    (2, "same", ""),
    (3, "change", "utm_content: ['rsa1', 'rsa2'] -> ['rsa1', 'rsa3']"),
    (4, "add", ""),
    (5, "refuse", "utm_source 'gogle' looks like a slip of 'google'"),
    (6, "refuse", "utm_medium 'ppc' is none of"),
    (7, "refuse", "utm_campaign 'Brand_US_Q6' is not lower case"),
    (8, "refuse", "which does not belong in a tag"),
    (9, "refuse", "platform 'google' is none of google-ads, yandex-direct"),
    (10, "refuse", "channel 'serch' is none of"),
    (11, "refuse", "utm_campaign is empty"),
    (12, "refuse", "repeats row 4"),
    (13, "add", ""),
]


def sheet(rows: list[str], shared: bool) -> bytes:
    """An XLSX file of these comma-separated rows, as spreadsheets write it: ids as numbers, texts shared or inline."""
    texts: list[str] = []
    lines = []
    for number, line in enumerate(rows, 1):
        cells = ""
        for column, value in enumerate(line.split(",")):
            place = f"{chr(65 + column)}{number}"
            escaped = value.replace("&", "&amp;").replace("<", "&lt;")
            if not value:
                continue
            if value.isdigit():
                cells += f'<c r="{place}"><v>{value}</v></c>'
            elif shared:
                texts.append(f"<si><r><t>{escaped[:1]}</t></r><r><t>{escaped[1:]}</t></r></si>")
                cells += f'<c r="{place}" t="s"><v>{len(texts) - 1}</v></c>'
            else:
                cells += f'<c r="{place}" t="inlineStr"><is><t>{escaped}</t></is></c>'
        lines.append(f'<row r="{number}">{cells}</row>')
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    link = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    sheets = '<sheet name="h" sheetId="1" state="hidden" r:id="rId9"/><sheet name="s" sheetId="2" r:id="rId1"/>'
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/workbook.xml", f"<workbook {main} {link}><sheets>{sheets}</sheets></workbook>")
        relations = '<Relationship Id="rId1" Type="t" Target="worksheets/sheet2.xml"/>'
        parts.writestr("xl/_rels/workbook.xml.rels", f"<Relationships>{relations}</Relationships>")
        parts.writestr(
            "xl/worksheets/sheet2.xml", f"<worksheet {main}><sheetData>{''.join(lines)}</sheetData></worksheet>"
        )
        if shared:
            parts.writestr("xl/sharedStrings.xml", f"<sst {main}>{''.join(texts)}</sst>")
    return file.getvalue()


@pytest.mark.parametrize("kind", ["csv", "semicolons", "shared.xlsx", "inline.xlsx"])
def test_every_row_is_judged_and_nothing_written_unasked(config: Path, tmp_path: Path, kind: str) -> None:
    before = (config / "utm.yml").read_bytes()
    file = tmp_path / f"links.{kind}"
    rows = [HEADER, *ROWS]
    if kind == "csv":
        file.write_text("\ufeff" + "\r\n".join(rows) + "\r\n", encoding="utf-8")
    elif kind == "semicolons":
        file.write_text(
            "\n".join(
                row.replace(";", "|")
                .replace(",", ";")
                .replace("rsa1|", '"rsa1;')
                .replace("rsa2;", 'rsa2";')
                .replace("rsa3;", 'rsa3";')
                for row in rows
            ),
            encoding="utf-8",
        )
    else:
        file.write_bytes(sheet(rows, kind.startswith("shared")))
    found = plan(config, file).outcomes
    assert [(one.row, one.action) for one in found] == [(row, action) for row, action, _ in EXPECTED]
    for one, (_, _, reason) in zip(found, EXPECTED, strict=True):
        assert reason in one.reason, one
    assert (config / "utm.yml").read_bytes() == before


def test_an_import_keeps_the_rest_of_the_file_and_is_done_once(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "links.csv"
    file.write_text("\n".join([HEADER, *ROWS]), encoding="utf-8")
    before = (config / "utm.yml").read_text(encoding="utf-8").splitlines()
    assert write(config, plan(config, file))
    after = (config / "utm.yml").read_text(encoding="utf-8").splitlines()
    gone = [line for line in before if line not in after]
    assert gone == []  # brand_us_q2's old contents are those of other links too
    assert len(after) == len(before) + 7 + 5
    registry = load_registry(config)
    added = registry.by_tags["google", "cpc", "brand_us_q3"]
    assert (added.campaign_id, added.utm_content, added.channel) == ("20110077", ["rsa1"], "search_brand")
    assert registry.by_tags["google", "cpc", "brand_us_q2"].utm_content == ["rsa1", "rsa3"]
    second = plan(config, file)
    assert (second.count("add"), second.count("change"), second.count("same")) == (0, 0, 4)
    assert write(config, second) is False
    assert (config / "utm.yml").read_text(encoding="utf-8").splitlines() == after


def test_a_first_import_makes_the_file(tmp_path: Path) -> None:
    file = tmp_path / "links.csv"
    file.write_text("Source,Medium,Campaign,Owner,Channel\nvk,social,2024,Olena,social\n", encoding="utf-8")
    found = plan(tmp_path, file)
    assert found.ignored_columns == ["Owner"]
    assert write(tmp_path, found)
    assert load_registry(tmp_path).links[0].utm_campaign == "2024"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no rows"),
        (b"a,b\n1,2\n", "no column utm_source, utm_medium, utm_campaign"),
        ("utm_source,utm_medium,utm_campaign\nпоиск,b,c".encode("cp1251"), "is not UTF-8"),
        (b"utm_source,source,utm_medium,utm_campaign\n", "the column utm_source twice"),
        (b'utm_source,utm_medium,utm_campaign\n"a,b,c\n', "is not CSV"),
        (b"PK\x03\x04 broken", "is not a readable XLSX file"),
    ],
)
def test_a_file_that_is_no_table_is_told_so(config: Path, tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "links"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        plan(config, file)


def test_an_xlsx_bomb_is_refused_and_a_rounded_id_is_seen(config: Path, tmp_path: Path) -> None:
    good = sheet([HEADER, "google,cpc,brand_us_q9,,google-ads,1234567890123456789,search_brand"], shared=True)
    file = tmp_path / "links.xlsx"
    file.write_bytes(good)
    assert "rounded" in plan(config, file).outcomes[0].reason
    bomb = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good)) as old, zipfile.ZipFile(bomb, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, b'<!DOCTYPE a [<!ENTITY b "c">]>' + data if "workbook.xml" in name else data)
    file.write_bytes(bomb.getvalue())
    with pytest.raises(ConfigError, match="not a readable XLSX"):
        plan(config, file)
