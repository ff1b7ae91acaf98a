"""Why a process waits, in Korean: by the class of its error, or by its role for what it reports without failing.

Behind that stand the error's own words, which name the file, the port or the number: in Korean where all their parts
are known here, otherwise as they are.
"""

import re

DEFECT = "defect"  # an error that is none of ours

KOREAN = {
    DEFECT: "프로그램 결함, 로그 확인 필요",
    "AuditUnwritable": "조작 이력을 기록할 수 없음",
    "ActsUnwritable": "조치 기록을 저장할 수 없음",
    "CertificateUnusable": "인증서를 사용할 수 없음",
    "CriteriaUnusable": "판정 기준을 읽거나 만들 수 없음",
    "CutShort": "데이터베이스가 작업을 중단함",
    "DatabaseDown": "데이터베이스 응답 없음",
    "DatabaseRefuses": "데이터베이스가 거부함",
    "DiskFull": "디스크 공간 부족",
    "HydrologError": "처리 실패",
    "LockTimeout": "로그 잠금을 얻지 못함",
    "LogError": "로그를 읽거나 쓸 수 없음",
    "ModelUnusable": "예측 모델 파일을 사용할 수 없음",
    "NoAnswer": "계측기 응답 없음",
    "NoPyTorch": "PyTorch가 설치되지 않음",
    "NoSuchCountry": "설정된 국가의 공휴일을 알 수 없음",
    "NoSuchSensor": "등록되지 않은 센서",
    "NotDelivered": "서버로 보내지 못함, 자료는 보관 중",
    "NotDurable": "디스크 저장을 확인하지 못함",
    "NotUpgraded": "데이터베이스를 새 버전으로 전환하지 못함",
    "OtherTables": "데이터베이스 테이블의 버전이 프로그램과 맞지 않음",
    "OtherEndClosed": "상대 쪽에서 연결을 끊음",
    "PortError": "통신 포트를 열거나 읽을 수 없음",
    "SettingsError": "설정 오류",
    "SiteWorkFailed": "데이터베이스가 한 현장의 처리를 거부함, 로그 확인 필요",
    "StateUnusable": "상태 파일을 읽을 수 없음",
    "TokensUnusable": "현장 토큰 파일을 읽을 수 없음",
    "UsersUnusable": "사용자 파일을 읽을 수 없음",
    "WishUnwritable": "판정 기준 학습 기록을 저장할 수 없음",
    "producer": "통신선, 계측기 또는 시계 확인 필요",
    "consumer-archive": "경보 기록을 저장하지 못함",
    "consumer-alerts": "알림을 보내지 못함",
    "database": "데이터베이스 준비 중",
    "server": "현장 토큰 파일을 읽을 수 없음",
}

