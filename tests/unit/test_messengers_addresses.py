"""The recipients of the addresses in the settings, and what they are called."""

import pytest

from common.settings_alerts import AlertsSettings, Person
from messengers.addresses import AlertAddress, everyone, in_thread, names, patient


def recipients(urls: list[str]) -> list[AlertAddress]:
    return everyone(AlertsSettings(tuple(urls)))


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("json://host/a@x.org/b@x.org", 1),
        ("mailto://host?from=a@x.org", 1),
        ("mailto://host?from=a@x.org&to=b@x.org", 1),
        ("mailtos://u:p%2Fw@host:465/b@x.org/c@x.org?from=a@x.org&cc=d@x.org&+X-Key=v%26w", 2),
        ("mailto://u:p@host?TO=b+1@x.org,%20c@x.org;b+1@x.org&format=text", 2),
        ("mailto://[::1?to=a,b", 2),
        ("nonsense", 1),
    ],
)
def test_addresses_of_mail_are_taken_apart_by_recipient(url: str, parts: int) -> None:
    found = recipients([url])
    assert len(found) == parts
    if parts == 1:
        assert found[0].url == url and found[0].name.endswith(")")
    else:
        assert [address.name[-13:] for address in found] == [") recipient 1", ") recipient 2"]
        assert all(address.url.count("to=") == 1 for address in found)


def test_a_recipient_is_the_same_whoever_else_an_address_names() -> None:
    alone = recipients(["mailto://u:p@host?to=a+1@x.org&from=box@x.org"])
    among = recipients(["mailto://u:p@host/b@x.org?to=a%2B1@x.org&from=box@x.org&cc=c@x.org"])
    assert [address.owner for address in alone] == [among[1].owner]
    assert among[0].owner != among[1].owner
    assert "cc=" in among[0].url and "cc=" not in among[0].owner  # a copy is no recipient of its own


def test_parts_of_an_address_keep_its_secrets_and_options() -> None:
    url = "mailtos://u:p%2Fw@host:465/b@x.org/c+1@x.org?from=a@x.org&cc=d@x.org&+X-Key=v%26w"
    assert [address.url for address in recipients([url])] == [
        "mailtos://u:p%2Fw@host:465?from=a@x.org&cc=d@x.org&+X-Key=v%26w&to=b@x.org",
        "mailtos://u:p%2Fw@host:465?from=a@x.org&+X-Key=v%26w&to=c%2B1@x.org",
    ]


def test_two_addresses_never_share_a_name_and_the_same_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    class Same:
        def hexdigest(self) -> str:
            return "abcd" * 16

    monkeypatch.setattr("messengers.addresses.hashlib.sha256", lambda _: Same())
    assert names(["json://a", "json://b", "json://a", "json://c"]) == [
        "json-abcd",
        "json-abcd-2",
        "json-abcd",
        "json-abcd-3",
    ]


def test_people_come_first_and_each_address_keeps_its_persons_wishes() -> None:
    kim = Person("Kim", ("json://a", "mailto://host?to=a@x.org,b@x.org"), "ko", ("leak",))
    found = everyone(AlertsSettings(("json://b",), (kim,)))
    assert [address.name for address in found] == [
        "alerts.people 1 address 1 (json)",
        "alerts.people 1 address 2 (mailto) recipient 1",
        "alerts.people 1 address 2 (mailto) recipient 2",
        "alerts.urls 1 (json)",
    ]
    assert [address.person.language for address in found] == ["ko", "ko", "ko", ""]
    assert "watch" not in found[-1].person.kinds
    assert "watch" in everyone(AlertsSettings(("json://b",), digest="08:00"))[0].person.kinds


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mailto://host?to=a@x.org", "&+In-Reply-To=%3Ca-1%40hydrolog%3E&+References=%3Ca-1%40hydrolog%3E"),
        ("jsons://host/x", "?:incident=a-1"),
        ("gchat://w/k/t?x=y", "&thread=a-1"),
        ("slack://a/b/c", ""),
    ],
)
def test_a_thread_is_asked_for_where_the_service_has_them(url: str, told: str) -> None:
    assert in_thread(url, "a-1") == url + told
    assert in_thread(url, "") == url


def test_a_mail_server_has_time_to_look_into_files() -> None:
    assert patient("mailto://host?to=a@b").endswith("&rto=30")
    assert patient("mailtos://host/a@b").endswith("?rto=30")
    for whole in ("mailto://host?rto=5&to=a@b", "slack://token"):
        assert patient(whole) == whole
