"""For tests: meters that answer when they are asked in text, on a simulated line with time."""

from collections import Counter
from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

from common.meters import Format, TextBus, TextMeter
from common.settings import LineSettings
from producer.ascii import Reading
from producer.asking import Asking, NoReading
from producer.asking_checks import check_questions
from producer.site_time import ClockSample, SiteTime

STEP_S = 0.02
NOW_S = 1_724_657_590.0
FLOW = Format(fields=("flow",), end="\r")
Answers = Callable[[bytes], bytes]


def line_settings(*meters: tuple[str, str], form: Format = FLOW, **keys: float) -> LineSettings:
    """Meters as question and sensor."""
    asked = TextBus(meters=tuple(TextMeter(*meter) for meter in meters), **keys)
    return LineSettings(protocol="described", format=form, ask=asked)


class AskedLine:
    """`answer` is what the meters say to a question, after `after_s`; both may be changed."""

    def __init__(self, settings: LineSettings, answer: Answers, after_s: float = 0.06) -> None:
        check_questions(settings)
        self.refused: Counter[str] = Counter()
        self.told: list[NoReading] = []
        time = SiteTime(ClockSample(NOW_S, 0.0), 0)
        self.asking = Asking(settings, self._hear, self.refused, time, ZoneInfo("UTC"))
        self.answer = answer
        self.after_s = after_s
        self.now_s = 0.0
        self.asked: list[tuple[float, bytes]] = []
        self.coming: list[tuple[float, bytes]] = []  # when, what

    def _hear(self, told: NoReading) -> None:
        self.told.append(told)
        self.refused[told.reason] += 1

    def run(self, seconds: float, also: Mapping[float, bytes] | None = None) -> list[Reading]:
        """What is read in so many seconds; `also`: other bytes, by time from now."""
        self.coming += [(self.now_s + at_s, data) for at_s, data in (also or {}).items()]
        readings: list[Reading] = []
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            due = sorted(each for each in self.coming if each[0] <= self.now_s)
            self.coming = [each for each in self.coming if each[0] > self.now_s]
            self.asking.take(b"".join(data for _, data in due), self.now_s)
            if sent := self.asking.ask(self.now_s):
                self.asked.append((self.now_s, sent))
                if said := self.answer(sent):
                    self.coming.append((self.now_s + self.after_s, said))
            readings += self.asking.readings
            self.asking.readings.clear()
            self.now_s += STEP_S
        return readings
