"""Understanding, layer by layer, and as a whole on the real content. No line of any evaluation set stands here."""

import asyncio
import io
import json
from pathlib import Path

import numpy as np
import pytest

from bot.conversation import Mind
from bot.geo.tables import Gazetteer
from bot.library.pages import NONE, Question
from bot.library.reading import read_library
from bot.match import match_lines
from bot.messages import CrisisKind, CrisisLevel
from bot.settings import ROOT
from bot.understanding.commands import command, picked
from bot.understanding.crisis import by_words, judge
from bot.understanding.encoder import Encoder, Vectors
from bot.understanding.features import Ngrams, Rows, letters_of, words_of
from bot.understanding.language import counted
from bot.understanding.model import Models, load_models, save_models
from bot.understanding.normalise import LONGEST, bounded, clean, no_stretching, printable, spelled_out
from bot.understanding.notebook import Notebook
from bot.understanding.spelling import Speller
from bot.understanding.topics import Decision, Scored, decide, in_order
from bot.understanding.training import fit_model
from bot.understanding.understander import MOST_REMEMBERED, Understander, build_understander
from bot.understanding.weighing import Scales, Weighed


@pytest.fixture(scope="session")
def understander(mind: Mind) -> Understander:
    return mind.understander


@pytest.mark.parametrize(("given", "kept"), [("heeeeelp", "heelp"), ("no!!!!!", "no!!"), ("100000", "100000")])
def test_stretched_letters_are_shortened(given: str, kept: str) -> None:
    assert no_stretching(given) == kept


def test_a_long_text_keeps_its_beginning_and_its_end() -> None:
    text = bounded("first " + "x" * 10_000 + " last")
    assert text.startswith("first")
    assert text.endswith("last")
    assert len(text) <= LONGEST + 1


def test_what_cannot_be_printed_becomes_blank() -> None:
    assert printable("a\x00b\u202ec\ud800d") == "a b c d"


def test_abbreviations_are_written_out() -> None:
    assert spelled_out("thx xq") == "thanks porque"


@pytest.mark.parametrize(("text", "intent"), [("MENU", "menu"), ("¡Alto!", "stop"), ("más", "more"), ("/menu", "menu"), ("please help my cat", None)])
def test_orders_are_whole_messages(text: str, intent: str | None) -> None:
    assert command(text) == intent


@pytest.mark.parametrize(("text", "number"), [("2", 2), ("la segunda", 2), ("option 3", 3), ("12", 12), ("28752", None), ("two dogs", None)])
def test_numbers_are_picked(text: str, number: int | None) -> None:
    assert picked(text) == number


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("i want to kill myself", CrisisKind.SUICIDE),
        ("ya no quiero vivir", CrisisKind.SUICIDE),
        ("my brother is not breathing", CrisisKind.DANGER),
        ("mi esposo me golpea", CrisisKind.ABUSE),
        ("i am not suicidal, just tired", None),
        ("me muero de hambre", None),
        ("where is the food bank", None),
        ("snake bite", CrisisKind.DANGER),
        ("my husband got bit by a rattlesnake", CrisisKind.DANGER),
        ("a mi hijo le picó una víbora", CrisisKind.DANGER),
        ("snake bit my dog", None),
        ("a snake bit me last year", None),
        ("are there snakes after a flood", None),
    ],
)
def test_words_that_always_say_so(text: str, kind: CrisisKind | None) -> None:
    assert by_words(text) == kind


def test_without_a_model_the_words_alone_bring_the_crisis_answer() -> None:
    found = judge("quiero morir", None)
    assert found is not None
    assert found.level is CrisisLevel.NOW


def test_spelling_is_mended_in_the_message_s_own_language() -> None:
    speller = Speller(counted([("the shelter is open", "en"), ("necesito un refugio", "es")] * 3))
    assert speller.mend("sheltr", "en") == "shelter"
    assert speller.mend("un refujio", "es") == "un refugio"
    assert speller.mend("go to Sheltr", "en") == "go to Sheltr", "a capital letter inside a sentence is a name"


