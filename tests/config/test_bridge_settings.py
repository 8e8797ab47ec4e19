from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from bridge.config import BridgeSettings
from bridge.secret import Secret
from tests.config.toys import Directory


def test_everything_is_optional_and_has_the_defaults_of_the_contract(directory: Directory) -> None:
    settings = directory.load().bridge
    assert settings == BridgeSettings()
    assert settings.metastudio.region == "cn-north-4"
    assert settings.metastudio.base_url == "https://metastudio.cn-north-4.myhuaweicloud.com"
    assert settings.metastudio.iam_url == "https://iam.cn-north-4.myhuaweicloud.com"
    assert settings.metastudio.job_poll_secs == 10
    assert settings.metastudio.max_calls_per_second == 10
    assert settings.spool.directory == Path("/var/lib/live-event-bridge")
    assert settings.spool.max_bytes == 256 * 1024 * 1024
    assert settings.spool.commit_interval_ms == 20
    assert settings.server.listen == "127.0.0.1:8080"
    assert settings.server.address == ("127.0.0.1", 8080)
    assert settings.server.loopback
    assert not settings.server.admin_token
    assert (settings.log.format, settings.log.level) == ("auto", "info")
    assert settings.memory.max_pending_events == 200_000
    assert settings.shutdown_budget_secs == 8


def test_an_empty_file_and_empty_sections_mean_the_defaults(directory: Directory) -> None:
    directory.write("bridge.yaml", "")
    assert directory.load().bridge == BridgeSettings()
    directory.write("bridge.yaml", "metastudio:\nspool:\n  directory:\nlog: {level: }\n")
    assert directory.load().bridge == BridgeSettings()


def test_a_whole_file_is_read(directory: Directory) -> None:
    directory.environ |= {"AK": "access", "PORT": "9090", "POLL": "2.5", "MAX": "1048576"}
    secret = directory.write("secrets/token", "open sesame\n")
    directory.write(
        "bridge.yaml",
        f"""
        metastudio:
          endpoint: http://127.0.0.1:9300/
          project_id: 0123456789
          access_key: ${{AK}}
          secret_key: 12345678
          security_token: x
          app_user_id: shop-7
          job_poll_secs: ${{POLL}}
          max_calls_per_second: 3
        spool: {{directory: spool, max_bytes: "${{MAX}}", commit_interval_ms: 5}}
        server:
          listen: "[::]:${{PORT}}"
          admin_token: ${{file:{secret}}}
        log: {{format: json, level: debug}}
        memory: {{max_pending_events: 5000, max_pending_events_per_room: 1000}}
        shutdown_budget_secs: 0
        """,
    )
    settings = directory.load().bridge
    assert settings.metastudio.base_url == "http://127.0.0.1:9300"
    assert settings.metastudio.iam_url == "https://iam.myhuaweicloud.com"
    assert settings.metastudio.project_id == "0123456789"
    assert settings.metastudio.access_key == Secret("access")
    assert settings.metastudio.secret_key == Secret("12345678")
    assert settings.metastudio.job_poll_secs == 2.5
    assert settings.spool.directory == directory.path / "spool"
    assert settings.spool.max_bytes == 1048576
    assert settings.server.address == ("::", 9090)
    assert not settings.server.loopback
    assert settings.server.admin_token == Secret("open sesame")
    assert settings.shutdown_budget_secs == 0


def test_iam_has_an_address_of_its_own(directory: Directory) -> None:
    directory.write(
        "bridge.yaml",
        "metastudio: {iam: {user: u, password: p, domain: d, endpoint: http://127.0.0.1:9300}}",
    )
    assert directory.load().bridge.metastudio.iam_url == "http://127.0.0.1:9300"


