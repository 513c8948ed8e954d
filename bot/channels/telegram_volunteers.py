"""The volunteers' group on Telegram: its messages go to the desk, and never into the ordinary conversation."""

from telegram import Message, Update, User

from bot.channels.telegram_updates import words_of
from bot.handover import GroupMessage, HelpDesk


class VolunteersDoor:
    """Reads what volunteers write in their group. In any other chat nobody is a volunteer."""

    def __init__(self, desk: HelpDesk, chat: int) -> None:
        self._desk = desk
        self._chat = chat

    def owns(self, update: Update) -> bool:
        return update.effective_chat is not None and update.effective_chat.id == self._chat

    @staticmethod
    def meant(update: Update) -> bool:
        """Orders and replies. What volunteers say to each other, mend or press is theirs."""
        message = update.message
        return bool(message and message.from_user and (message.reply_to_message or words_of(message).startswith("/")))

    async def hear(self, update: Update) -> None:
        message, user = update.message, update.effective_user
        if isinstance(message, Message) and isinstance(user, User):
            replied = message.reply_to_message
            await self._desk.hear(
                GroupMessage(
                    update_id=str(update.update_id),
                    message_id=message.message_id,
                    user=str(user.id),
                    text=words_of(message),
                    language="es" if (user.language_code or "").startswith("es") else "en",
                    reply_to=replied.message_id if replied else None,
                    to_us=bool(replied and replied.from_user and replied.from_user.is_bot),
                )
            )
