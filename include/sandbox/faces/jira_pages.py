"""The pages of the content team's board that people look at. Whatever is shown is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from sandbox.faces import jira_adf
from sandbox.faces.jira_issues import PROJECT, STATUSES, USERS, Issue

_STYLE = """
:root{color-scheme:light}*{box-sizing:border-box}
body{margin:0;background:#f7f8f9;color:#172b4d;font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
header{background:#fff;border-bottom:1px solid #dcdfe4;padding:.8rem 1.5rem;font-weight:600}
header a{color:inherit;text-decoration:none}main{padding:1.5rem;max-width:78rem;margin:auto}
a{color:#0c66e4}h1{font-size:1.5rem;margin:.3rem 0 1rem}h2{font-size:1.05rem;margin:1.6rem 0 .4rem}
.board{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:1rem;align-items:start}
.column{background:#eef0f2;border-radius:8px;padding:.75rem}
.column h2{margin:0 0 .6rem;font-size:.8rem;letter-spacing:.04em;text-transform:uppercase;color:#44546f}
.card{display:block;background:#fff;border-radius:6px;box-shadow:0 1px 2px #091e4233;padding:.7rem;margin:.5rem 0;
color:inherit;text-decoration:none;overflow-wrap:anywhere}
.key{color:#626f86;font-size:.8rem}.label{display:inline-block;background:#e9f2ff;color:#0055cc;border-radius:3px;
padding:0 .4rem;margin:.15rem .2rem 0 0;font-size:.78rem;overflow-wrap:anywhere}
.status{display:inline-block;border-radius:3px;padding:.1rem .6rem;font-size:.8rem;font-weight:600;background:#dcdfe4}
.indeterminate{background:#cce0ff;color:#0055cc}.done{background:#baf3db;color:#216e4e}
.sheet{background:#fff;border:1px solid #dcdfe4;border-radius:8px;padding:1.2rem 1.6rem;overflow-wrap:anywhere}
li p,td p,th p,blockquote p{margin:.15rem 0}.section{color:#44546f;text-transform:uppercase;font-size:.8rem}
.comment{border-top:1px solid #dcdfe4;padding:.6rem 0}.meta{color:#626f86;font-size:.85rem}
table{border-collapse:collapse}td,th{border:1px solid #dcdfe4;padding:.3rem .6rem;text-align:left}
blockquote{margin:.5rem 0;padding-left:.8rem;border-left:3px solid #dcdfe4;color:#44546f}pre{white-space:pre-wrap}
"""


def board(issues: Sequence[Issue], base: str) -> str:
    """All issues in columns by status."""
    columns = []
    for status in STATUSES.values():
        cards = [_card(issue, base) for issue in issues if issue.status == status.name]
        columns.append(
            f'<section class="column"><h2>{escape(status.name)} · {len(cards)}</h2>'
            + ("".join(cards) or '<p class="meta">Nothing here.</p>')
            + "</section>"
        )
    return _document("Board", f'<h1>Content tasks</h1><div class="board">{"".join(columns)}</div>', base)


def issue_page(issue: Issue, base: str) -> str:
    """One issue: title, status, labels, description, links, comments and history."""
    links = "".join(f"<li>{_address(str(link['url']))}</li>" for link in issue.links)
    comments = "".join(
        f'<div class="comment"><div class="meta">{_who(comment["author"])} · {comment["at"]:%Y-%m-%d %H:%M} UTC</div>'
        f"{jira_adf.html(comment['body'])}</div>"
        for comment in issue.comments
    )
    changes = "".join(
        f"<li>{change['at']:%Y-%m-%d %H:%M} · {_who(change['author'])} · {escape(item['field'])}: "
        f"{escape(_short(item['fromString']))} → {escape(_short(item['toString']))}</li>"
        for change in reversed(issue.history)
        for item in change["items"]
    )
    sections = (
        ("Published", f"<ul>{links}</ul>" if links else ""),
        ("Comments", comments or '<p class="meta">None yet.</p>'),
        ("History", f'<ul class="meta">{changes}</ul>' if changes else ""),
    )
    body = jira_adf.html(issue.fields.get("description")) or '<p class="meta">No description.</p>'
    body += "".join(f'<h2 class="section">{title}</h2>{inner}' for title, inner in sections if inner)
    head = (
        f'<div class="key">{issue.key}</div><h1>{escape(issue.summary)}</h1>'
        f"<p>{_status(issue)} {_labels(issue)}</p>"
        f'<p class="meta">Made {issue.created:%Y-%m-%d %H:%M} UTC, changed {issue.updated:%Y-%m-%d %H:%M} UTC</p>'
    )
    return _document(f"{issue.key} {issue.summary}", f'<article class="sheet">{head}{body}</article>', base)


def missing(base: str) -> str:
    """The page of an issue that is not there."""
    return _document("Not found", "<h1>This issue does not exist</h1>", base)


def _card(issue: Issue, base: str) -> str:
    address = escape(f"{base}/browse/{issue.key}", quote=True)
    inner = f'<div class="key">{issue.key}</div>{escape(issue.summary)}<div>{_labels(issue)}</div>'
    return f'<a class="card" href="{address}">{inner}</a>'


def _labels(issue: Issue) -> str:
    return "".join(f'<span class="label">{escape(label)}</span>' for label in issue.labels)


def _status(issue: Issue) -> str:
    return f'<span class="status {STATUSES[issue.status].category}">{escape(issue.status)}</span>'


def _who(author: str) -> str:
    return escape(str(USERS[author]["displayName"]))


def _short(text: str | None) -> str:
    text = text or "none"
    return text if len(text) <= 80 else text[:79] + "…"


def _address(url: str) -> str:
    return jira_adf.html({"type": "inlineCard", "attrs": {"url": url}})


def _document(title: str, body: str, base: str) -> str:
    home = escape(f"{base}/", quote=True)
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, '
        f'initial-scale=1"><title>{escape(title)}</title><style>{_STYLE}</style></head><body>'
        f'<header><a href="{home}">{PROJECT} · Marketing content</a></header><main>{body}</main></body></html>'
    )