def test_settings_never_change(directory: Directory) -> None:
    settings = directory.load().bridge
    with pytest.raises(ValidationError):
        settings.shutdown_budget_secs = 1.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("spol: {}", "spol: unknown key, did you mean spool?: one of log, memory, metastudio, server, shutdown_budget_secs, spool"),
        ("spool: {dir: x}", "spool.dir: unknown key, did you mean directory?: one of commit_interval_ms, directory, max_bytes"),
        ("spool: x", "spool: is not a section: key: value lines"),
        ("spool: {max_bytes: 1000}", "spool.max_bytes: is too small: at least 1048576"),
        ("spool: {max_bytes: lots}", "spool.max_bytes: is not a whole number: digits only"),
        ("spool: {max_bytes: 2000000.5}", "spool.max_bytes: is not a whole number: digits only"),
        ("spool: {commit_interval_ms: true}", "spool.commit_interval_ms: is not a number: a number"),
        ("spool: {commit_interval_ms: 0}", "spool.commit_interval_ms: is too small: at least 1"),
        ("shutdown_budget_secs: -1", "shutdown_budget_secs: is too small: at least 0"),
        ("shutdown_budget_secs: nan", "shutdown_budget_secs: is not a number: a finite number"),
        ("log: {level: loud}", "log.level: is not a known value: one of 'debug', 'info', 'warning' or 'error'"),
        ("metastudio: {region: mars}", "metastudio.region: is not a known value: one of 'cn-north-4', 'cn-east-3' or 'ap-southeast-3'"),
        ("metastudio: {endpoint: metastudio.example}", "metastudio.endpoint: is not a URL: http:// or https:// with a host"),
        ("metastudio: {region: cn-east-3, endpoint: http://a}", "metastudio.endpoint: stands beside region: either region or endpoint"),
        ("metastudio: {job_poll_secs: 0}", "metastudio.job_poll_secs: is too small: more than 0"),
        ("metastudio: {max_calls_per_second: 2000}", "metastudio.max_calls_per_second: is too large: at most 1000"),
        ("metastudio: {access_key: a}", "metastudio.secret_key: is missing: it goes with access_key"),
        ("metastudio: {secret_key: a}", "metastudio.access_key: is missing: it goes with secret_key"),
        ("metastudio: {security_token: a}", "metastudio.access_key: is missing: it goes with security_token"),
        ("metastudio: {access_key: a, secret_key: b, token: c}", "metastudio.token: stands beside access_key: one of access_key with secret_key, token, iam"),
        ("metastudio: {iam: {user: a, domain: b}}", "metastudio.iam.password: is missing: it must be given"),
        ("metastudio: {iam: {user: a, password: '', domain: b}}", "metastudio.iam.password: is empty: a value"),
        ("metastudio: {iam: {user: '', password: a, domain: b}}", "metastudio.iam.user: is too short: at least 1 characters"),
        ("metastudio: {project_id: a/b}", "metastudio.project_id: is no id of the cloud's: 1 to 64 letters, digits, - and _, as it was copied"),
        ("metastudio: {app_user_id: 店}", "metastudio.app_user_id: is no user id: 1 to 256 printable ASCII characters without spaces"),
        ("metastudio: {token: [a]}", "metastudio.token: is not a text: a text, best as ${NAME} or ${file:/path}"),
        ("server: {listen: 8080}", "server.listen: is no address: HOST:PORT, as in 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080"),
        ("server: {listen: 'a:99999'}", "server.listen: has no port: HOST:PORT with a port up to 65535 (0 takes a free one)"),
        ("server: {listen: '0.0.0.0:80'}", "server.admin_token: is missing, others can reach this address: a token, or listen on 127.0.0.1 only"),
        ("server: {listen: '0.0.0.0:80', admin_token: ''}", "server.admin_token: is missing, others can reach this address: a token, or listen on 127.0.0.1 only"),
        ('server: {admin_token: "${TOKEN}"}', "server.admin_token: the environment variable TOKEN is not set: set it, or write ${TOKEN:-default}"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_one_line(directory: Directory, text: str, line: str) -> None:
    directory.write("bridge.yaml", text)
    assert directory.problems() == [f"bridge.yaml: {line}"]
