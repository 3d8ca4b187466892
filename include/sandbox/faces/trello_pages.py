"""The pages of Trello's board that people look at. Whatever is shown is escaped; descriptions stay unrendered text."""

from __future__ import annotations

from html import escape

from sandbox.faces.trello_cards import BOARD, MEMBERS, Boards, Card

_STYLE = """
:root{color-scheme:light}body{margin:0;background:#f1f2f4;color:#172b4d;font:15px/1.5 system-ui,sans-serif}
main{padding:1.5rem;max-width:78rem;margin:auto;overflow-wrap:anywhere}h1{font-size:1.5rem}h2{font-size:.95rem}
.board{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:1rem;align-items:start}
.list{background:#dfe1e6;border-radius:10px;padding:.75rem}.list h2{margin:0 0 .5rem}
.card{display:block;background:#fff;border-radius:8px;padding:.6rem;margin:.5rem 0;color:inherit;text-decoration:none}
.label{background:#d3f1a7;border-radius:3px;padding:0 .4rem;font-size:.78rem}.meta{color:#626f86;font-size:.85rem}
pre{white-space:pre-wrap;font:inherit;background:#fff;padding:1rem;border-radius:8px}
"""


def board(boards: Boards, base: str) -> str:
    """The team's board in columns, without what was put away."""
    columns = []
    cards = [card for card in boards.all() if not card.fields["closed"]]
    for one in boards.lists.values():
        if one["idBoard"] == BOARD and not one["closed"]:
            shown = "".join(_card(card, boards, base) for card in cards if card.fields["idList"] == one["id"])
            columns.append(f'<section class="list"><h2>{escape(one["name"])}</h2>{shown}</section>')
    name = escape(boards.boards[BOARD]["name"])
    return _document(name, f'<h1>{name}</h1><div class="board">{"".join(columns)}</div>')


def card_page(card: Card | None, boards: Boards) -> str:
    """One card: name, list, labels, description as it was written, attachments and comments."""
    if card is None:
        return _document("Not found", "<h1>This card does not exist</h1>")
    status = "archived" if card.fields["closed"] else boards.lists[card.fields["idList"]]["name"]
    links = "".join(f"<li>{escape(str(one['url']))}</li>" for one in card.attachments)
    comments = "".join(
        f'<p><span class="meta">{escape(MEMBERS[one["author"]]["fullName"])} · {one["at"]:%Y-%m-%d %H:%M} UTC</span>'
        f"<br>{escape(one['data']['text'])}</p>"
        for one in boards.actions
        if one["type"] == "commentCard" and one["data"]["card"]["id"] == card.id
    )
    body = f"<h1>{escape(card.name)}</h1><p>{escape(status)} {_labels(card, boards)}</p>"
    body += f"<pre>{escape(str(card.fields['desc']))}</pre>"
    body += f"<h2>Attachments</h2><ul>{links}</ul>" if links else ""
    return _document(card.name, f"{body}<h2>Comments</h2>{comments or 'None yet.'}")


def _card(card: Card, boards: Boards, base: str) -> str:
    address = escape(f"{base}/c/{card.short_link}", quote=True)
    return f'<a class="card" href="{address}">{escape(card.name)}<div>{_labels(card, boards)}</div></a>'


def _labels(card: Card, boards: Boards) -> str:
    names = (str(boards.labels[id_]["name"]) for id_ in card.fields["idLabels"])
    return " ".join(f'<span class="label">{escape(name)}</span>' for name in names)


def _document(title: str, body: str) -> str:
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, '
        f'initial-scale=1"><title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>{body}</main></body></html>'
    )
