"""A python-telegram-bot bot as its tutorial writes one (echobot.py), that looks the message up with RapidFuzz's process.extract among all questions.

learn WORK | ask WORK | poll WORK CUTOFF API TOKEN

The scorer was chosen on questions held back from what is taught, before the run: token_sort_ratio did better than WRatio (the default), token_set_ratio and ratio.
"""

import sys
from functools import partial
from pathlib import Path
from typing import Any

from common import NONE, Guess, answers, asked_line_by_line, taught, text_of
from rapidfuzz import fuzz, process, utils
from telegram import Update
from telegram.ext import Application, ContextTypes, MessageHandler, filters


def guess(text: str, *, choices: list[str], questions: list[dict[str, str]]) -> Guess:
    near = process.extract(utils.default_process(text), choices, scorer=fuzz.token_sort_ratio, limit=5)
    at = [index for _, _, index in near]
    ours = next((i for i in at if questions[i]["intent"] != NONE), at[0])
    return Guess(intent=questions[ours]["intent"], language=questions[at[0]]["language"], score=near[0][1] / 100, ours=questions[at[0]]["intent"] != NONE)


def reader(questions: list[dict[str, str]]) -> Any:
    return partial(guess, choices=[utils.default_process(q["text"]) for q in questions], questions=questions)


def poll(work: Path, api: str, token: str, find: Any, cutoff: float) -> None:
    texts = answers(work)

    async def reply(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.message
        assert update.message.text
        await update.message.reply_text(text_of(find(update.message.text), cutoff, texts))

    application = Application.builder().token(token).base_url(f"{api}/bot").build()
    application.add_handler(MessageHandler(filters.TEXT & ~filters.COMMAND, reply))
    application.run_polling(allowed_updates=Update.ALL_TYPES)


def main() -> None:
    order, work, *more = sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]
    if order == "learn":
        return None  # the questions are the model
    find = reader(taught(work))
    if order == "ask":
        return asked_line_by_line(find)
    cutoff, api, token = float(more[0]), *more[1:3]
    return poll(work, api, token, find, cutoff)


if __name__ == "__main__":
    main()
