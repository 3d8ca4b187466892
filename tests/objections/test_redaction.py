"""Personal data does not leave: seeded in three languages, and what is no personal data stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebuttal.objections.redaction import redact

SEEDED = [
    ("пишите на Olga.Petrova+sale@mail.example.ru, дорого", "Olga.Petrova", "[email]"),
    ("my mail is john_smith@shop.co.uk thanks", "john_smith", "[email]"),
    ("olga [собака] salon.example слишком дорого", "olga", "[email]"),
    ("наберите +7 (903) 123-45-67 вечером", "123-45-67", "[phone]"),
    ("мій номер 067 123 45 67, дзвоніть", "123 45 67", "[phone]"),
    ("8 903 1234567 это рабочий", "1234567", "[phone]"),
    ("call me at (415) 555-0132 please", "555-0132", "[phone]"),
    ("карта 4111 1111 1111 1111 не проходит", "1111 1111", "[card]"),
    ("IBAN UA213223130000026007233566001 для повернення", "UA2132231300", "[iban]"),
    ("pay to DE89 3704 0044 0532 0130 00 today", "DE89", "[iban]"),
    ("see https://pay.example.com/i?token=abc123&sum=5 too expensive", "abc123", "[link]"),
    ("пиши мне t.me/olga_nails", "olga_nails", "[link]"),
    ("в инсте @olga.nails все есть", "olga.nails", "[handle]"),
    ("меня зовут Марина Сергеева, это дорого", "Марина", "[name]"),
    ("мене звати Оксана, задорого", "Оксана", "[name]"),
    ("This is Rebecca Stone, too pricey", "Rebecca", "[name]"),
    ("Здравствуйте, Татьяна! Дорого", "Татьяна", "[name]"),
    ("Доброго дня, Ірино. Це задорого", "Ірино", "[name]"),
    ("Dear Mr. Collins, we can't afford it", "Collins", "[name]"),
    ("С уважением, Павел Ким", "Павел", "[name]"),
    ("решает Иванова Мария Петровна, не я", "Мария Петровна", "[name]"),
    ("договор на Ковальчук О. В. не подписан", "Ковальчук", "[name]"),
    ("По итогам переписки с Анна: дорого", "Анна", "[name]"),
    ("Созвонились с Игорем Волковым, сомневается", "Волковым", "[name]"),
    ("Виктория на линии, дорого", "Виктория", "[name]"),
    ("Кузнецова Полина, перезвон: далеко", "Кузнецова", "[name]"),
    ("Ользі Коваленко задорого", "Коваленко", "[name]"),
    ("Алёна говорит, что дорого", "Алёна", "[name]"),
    ("вчера Вера сказала, что дорого", "Вера", "[name]"),
    ("Spoke with Emily Carter. Too expensive", "Carter", "[name]"),
    ("I asked Grace, and it is too expensive", "Grace", "[name]"),
    ("ИНН 7707083893 в счёте неверный", "7707083893", "[id]"),
    ("паспорт 4510 123456 не дам", "4510 123456", "[id]"),
    ("пароль: Qwerty!77 не подходит", "Qwerty", "[secret]"),
    ("from 192.168.13.7 it does not open", "192.168.13.7", "[ip]"),
]


@pytest.mark.parametrize(("text", "secret", "word"), SEEDED)
def test_seeded_personal_data_goes(text: str, secret: str, word: str) -> None:
    redacted = redact(text)
    assert secret in text
    assert secret not in redacted
    assert word in redacted


@pytest.mark.parametrize(
    "text",
    [
        "120 000 грн за лампу это дорого",
        "просят 1 250 000 руб, бюджет 900 000",
        "12.05.2026 в 10:30 не успеваю",
        "вернёмся в 2026-2027 году",
        "$1,299.00 is too much",
        "курс 45 000, а второй 60 000-70 000",
        "Слишком дорого для нашего салона",
        "Купили аппарат у Kodi, не у вас",
        "Hello, How much is it?",
        "Вера в результат пропала. Света в салоне нет",
        "Роман с вами закончен",
        "Казань далеко, а Wella дешевле",
        "Grace period is too short. Will you wait?",
    ],
)
def test_amounts_dates_and_plain_words_stay(text: str) -> None:
    assert redact(text) == text


@given(st.text(max_size=300))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@pytest.mark.parametrize("piece", ["@", "1 ", "a.", "Мария ", "https://", "-", "А. ", "+7(", "dear ", "a@a."])
def test_a_long_hostile_text_is_done_in_linear_work(piece: str) -> None:
    assert isinstance(redact(piece * 20_000), str)
