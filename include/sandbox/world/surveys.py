"""Survey answers: who answers depends on mood, memory of the source errs, some press the button twice."""

from __future__ import annotations

from typing import Any

from sandbox.parameters import Parameters
from sandbox.recorded import FORMS, Response
from sandbox.world.deals import REASONS
from sandbox.world.life import Deal, Life
from sandbox.world.memory import source_said
from sandbox.world.speech import Said, say
from sandbox.world.streams import DAY, digest, instant, number, unit
from sandbox.world.talks import text_truth
from sandbox.world.trail import Step

_FORM_OF = {kind: form for form, kind in FORMS.items()}
_WORDS = {code: word for word, code in reversed(REASONS.items()) if code}


class Answers:
    """The responses so far, the copies among them, and the truth of their texts."""

    def __init__(self, seed: int, start: int, now: int, parameters: Parameters) -> None:
        self._seed, self._start, self._now, self._parameters = seed, start, now, parameters
        self.responses: list[Response] = []
        self.copies: list[dict[str, str]] = []
        self.texts: list[dict[str, Any]] = []
        self.truth: list[dict[str, Any]] = []

    def ask(self, life: Life, steps: list[Step], deal_ids: dict[int, str]) -> None:
        """All surveys that this person answered by now."""
        rates = self._parameters.surveys
        for deal in life.deals:
            if not deal.closed_at or deal.closed_at >= self._now:
                continue
            kind = "nps" if deal.outcome == "won" else "lost_deal"
            load = sum(life.strength(code, deal.closed_at) for code in life.person.doubts)
            # The delighted and the angry answer more than the lukewarm.
            mood = 1.25 if load > 2.2 or load < 0.4 else 0.85
            odds = (rates.nps if kind == "nps" else rates.lost_deal) * mood
            if unit(self._seed, life.person.key, "survey", kind, deal.ordinal) < odds:
                self._deal_survey(life, steps, deal, kind, load, deal_ids.get(deal.ordinal, ""))
        for step in steps:
            asked = unit(self._seed, life.person.key, "survey", "exit", step.visit.slot) < rates.exit
            if asked and step.visit.slot != life.lead_slot:
                self._exit_survey(life, step)

    def finish(self) -> list[Response]:
        """The responses in the order of their submission."""
        self.responses.sort(key=lambda one: (one.submitted_at or one.landed_at, one.token))
        return self.responses

    def _deal_survey(self, life: Life, steps: list[Step], deal: Deal, kind: str, load: float, deal_id: str) -> None:
        name = (self._seed, life.person.key, kind, deal.ordinal)
        landed = deal.closed_at + int((0.3 + 6 * unit(*name, "wait")) * DAY)
        answers: dict[str, Any] = {}
        voiced: tuple[str, ...] = ()
        strongest = max(life.person.doubts, key=lambda code: life.strength(code, landed), default="")
        if kind == "nps":
            score = 9.6 - 1.1 * load + 2.2 * (unit(*name, "score") - 0.5)
            answers["nps"] = max(0, min(10, round(score)))
            voiced = (strongest,) if strongest and answers["nps"] < 9 and unit(*name, "voice") < 0.6 else ()
        else:
            main = deal.main_doubt
            voiced = (main,) if main and unit(*name, "voice") < 0.85 else ()
            answers["reason"] = _WORDS.get(main, "Other") if main else "Other"
        known = [step for step in steps if step.client_id and step.visit.at < landed]
        hidden = {"deal_id": deal_id} if deal_id else {}
        if known and unit(*name, "hidden") < 0.5:
            hidden["client_id"] = known[-1].client_id
        self._submit(name, life, _FORM_OF[kind], landed, answers, hidden, voiced, deal_id or None)

    def _exit_survey(self, life: Life, step: Step) -> None:
        name = (self._seed, life.person.key, "exit", step.visit.slot)
        doubts = sorted(life.person.doubts, key=lambda code: -life.strength(code, step.visit.at))
        voiced = tuple(doubts[:1]) if unit(*name, "voice") < 0.55 else ()
        hidden = {"client_id": step.client_id} if step.client_id else {}
        hidden |= {
            key: value
            for key, value in step.arrival.tags.items()
            if key in ("utm_source", "utm_medium", "utm_campaign")
        }
        self._submit(name, life, _FORM_OF["exit"], step.visit.ends_at + 2, {}, hidden, voiced, None)

    def _submit(
        self, name: tuple[str | int, ...], life: Life, form: str, landed: int, answers: dict[str, Any],
        hidden: dict[str, str], voiced: tuple[str, ...], deal_id: str | None,
    ) -> None:  # fmt: skip
        rates, who = self._parameters.surveys, life.person
        submitted = landed + 25 + number(*name, "pace") % 240
        if landed < self._start or submitted >= self._now:
            return
        token = digest((*name, "token")).hex()
        said = Said("", ())
        if unit(*name, "comment") < rates.comment:
            said = say(self._seed, who, "survey", voiced, "buyer", self._parameters, *name[2:])
            answers["comment"] = said.text
        meant = ""
        if unit(*name, "source") < rates.source:
            text, meant = source_said(who, life.first_channel, rates.wrong_source, "survey")
            answers["source"] = text
        if unit(*name, "email") < rates.email:
            raw = who.email if unit(*name, "which") < 0.7 else who.other_email
            draw = number(*name, "case") % 8
            answers["email"] = raw.upper() if draw == 0 else f" {raw} " if draw == 1 else raw
        self._keep(
            Response(form, token, instant(landed), instant(submitted), hidden, dict(answers)),
            life,
            said,
            voiced,
            meant,
            deal_id,
        )
        again = submitted + 4 + number(*name, "gap") % 50
        if unit(*name, "again") < rates.resubmitted and again < self._now:
            twin = digest((*name, "twin")).hex()
            self.responses.append(Response(form, twin, instant(landed), instant(again), hidden, dict(answers)))
            self.copies.append({"stream": "responses", "id": twin, "original_id": token, "kind": "resubmitted"})

    def _keep(
        self, response: Response, life: Life, said: Said, voiced: tuple[str, ...], meant: str, deal: str | None
    ) -> None:
        self.responses.append(response)
        at = int((response.submitted_at or response.landed_at).timestamp())
        if said.text:
            row = text_truth("responses", response.token, life, said, "comment", "buyer", at, deal, voiced)
            self.texts.append({**row, "form": response.form})
        self.truth.append(
            {
                "token": response.token,
                "person": life.person.key,
                "said_source": meant,
                "true_source": life.first_channel,
                "email": response.answers.get("email"),
                "client_id": response.hidden.get("client_id"),
            }
        )