def ranked(*pairs: tuple[str, float]) -> list[Scored]:
    return [Scored(intent=i, score=s) for i, s in pairs]


@pytest.mark.parametrize(
    ("best", "none", "decision"),
    [(0.9, 0.01, Decision.ANSWER), (0.3, 0.01, Decision.CLARIFY), (0.9, 0.19, Decision.CLARIFY), (0.3, 0.3, Decision.NONE)],
)
def test_answer_offer_refuse(best: float, none: float, decision: Decision) -> None:
    assert decide(ranked(("sleep", best), ("grief", 0.01)), none, refuse_from=0.25) is decision


def test_the_more_urgent_of_two_things_comes_first() -> None:
    first, second = in_order("food and a place to sleep", ranked(("food", 0.5), ("shelter", 0.4)))
    assert (first.intent, second and second.intent) == ("shelter", "food")
    assert in_order("food", ranked(("food", 0.5), ("shelter", 0.4)))[1] is None


def test_a_text_is_cut_into_four_letters_of_a_word_and_words_in_pairs() -> None:
    assert letters_of("a sobre") == [" a ", " sob", "sobr", "obre", "bre "]
    assert words_of("¡no hay luz!") == ["no", "hay", "luz", "no hay", "hay luz"]


def test_one_text_is_counted_as_many_are() -> None:
    texts = ["no power since the storm", "sin luz desde la tormenta", "no power"]
    ngrams, counted = Ngrams.learn(texts)
    assert np.allclose(ngrams.of([texts[1]]).toarray(), counted[1].toarray(), atol=1e-6)
    assert np.array_equal(ngrams.of(texts).toarray(), counted.toarray())


def test_models_are_kept_as_plain_arrays(tmp_path: Path) -> None:
    texts = [f"{word} {n}" for word in ("water", "food", "sleep") for n in range(12)]
    labels = [t.split()[0] for t in texts]
    encoder = Encoder()
    ngrams, letters = Ngrams.learn(texts)
    model = fit_model(Rows(letters=letters, meaning=encoder.encode(texts)), labels)
    asked = Rows(letters=ngrams.of(["some food"]), meaning=encoder.encode(["some food"]))
    path = tmp_path / "model.npz"
    save_models(path, Models(counts=counted([("some food", "en")]), phrases={"some food": "food"}, ngrams=ngrams, topics=model, crisis=None, refuse_from=0.2))
    with np.load(path, allow_pickle=False) as file:
        assert all(file[name].dtype != object for name in file.files)
    loaded = load_models(path)
    assert loaded is not None
    again = loaded.topics.probabilities(Rows(letters=loaded.ngrams.of(["some food"]), meaning=asked.meaning))[0]
    assert (loaded.counts, loaded.phrases, loaded.refuse_from) == ({"en": {"some": 1, "food": 1}, "es": {}}, {"some food": "food"}, 0.2)
    assert again == pytest.approx(model.probabilities(asked)[0])
    assert max(again, key=again.__getitem__) == "food"
    path.write_bytes(path.read_bytes()[:1000])
    assert load_models(path) is None, "a broken file is made again, not believed"


async def test_what_is_remembered_stays_when_it_is_asked_for_again(understander: Understander) -> None:
    """When the memory is full, something new empties it, and nothing old."""
    understander._memory.clear()
    marks = [f"{'!' * (n % 97)}{'?' * (n // 97)}{'.' * (n % 3)}" for n in range(2 * MOST_REMEMBERED)]
    for mark in marks:
        if len(understander._memory) == MOST_REMEMBERED:
            break
        understander.understand(mark)
    assert understander.understand(marks[0]) is await understander.understand_soon(marks[0])
    assert len(understander._memory) == MOST_REMEMBERED
    understander.understand("something new")
    assert len(understander._memory) == 1


class Fussy(Encoder):
    """An encoder that a text can break."""

    def encode(self, texts: list[str]) -> Vectors:
        if "break" in texts:
            raise ValueError
        return super().encode(texts)


