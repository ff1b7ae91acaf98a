"""Why a process waits, in Korean: by the class of its error, or by its role for what it reports without failing.

The error's own words are English and stand behind: they name the file, the port or the number.
"""

DEFECT = "defect"  # an error that is none of ours

KOREAN = {
    DEFECT: "프로그램 결함, 로그 확인 필요",
    "AuditUnwritable": "조작 이력을 기록할 수 없음",
    "ActsUnwritable": "조치 기록을 저장할 수 없음",
    "CertificateUnusable": "인증서를 사용할 수 없음",
    "CriteriaUnusable": "판정 기준을 읽거나 만들 수 없음",
    "DatabaseDown": "데이터베이스 응답 없음",
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