# Parts of the errors' own words that operators meet; {} stands for a name or a number.
PARTS = {
    "the line is gone": "통신선이 끊김",
    "waiting for it": "복구 대기",
    "the other end closed the connection": "상대 쪽에서 연결을 끊음",
    "no bytes for {} s": "{}초 동안 수신 없음",
    "reopening it": "다시 여는 중",
    "there is no such device": "포트가 없음",
    "another program has it open": "다른 프로그램이 사용 중",
    "it is not a serial port": "시리얼 포트가 아님",
    "no answer": "응답 없음",
    "is the gateway on, and the address right?": "게이트웨이 전원과 주소를 확인하십시오",
    "no way to that address": "그 주소로 연결할 수 없음",
    "is the gateway on, and the network cable in?": "게이트웨이 전원과 랜 케이블을 확인하십시오",
    "is the network cable in?": "랜 케이블을 확인하십시오",
    "the database does not answer": "데이터베이스 응답 없음",
    "the connection to the database was lost": "데이터베이스 연결이 끊김",
    "the database refuses": "데이터베이스가 거부함",
    "it is read-only now": "현재 읽기 전용임",
    "its user lacks a right": "사용자 권한 부족",
    "its disk is full": "디스크 공간 부족",
    "the database has ended the work": "데이터베이스가 작업을 중단함",
    "it took longer than the database allows": "허용 시간 초과",
    "somebody has cancelled it": "작업이 취소됨",
    "it needs more memory than there is": "메모리 부족",
    "somebody has locked a table": "테이블이 잠겨 있음",
    "this process stood still for too long": "프로세스가 너무 오래 멈춰 있었음",
    "two processes waited for each other": "프로세스끼리 서로 기다림",
    "the database has not done the work within {} s": "데이터베이스가 {}초 안에 작업을 끝내지 못함",
    "the embedded database has not started yet (program hydrolog-database)": (
        "내장 데이터베이스가 아직 시작되지 않음(hydrolog-database)"
    ),
    "the database has not answered for {} s": "데이터베이스가 {}초 동안 응답하지 않음",
    "the tables are missing or old": "테이블이 없거나 이전 버전임",
    "run": "다음을 실행하십시오",
    "Postgres is starting": "Postgres 시작 중",
    "the database is being brought to Postgres {}": "데이터베이스를 Postgres {} 버전으로 옮기는 중",
    "{} %": "{} %",
    "connection refused": "연결이 거부됨",
    "is starting up": "시작 중",
    "is shutting down": "종료 중",
    "too many clients": "접속이 너무 많음",
    "no answer from the server": "서버 응답 없음",
    "the server answered {}": "서버 응답 코드 {}",
    "the server refuses the token with {}": "서버가 토큰을 거부함, 응답 코드 {}",
    "look at server.token_file": "설정을 확인하십시오(server.token_file)",
    "the server redirects with {}": "서버가 다른 주소로 보냄, 응답 코드 {}",
    "correct server.url": "설정을 고치십시오(server.url)",
    "no answer from the weather service": "기상 자료 서버 응답 없음",
    "not complete within {} s": "{}초 안에 끝나지 않음",
    "its certificate is not trusted": "인증서를 신뢰할 수 없음",
    "the connection was closed before the answer": "응답 전에 연결이 끊김",
    "the proxy answered {}": "프록시 응답 코드 {}",
    "look at the proxy in the settings": "설정의 프록시를 확인하십시오",
    "the weather service refuses with {}": "기상 자료 서버가 거부함, 응답 코드 {}",
    "look at weather.url and its key": "설정(weather.url)과 인증키를 확인하십시오",
    "the weather service redirects with {}": "기상 자료 서버가 다른 주소로 보냄, 응답 코드 {}",
    "correct weather.url": "설정을 고치십시오(weather.url)",
    "the weather service answered {}": "기상 자료 서버 응답 코드 {}",
    "the weather service says {}": "기상 자료 서버의 오류 응답 {}",
    "its answer is larger than {} MiB": "응답이 {} MiB보다 큼",
    "ask for fewer days in weather.url": "주소(weather.url)에서 기간을 줄이십시오",
    "its answer is empty": "응답이 비어 있음",
    "its answer broke off": "응답이 중간에 끊김",
    "the last line has no end": "마지막 줄이 끝나지 않음",
    "it holds a list": "응답이 목록임",
    "name one place in weather.url": "주소(weather.url)에 지점을 하나만 쓰십시오",
    "a web page came": "웹 페이지가 수신됨",
    "is a login page of the network (captive portal) or a proxy on the way?": (
        "네트워크의 로그인 화면이나 프록시를 확인하십시오"
    ),
    "its JSON is not as described": "JSON 형식이 맞지 않음",
    "it sent {} of {} values": "전체 {1}개 값 중 {0}개만 수신됨",
    "write {} into weather.url": "주소(weather.url)에 추가할 항목: {}",
    "it has neither temperature_2m nor precipitation": "temperature_2m과 precipitation이 모두 없음",
    "write them into weather.url": "주소(weather.url)에 추가하십시오",
    "it has {} times and {} of {}": "시각은 {}개인데 값은 {}개임({})",
    "did the answer break off?": "응답이 중간에 끊겼는지 확인하십시오",
    "{} is in {}": "{}의 단위가 {}임",
    "ask for °C and mm in weather.url": "주소(weather.url)에서 °C와 mm를 요청하십시오",
    "its times have no UTC offset, and utc_offset_seconds does not say it": (
        "시각에 UTC 차이가 없고 utc_offset_seconds도 없음"
    ),
    "{} is no time": "{}: 시각이 아님",
    "{} is no number": "{}: 숫자가 아님",
    "{} is there twice, with other values": "{}의 값이 서로 다르게 두 번 있음",
    "ask for hourly values": "1시간 단위 값을 요청하십시오",
    "none of its {} hours is of the last {} days or the next {}": (
        "{}개 시간 값 중 최근 {}일 또는 앞으로 {}일에 드는 것이 없음"
    ),
    "are year and zone right?": "연도와 시간대를 확인하십시오",
    "line {}": "{}번째 줄",
    "the header must name time, and temperature_c, rain_mm_h or rain_mm": (
        "머리줄에 time과 temperature_c, rain_mm_h, rain_mm 중 하나가 있어야 함"
    ),
    "{} {} is not between {} and {}": "{} {}: {}~{} 범위를 벗어남",
    "leave a cell empty where there is no value": "값이 없는 칸은 비워 두십시오",
    "weather.csv cannot be written": "weather.csv 파일에 쓸 수 없음",
    "{} cannot be read": "{} 파일을 읽을 수 없음",
    "{} incidents cannot be read": "경보 {}건을 읽을 수 없음",
    "{} lines cannot be read": "{}줄을 읽을 수 없음",
    "only the incidents of the file are shown, the newest ones": "파일에 있는 최근 경보만 표시함",
}
_FORMS = [
    (re.compile(re.escape(english).replace(r"\{\}", r"('[^']*'|\S+)")), korean) for english, korean in PARTS.items()
]
# An address, a file, a command, what others have said: the same in each language.
_NAME = re.compile(r"\S+|hydrolog [\w -]+|'[^']*'|\[Errno \d+\] [\w ]+")

_BETWEEN = re.compile(r"(; |: )(?=(?:[^']*'[^']*')*[^']*$)")  # not within what others have said


def in_korean(kind: str, text: str) -> str:
    """Why, for a Korean reader. `kind`: the class of the error, or the role."""
    parts = [_part(part) for part in _BETWEEN.split(text)]
    own = text if None in parts else "".join(part or "" for part in parts)
    why = KOREAN.get(kind)
    return own if why is None or own.startswith(why) else f"{why}({own})"


def _part(text: str) -> str | None:
    for form, korean in _FORMS:
        if found := form.fullmatch(text):
            return korean.format(*found.groups())
    return text if text in ("; ", ": ") or _NAME.fullmatch(text) else None
