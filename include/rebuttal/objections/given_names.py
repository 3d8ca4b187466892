"""Common given names (ru/uk/en, and of neighbours) in all their cases, to know a name that nothing introduces.

Short forms too. Names that are words as well ("Grace", "Вера") stand apart: such a word is a name only within a
sentence.
"""

from __future__ import annotations

import re

_CYRILLIC = """
Агата Аглая Аида Айгерим Айгуль Аким Аксинья Алан Александр Александра Алексей Алена Алеся Алина Алиса Алия Алла
Альберт Альбина Альфия Аля Амина Анастасия Анатолий Ангелина Андрей Анжела Анжелика Анна Антон Антонина Анфиса Анюта
Аня Арина Аркадий Арман Арсен Арсений Артем Артур Асель Асия Ася Афанасий Ахмед Белла Богдан Борис Боря Бэла Вадим
Валентин Валентина Валерий Валерия Валера Валя Ваня Варвара Варя Василий Василиса Вася Вениамин Вероника Виктор
Виктория Вика Виолетта Виталий Виталина Виталик Витя Влад Влада Владимир Владислав Владислава Вова Володя Всеволод
Вячеслав Галина Галя Гена Геннадий Георгий Герман Глафира Глеб Гоша Григорий Гриша Гузель Гульнара Давид Дамир Дарина
Дарья Даша Даниил Данила Данил Демид Денис Диана Дима Дина Динара Дмитрий Ева Евгений Евгения Евдокия Егор Екатерина
Елена Елизавета Еля Ефим Жанна Женя Захар Зарина Земфира Зина Зинаида Зоя Зульфия Иван Игнат Игорь Илона Ильдар Илья
Инга Инесса Инна Иосиф Ира Ираида Ирина Ирма Исмаил Иннокентий Камила Карина Каролина Катерина Катя Кира Кирилл
Клавдия Клара Клим Константин Костя Кристина Ксения Ксюша Лада Лариса Лейла Лена Леонид Лера Леша Лида Лидия Лиза Лина
Лиана Луиза Лука Любава Люба Люда Людмила Люся Майя Макар Максим Маргарита Марат Мариам Марианна Марина Мария Марта
Марьяна Марфа Матвей Маша Мадина Милана Милена Милада Мирон Мирослав Мирослава Митя Михаил Миша Моника Мурат Надя
Назар Наиля Настя Наташа Наталия Наталья Нелли Ника Никита Николай Нина Нурлан Оксана Оксанка Олег Олеся Ольга Оля
Павел Паша Петя Полина Прохор Раиса Рамиль Ренат Рената Римма Рима Рита Роберт Родион Ростислав Рома Рузанна Руслан
Руслана Рустам Савелий Саида Салават Самира Саша Света Светлана Севда Семен Серафима Сережа Сергей Слава Снежана Соня
София Софья Станислав Станислава Степан Стас Стелла Сусанна Таисия Тамара Таня Тарас Татьяна Тимофей Тимур Тихон Толя
Тоня Ульяна Федор Фатима Федя Филипп Фаина Фарида Флора Харитон Христина Шамиль Эвелина Эдуард Эдик Элеонора Элина
Эллина Эльвира Эльмира Эля Эмиль Эмма Эрик Юлиана Юлия Юля Юра Юрий Юстина Яков Ян Яна Янина Ярослав Ярослава Андрій
Алевтина Анатолій Арсеній Артемій Богдана Борислав Валерій Василина Василь Віктор Вікторія Віка Віталій Віталіна
Володимир В'ячеслав Геннадій Георгій Григорій Дарія Дмитро Дмитрик Евеліна Ельвіра Єва Євген Євгенія Єгор Єлизавета
Злата Златослава Зіна Зінаїда Зеновій Зоряна Іван Іванка Іванна Ігор Ілля Інна Інга Ірина Іра Йосип Кирило Костянтин
Ксенія Леся Лесик Лідія Ліда Ліза Ліна Любомир Любомира Марічка Марія Мар'яна Мар'ян Михайло Микита Микола Надійка
Назарій Наталія Наталка Ніна Олександр Олександра Олексій Олена Оленка Олесь Орест Орися Остап Павло Павлина Петро
Поліна Роксолана Сашко Святослав Сергій Соломія Соломійка Софія Софійка Станіслав Стефанія Таїсія Тетяна Тетянка
Тимофій Уляна Федір Юлія Юрій Юрко Яків Ярина Яринка Виола Лола Мальвина Мілана Роксана Світлана
"""
_CYRILLIC_WORDS = """
Вера Воля Гуля Искра Лев Лилия Лілія Любовь Любов Мила Мира Мирра Мрія Надежда Надія Победа Рая Роза Роман Света Тома
Тая Тася Фея Цвета Марк Віра Рада Майя Альба Слава Лада Флора Яра
"""
_LATIN = """
Aaron Abigail Adam Adrian Agnes Alan Alana Albert Alec Alex Alexander Alexandra Alexis Alice Alicia Alison Alyssa
Amanda Amelia Amy Ana Anastasia Andrea Andrew Andy Angela Angelina Angie Anita Ann Anna Anne Annie Anthony Antonia
Ashley Audrey Barbara Barry Beatrice Becky Ben Benjamin Bernard Beth Bethany Betty Beverly Brandon Brenda Brian
Bridget Bruce Bryan Caitlin Callum Cameron Carl Carla Carlos Carmen Carol Caroline Catherine Cathy Cecilia Charles
Charlie Charlotte Chelsea Cheryl Chloe Chris Christian Christina Christine Christopher Claire Clara Claudia Colin
Connor Craig Cynthia Damian Dan Dana Daniel Daniela Danielle Danny Darren Dave David Deborah Debbie Denise Dennis
Derek Diana Diane Dominic Donald Donna Doris Dorothy Douglas Duncan Dylan Eddie Edward Elaine Eleanor Elena Elizabeth
Ella Ellen Ellie Elsie Emily Emma Eric Erica Erin Ethan Eva Evelyn Fiona Florence Frances Francesca Freya Gareth Gary
Gavin Gemma Geoff George Georgia Georgina Gerald Gillian Gina Glenn Gloria Gordon Graham Greg Gregory Hannah Harriet
Harry Hayley Heather Heidi Helen Helena Henry Howard Hugh Ian Imogen Ingrid Irene Isaac Isabel Isabella Isla Ivan
Jacqueline Jacob Jake James Jamie Jane Janet Janice Jasmine Jason Jeff Jeffrey Jennifer Jenny Jeremy Jess Jesse
Jessica Jill Jim Jimmy Joan Joanna Joanne Jodie Joe Joel John Johnny Jonathan Jordan Joseph Josephine Joshua Joyce
Juan Judith Judy Julia Julian Julie Juliet Justin Karen Karina Karl Kate Katherine Kathleen Kathryn Kathy Katie
Katrina Kayla Keith Kelly Kenneth Kerry Kevin Kieran Kimberly Kirsty Kristen Kristina Kyle Larry Laura Lauren Laurence
Leanne Leah Leo Leon Leonard Leslie Lewis Liam Linda Lindsay Lisa Liz Lorna Lorraine Louis Louise Lucas Lucia Lucy
Luke Lydia Lynn Madison Maggie Malcolm Mandy Marcus Margaret Maria Marie Marina Marion Marta Martha Martin Martina
Mary Mateo Matt Matthew Maureen Megan Melanie Melissa Mia Michael Michelle Mike Molly Monica Morgan Nadia Nancy Naomi
Natalie Natasha Nathan Nathaniel Neil Niamh Nicholas Nicola Nicole Nigel Nina Noah Nora Norman Oksana Olena Olga
Oliver Olivia Oscar Owen Pamela Patricia Patrick Paul Paula Pauline Peter Philip Philippa Phoebe Polly Rachel Ralph
Raymond Rebecca Renee Rhys Richard Ricky Rita Robert Roberta Robin Rodney Roger Ronald Rosemary Rosie Ross Ruth Ryan
Sabrina Sally Sam Samantha Samuel Sandra Sara Sarah Scott Sean Sharon Shannon Sheila Shirley Simon Simone Sofia Sonia
Sophia Sophie Stacey Stanley Stella Stephanie Stephen Steve Steven Stuart Susan Suzanne Svetlana Tamara Tania Tanya
Tara Teresa Terry Theresa Thomas Tiffany Tim Timothy Tina Toby Todd Tom Tommy Tony Tracey Tracy Trevor Tyler Valentina
Vanessa Vera Veronica Victoria Vincent Vivian Vladimir Walter Wendy William Yvonne Zach Zoe Zoey
"""
_LATIN_WORDS = """
Amber April Art Bill Brook Chase Daisy Dawn Dean Drew Faith Felicity Frank Grace Grant Hazel Holly Hope Iris Ivy Jack
Jade Jean Joy June Lily Mark Max May Melody Miles Olive Pat Paris Penny Ray Rich Rob Rose Ruby Sandy Sienna Sky Sue
Summer Victor Violet Wade Will
"""

