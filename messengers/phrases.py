"""The few words that a message has besides those of its incidents, in each language."""

PHRASES: dict[str, dict[str, str]] = {
    "en": {
        "worse": "Worse",
        "changed": "Changed",
        "grew": "Larger",
        "returned": "Back again",
        "taken": "Acknowledged",
        "again": "Still up",
        "over": "Over",
        "silent": "no data",
        "trouble": "system",
        "leak": "leak",
        "fault": "fault",
        "supply": "supply",
        "watch": "watch",
        "many": "{count} messages",
        "why": "Why:",
        "todo": "What to do:",
        "page": "See it and take note of it: {url}",
        "since": "since {since}: {reason}",
        "until": "over; it was up from {since} to {until}: {reason}",
        "more": "And more, that are not kept in words: {counts}. The page shows them.",
        "rest": "And {count} more; the page shows them.",
        "summary": "A summary of what came since {since}: not more than {per_hour} messages an hour are sent.",
        "ending": "Times are those of {zone}. A message that comes twice has the same names.",
        "test": "A test of {now} ({zone}). Alarms of this site will arrive here.",
        "test title": "test",
        "box silent": "no delivery for {minutes} min",
        "box silent text": "Nothing has been heard of this box since {since}. Its power, its connection or the box "
        "itself may have failed: nobody watches its meters until it reports again. Call the site, or go there.",
        "boxes silent": "{count} boxes: no delivery",
        "boxes silent text": "Nothing has been heard of these boxes. If they share a network or a server, look "
        "there first. Nobody watches their meters until they report again. Heard last:",
        "boxes more": "And {count} more: hydrolog sites heard",
        "boxes back": "{count} boxes deliver again",
        "box back": "delivers again",
        "box back text": "The box delivers again. It was silent from {since} to {until}; rows that it kept "
        "follow by themselves.",
    },
    "ko": {
        "worse": "악화",
        "changed": "변경",
        "grew": "증가",
        "returned": "재발",
        "taken": "확인",
        "again": "지속",
        "over": "해소",
        "silent": "수신 두절",
        "trouble": "시스템 이상",
        "leak": "누수 의심",
        "fault": "계측기 이상",
        "supply": "급수 조건 변화",
        "watch": "주의",
        "many": "알림 {count}건",
        "why": "근거:",
        "todo": "조치:",
        "page": "상세 보기 및 확인: {url}",
        "since": "{since}부터: {reason}",
        "until": "{since}~{until} 해소됨: {reason}",
        "more": "그 밖에 문장으로 남기지 못한 알림: {counts}. 화면에서 확인하십시오.",
        "rest": "그 밖에 {count}건이 더 있습니다. 화면에서 확인하십시오.",
        "summary": "{since} 이후의 알림을 모은 것입니다. 한 시간에 {per_hour}건까지만 보냅니다.",
        "ending": "시각은 {zone} 기준입니다. 같은 알림이 두 번 오면 괄호 안의 번호가 같습니다.",
        "test": "{now} ({zone}) 시험 알림입니다. 이 현장의 경보가 이 주소로 옵니다.",
        "test title": "시험",
        "box silent": "{minutes}분째 수신 없음",
        "box silent text": "{since} 이후 이 장비에서 수신된 자료가 없습니다. 전원, 통신 또는 장비 고장일 수 있습니다. "
        "다시 수신될 때까지 이 현장의 유량과 수압은 감시되지 않습니다. 현장에 연락하거나 나가서 확인하십시오.",
        "boxes silent": "장비 {count}대 수신 없음",
        "boxes silent text": "다음 장비에서 수신된 자료가 없습니다. 같은 통신망이나 서버를 쓰는 장비라면 그쪽을 먼저 "
        "확인하십시오. 다시 수신될 때까지 유량과 수압은 감시되지 않습니다. 마지막 수신:",
        "boxes more": "그 밖에 {count}대가 더 있습니다. 전체 목록: hydrolog sites heard",
        "boxes back": "장비 {count}대 수신 재개",
        "box back": "수신 재개",
        "box back text": "장비에서 다시 수신됩니다. {since}~{until} 동안 두절되었으며, "
        "그동안 보관된 자료는 자동으로 전송됩니다.",
    },
}


def say(language: str, phrase: str, **values: object) -> str:
    return PHRASES[language][phrase].format(**values)