async def test_texts_that_wait_together_are_weighed_together_and_one_breaks_no_other() -> None:
    texts = [f"{word} {n}" for word in ("water", "food", "sleep") for n in range(12)]
    ngrams, letters = Ngrams.learn(texts)
    model = fit_model(Rows(letters=letters, meaning=Encoder().encode(texts)), [t.split()[0] for t in texts])
    scales = Scales(Models(counts=counted([]), phrases={}, ngrams=ngrams, topics=model, crisis=None, refuse_from=0.2), Fussy())
    asked = [f"some {word} {n}" for word in ("food", "water", "sleep") for n in range(7)]
    together = await asyncio.gather(*map(scales.weigh_soon, asked))
    assert [max(one.topics, key=one.topics.__getitem__) for one in together] == [text.split()[1] for text in asked]
    for text, one in zip(asked, together, strict=True):
        assert one.topics == pytest.approx(scales.weigh([text])[0].topics, abs=1e-5)
    first, broken, last = await asyncio.gather(*map(scales.weigh_soon, ("food", "break", "water")), return_exceptions=True)
    assert isinstance(broken, ValueError)
    assert isinstance(first, Weighed)
    assert isinstance(last, Weighed)


def test_a_question_is_read_once_and_kept(tmp_path: Path) -> None:
    questions = [Question(text=f"{word} {n}", intent=word, language="en") for word in ("water", "food") for n in range(3)]
    read: list[str] = []

    def reader(question: Question) -> str:
        read.append(question.text)
        return question.text.upper()

    path = tmp_path / "notebook.npz"
    first, vectors = Notebook(Encoder(), path).read(questions, reader)
    new = Question(text="sleep", intent="sleep", language="en")
    second, again = Notebook(Encoder(), path).read([*questions, new], reader)
    assert (first, second) == ([q.text.upper() for q in questions], [*first, "SLEEP"])
    assert read == [*(q.text for q in questions), "sleep"]
    assert np.array_equal(vectors, again[:-1])
    path.write_bytes(b"broken")
    assert Notebook(Encoder(), path).read(questions, reader)[0] == first


@pytest.mark.parametrize(
    ("text", "intent", "county"),
    [
        ("refugio en el condado de Wake", "shelter", "Wake"),
        ("is there a shelter open round Marion", "shelter", "McDowell"),
        ("our lights went off and the freezer is thawing", "power-outage", None),
        ("se nos fue la luz desde el martes y no tenemos planta", "power-outage", None),
        ("my licence and my birth certificate washed away", "documents", None),
        ("no pego el ojo desde el huracán", "sleep", None),
        ("take me off of this texting list", "stop", None),
    ],
)
def test_what_people_write_reaches_its_page(understander: Understander, text: str, intent: str, county: str | None) -> None:
    understood = understander.understand(text)
    assert understood.intent == intent
    assert understood.found.county == county


@pytest.mark.parametrize("text", ["what time do the panthers play on sunday", "receta de arroz con leche", "asdf qwer zxcv", "😀😀", "."])
def test_what_is_not_ours_is_refused(understander: Understander, text: str) -> None:
    assert understander.understand(text).decision is Decision.NONE


@pytest.mark.parametrize("text", ["stop it", "make it stop", "Stop it please", "cancel my hotel", "stop worrying"])
def test_nobody_is_unsubscribed_by_words_that_speak_of_no_messages(understander: Understander, text: str) -> None:
    understood = understander.understand(text)
    assert (understood.decision, understood.intent) != (Decision.ANSWER, "stop")


@pytest.mark.parametrize("text", ["please quit texting my phone", "take my number off your list", "saquen mi numero de su lista", "ya no me manden mensajes"])
def test_any_reasonable_way_to_unsubscribe_is_one(understander: Understander, text: str) -> None:
    understood = understander.understand(text)
    assert (understood.decision, understood.intent) == (Decision.ANSWER, "stop")


@pytest.mark.parametrize("text", ["no para de llover", "i cant stop crying", "when will the rain stop"])
def test_stop_inside_a_sentence_is_no_opt_out(understander: Understander, text: str) -> None:
    assert understander.understand(text).intent != "stop"


