"""What Prometheus is told that no other file counts for itself. No label names a person."""

from prometheus_client import Counter, Gauge, Histogram

ANSWERS = Counter("faro_answers", "Messages that were answered, by what became of them", ["channel", "decision"])
SECONDS = Histogram("faro_answer_seconds", "From a message in hand to its answer", buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10))
ENCODER_SECONDS = Counter("faro_encoder_seconds", "Processor time of the sentence encoder, the dearest part of an answer")
ERRORS = Counter("faro_errors", "Errors that were logged, by the part of the code", ["logger"])
DATABASE_UP = Gauge("faro_database_up", "1 while the database answers")
INBOX_WAITING = Gauge("faro_inbox_waiting", "Messages in the database that are owed an answer, of all Faros together")
INBOX_OLDEST = Gauge("faro_inbox_oldest_seconds", "How long the oldest of them has been waiting")
SPOOL_WAITING = Gauge("faro_spool_waiting", "Answered messages of this Faro that are not in the database yet")
CONTENT_PROBLEMS = Gauge("faro_content_problems", "Errors in the content folder: what has one is not served as it stands there")

FEED_AGE = Gauge("faro_feed_age_seconds", "Since when the last good list of a feed is known", ["feed"])
FEED_TROUBLE = Gauge("faro_feed_trouble", "1 while the last answer of a feed could not be used", ["feed"])


def count_answer(channel: str, decision: str, seconds: float) -> None:
    """One message was answered."""
    ANSWERS.labels(channel, decision).inc()
    SECONDS.observe(seconds)