_ENDINGS = {
    "ия": "ия ии ию ией иею",
    "ія": "ія ії ію ією іє",
    "ья": "ья ьи ье ью ьей",
    "я": "я и і е ю ей ею єю ї є ь",
    "а": "а ы и і е у ой ою ей ею о",
    "ий": "ий ия ию ием ии",
    "ій": "ій ія ію ієм ієві ії",
    "й": "й я ю ем єм е є ї еві єві",
    "ь": "ь я ю ем є ем е еві",
    "о": "о а у ом ові е і",
}
_ALTERED = {"г": "з", "к": "ц", "х": "с"}  # "Ольга", "Ользі"
_IRREGULAR = {
    "Павел": "Павла Павлу Павлом Павле",
    "Лев": "Льва Льву Львом",
    "Любовь": "Любови Любовью",
    "Любов": "Любові Любов'ю",
    "Федір": "Федора Федору Федором Федорові",
    "Яків": "Якова Якову Яковом Якові",
    "Ігор": "Ігоря Ігорю Ігорем Ігореві",
    "Василь": "Василеві",
}
_HARD = ("а", "у", "ом", "ем", "е", "ові", "еві")


def _cases(name: str) -> set[str]:
    """All forms of a Cyrillic name, the letter ё as е; a few that nobody says come with them."""
    forms = {name, *_IRREGULAR.get(name, "").split()}
    ending = next((ending for ending in _ENDINGS if name.endswith(ending)), None)
    if ending is None:
        return forms | {name + case for case in _HARD}
    stem = name.removesuffix(ending)
    forms |= {stem + case for case in _ENDINGS[ending].split()}
    if ending == "а" and stem[-1] in _ALTERED:
        forms |= {stem[:-1] + _ALTERED[stem[-1]] + case for case in ("і", "е")}
    return forms


def _all(cyrillic: str, latin: str) -> frozenset[str]:
    return frozenset(form for name in cyrillic.split() for form in _cases(name)) | frozenset(latin.split())


_WORDS = _all(_CYRILLIC_WORDS, _LATIN_WORDS)
_NAMES = _all(_CYRILLIC, _LATIN) - _WORDS
_CAPITALISED = re.compile(r"(?<![\w\[@#])[A-ZА-ЯЁІЇЄҐ][a-zа-яёіїєґ]+(?:['’ʼ][a-zа-яёіїєґ]+)?(?![\w])")
_WITHIN = re.compile(r"[\w,;)\]][ \t]{1,3}$")  # what stands before a word within a sentence


def given_names(text: str) -> list[tuple[int, int]]:
    """Where given names stand in `text`: start and end (exclusive) in code points, in order."""
    return [match.span() for match in _CAPITALISED.finditer(text) if _is_name(text, match)]


def _is_name(text: str, match: re.Match[str]) -> bool:
    word = match[0].replace("ё", "е").replace("’", "'").replace("ʼ", "'")
    return word in _NAMES or (word in _WORDS and bool(_WITHIN.search(text, max(0, match.start() - 4), match.start())))
