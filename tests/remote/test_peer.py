from aioice import ice

from rtvc.remote.access import LOOPBACK
from rtvc.remote.peer import new_peer


def test_a_session_on_loopback_does_not_bind_later_ones_to_it() -> None:
    new_peer(LOOPBACK)
    assert ice.get_host_addresses(use_ipv4=True, use_ipv6=True) == LOOPBACK
    new_peer(None)
    assert "127.0.0.1" not in ice.get_host_addresses(use_ipv4=True, use_ipv6=True)
