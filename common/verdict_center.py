"""The words of the verdict on a center: the topic with the rows of all sites, and what is done for each site."""

from common.verdict_form import ENGLISH, KOREAN, Words

CENTER: dict[str, dict[str, Words]] = {
    "many-sites": {ENGLISH: Words("of many sites"), KOREAN: Words("여러 현장")},
    "topic-expired": {
        ENGLISH: Words(
            "rows are gone",
            ("its retention has removed {rows} that were not read",),
            "raise retention.ms; let the boxes send them again: hydrolog resend",
        ),
        KOREAN: Words(
            "행 유실",
            ("읽기 전에 {rows}개가 보존 기간 만료로 삭제됨",),
            "retention.ms를 늘리고 현장 장비에서 다시 전송하십시오: hydrolog resend",
        ),
    },
    "topic-anew": {
        ENGLISH: Words(
            "made anew",
            ("{rows} partitions are read from their beginning; rows of the old ones may be missing",),
            "ask whoever runs the cluster",
        ),
        KOREAN: Words(
            "다시 생성됨",
            ("파티션 {rows}개를 처음부터 읽음. 이전 토픽의 행이 빠졌을 수 있음",),
            "클러스터 담당자에게 확인하십시오",
        ),
    },
    "topic-cut": {
        ENGLISH: Words(
            "has lost rows",
            ("it ends {rows} before what was read; all that it holds is read again",),
            "ask whoever runs the cluster",
        ),
        KOREAN: Words(
            "클러스터에서 유실",
            ("읽은 위치보다 {rows}개 앞에서 끝남. 남은 행을 처음부터 다시 읽음",),
            "클러스터 담당자에게 확인하십시오",
        ),
    },
    "topic-unread": {
        ENGLISH: Words(
            "is not read",
            ("partition {partitions}: no process reads it", "for {unread_s}"),
            "start hydrolog-consumer --group archive on a machine of the center, or see its log",
        ),
        KOREAN: Words(
            "읽는 프로세스 없음",
            ("파티션 {partitions}", "{unread_s} 경과"),
            "센터 장비에서 hydrolog-consumer --group archive를 시작하거나 로그를 확인하십시오",
        ),
    },
    "topic-late": {
        ENGLISH: Words(
            "is read late",
            ("partition {partitions}: {rows} messages wait", "{behind_s} behind"),
            "start hydrolog-consumer --group archive on another machine, or see why the database is slow",
        ),
        KOREAN: Words(
            "처리 지연",
            ("파티션 {partitions}: 메시지 {rows}개 대기", "{behind_s} 지연"),
            "다른 장비에서도 hydrolog-consumer --group archive를 시작하거나 데이터베이스가 느린 원인을 확인하십시오",
        ),
    },
    "topic-strange": {
        ENGLISH: Words(
            "holds what is no row", ("{rows} messages are set aside in unparsed.tsv",), "find out who sends them"
        ),
        KOREAN: Words("행이 아닌 메시지", ("{rows}개를 unparsed.tsv에 따로 보관",), "어디에서 보내는지 확인하십시오"),
    },
    "sites-undone": {
        ENGLISH: Words(
            "is behind",
            ("{sites} sites have been due for more than 15 min, and no process has taken them",),
            "start the process on a machine of the center, or on another one; or see its log",
        ),
        KOREAN: Words(
            "처리 지연",
            ("현장 {sites}개가 15분 넘게 처리되지 않음",),
            "센터 장비나 다른 장비에서 이 프로세스를 시작하거나, 로그를 확인하십시오",
        ),
    },
    "sites-failed": {
        ENGLISH: Words(
            "fails for some sites",
            ("{sites} sites are tried again within the hour",),
            "see the log of the process: site_work_failed",
        ),
        KOREAN: Words(
            "일부 현장 처리 실패",
            ("현장 {sites}개를 한 시간 안에 다시 처리함",),
            "프로세스의 로그에서 다음을 찾아보십시오: site_work_failed",
        ),
    },
}