def test_the_place_does_not_change_the_question(understander: Understander) -> None:
    one, other = (understander.understand(f"busco refugio en {place}") for place in ("Boone", "Wake"))
    assert one.intent == other.intent == "shelter"
    assert one.score == pytest.approx(other.score, abs=0.02)
    assert (one.found.county, other.found.county) == ("Watauga", "Wake")


def test_crisis_is_seen_whatever_else_is_asked(understander: Understander) -> None:
    understood = understander.understand("stop. ya me quiero morir")
    assert understood.decision is Decision.CRISIS
    assert understood.intent == "crisis-suicide"


def test_an_explanation_names_models_and_questions_of_ours(understander: Understander) -> None:
    why = understander.explain("nesesito comida en boone")
    assert why.understood.intent == "food"
    assert set(why.layers) == {"letters", "meaning"}
    assert len(why.closest) == 3


def test_match_keeps_its_contract(understander: Understander, gazetteer: Gazetteer) -> None:
    asked = ['{"text": "food in 27501"}', "not json", '{"text": "gol de messi", "language": "es", "county": "Wake"}', "", '{"text": null}']
    answers = [json.loads(line) for line in match_lines(io.StringIO("\n".join(asked) + "\n"), understander, gazetteer)]
    assert len(answers) == 4
    assert "error" in answers[1]
    for answer in (answers[0], answers[2], answers[3]):
        assert list(answer) == ["text", "language", "decision", "intent", "score", "alternatives", "county", "counties", "crisis"]
        assert len(answer["alternatives"]) == 3
        assert NONE not in [a["intent"] for a in answer["alternatives"]]
    assert answers[0]["counties"], "27501 lies in several counties"


def test_any_folder_of_pages_will_do(tmp_path: Path, gazetteer: Gazetteer) -> None:
    """One language, no contacts, and an id that YAML would take for a truth value."""
    for intent, words in {"yes": ["sure thing", "of course"], "weather": ["will it snow", "is it going to be hot"]}.items():
        (tmp_path / "en").mkdir(exist_ok=True)
        (tmp_path / "en" / f"{intent}.md").write_text(f"---\nid: {intent}\ntitle: {intent}\n---\nA page.\n", encoding="utf-8")
        (tmp_path / "en" / f"{intent}.questions.txt").write_text("\n".join(words), encoding="utf-8")
    understander = build_understander(read_library(tmp_path), gazetteer, None)
    assert understander.understand("will it snow").intent == "weather"
    assert understander.understand("sure thing").alternatives[0].intent == "yes"


def test_every_text_is_understood_somehow(understander: Understander) -> None:
    for text in ("", " ", "\x00", "\ud800", "a" * 100_000, "🏠" * 500, "\u202e", "1", "-" * 300, "'; drop table person; --"):
        assert understander.understand(text).language in ("en", "es"), repr(text[:20])


def test_cleaning_keeps_case_and_accents() -> None:
    assert clean("  Él  vive\ten Boone ") == "Él vive en Boone"


def test_the_content_folder_of_the_project_has_both_languages() -> None:
    assert {language for language, _ in read_library(ROOT / "content").pages} == {"en", "es"}


IN_DANGER = (
    "there is a shooter at my school", "active shooter at the mall", "hay un tirador en mi trabajo", "my house is flooding and i cant get out", "se esta inundando y no podemos salir",
    "I smell gas in my house", "huele a gas en mi casa", "my son shot himself", "generator in the garage and we are dizzy", "el generador esta adentro y tengo dolor de cabeza",
)  # fmt: skip
NOT_IN_DANGER = ("my brother shot himself two years ago", "the gas station has no gas", "no puedo salir de la cama", "the shooter was arrested last month", "i need a generator")


@pytest.mark.parametrize("text", IN_DANGER)
def test_danger_to_life_gets_911_and_nothing_else(understander: Understander, text: str) -> None:
    understood = understander.understand(text)
    assert (understood.decision, understood.intent) == (Decision.CRISIS, "crisis-danger")


@pytest.mark.parametrize("text", NOT_IN_DANGER)
def test_words_of_danger_in_other_meanings_are_not_taken_for_it(text: str) -> None:
    assert by_words(text) is None
