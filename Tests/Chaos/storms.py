"""Too many signals, restarts in the middle of streams, and children that are stopped."""

import collections
import concurrent.futures
import contextlib
import os
import random
import signal
import socket
import threading
import time

from house import Client, House, ask, is_alive, request, restart_order, wait_for
from kills import assert_tidy, settled_descriptors
from traffic import CHAT, Traffic, chat, expected_text, text_of


KINDS = (signal.SIGUSR2, signal.SIGHUP, signal.SIGUSR1, signal.SIGRTMIN, signal.SIGRTMIN + 1)


def send_signals(pid, count):
    """As fast as one process can; returns how many the kernel's queue of real-time signals had no room for."""
    full = 0
    for number in range(count):
        try:
            os.kill(pid, KINDS[number % len(KINDS)])
        except BlockingIOError:
            full += 1
    return full


def signals(decoder, count):
    """Each is an order that may be merged with others of its kind."""
    with House(decoder.port) as house:
        house.works()
        before = settled_descriptors(house)
        begun = time.monotonic()
        full = send_signals(house.pid, count)
        seconds = time.monotonic() - begun
        house.wait_ready(20)
        house.works()
        restarts = {name: house.row(name)["restarts"] for name in ("proxy", "dialer", "admin")}
        assert restarts["proxy"] >= 1, "no order was obeyed"
        # One replacement at a time: no more than could start one after the other, however many orders came.
        assert restarts["proxy"] <= 20 + seconds * 300, restarts
        wait_for(lambda: len(house.children()) == 3, "the replaced processes gone", timeout=20)
        assert_tidy(house, before)
        return f"{count} in {seconds:.2f} s, restarts {restarts}, {full} not queued"


def work_in_a_storm(decoder, seconds=4):
    """A storm that does not end must not keep the supervisor from its other work: a child that dies is replaced and
    the control socket answers while signals come without a pause."""
    with House(decoder.port) as house:
        house.works()
        storm = os.fork()
        if storm == 0:
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline and os.getppid() != 1:
                for _ in range(1000):
                    with contextlib.suppress(BlockingIOError):
                        os.kill(house.pid, signal.SIGHUP)
                        os.kill(house.pid, signal.SIGRTMIN)
            os._exit(0)
        try:
            time.sleep(0.5)
            admin = next(pid for pid in house.children() if pid == house.pids()["admin"])
            os.kill(admin, signal.SIGKILL)
            house.wait_new("admin", admin, timeout=seconds)
        except (TimeoutError, AssertionError) as failure:
            raise AssertionError(f"during the storm nothing else is done: {failure or repr(failure)}") from None
        finally:
            os.kill(storm, signal.SIGKILL)
            os.waitpid(storm, 0)
        house.wait_ready(20)


def restarts(decoder, count):
    """Orders over the control socket, from several clients at once."""
    with House(decoder.port) as house:
        house.works()
        before = settled_descriptors(house)
        failures = []

        def order():
            for _ in range(count // 3):
                try:
                    house.command(restart_order(random.choice(("proxy", "dialer", "admin"))))
                except (OSError, AssertionError) as failure:
                    failures.append(repr(failure))

        threads = [threading.Thread(target=order, daemon=True) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        house.wait_ready(20)
        house.works()
        wait_for(lambda: len(house.children()) == 3, "the replaced processes gone", timeout=20)
        assert not failures, failures[:3]
        assert_tidy(house, before)
        return f"restarts {({name: house.row(name)['restarts'] for name in ('proxy', 'dialer', 'admin')})}"


def restarts_during_streams(prefiller, decoder):
    return restarted(prefiller, decoder, "proxy", lambda house: house.process.send_signal(signal.SIGUSR2))


def dialer_restarts_during_streams(prefiller, decoder):
    return restarted(prefiller, decoder, "dialer", lambda house: house.process.send_signal(signal.SIGRTMIN + 1))


def restarted(prefiller, decoder, name, order, times=10, per_turn=2, tokens=300):
    """Twenty streams, begun before and between ten restarts; each must be complete and in order."""
    prompts = [f"Walk through room {number}." for number in range(times * per_turn)]
    # No more than eight replaced proxies may drain at once: a stream lives for less than eight turns.
    with concurrent.futures.ThreadPoolExecutor(len(prompts)) as pool:
        texts = pool.map(lambda prompt: expected_text(decoder.port, prompt, tokens), prompts)
        expected = dict(zip(prompts, texts))
    outcomes = {}
    with House(decoder.port) as house, Traffic(house, prefiller, decoder, streams=0, small=2) as traffic:

        def stream(prompt):
            with Client(house.port) as client:
                client.send(request("POST", CHAT, [("x-prefiller-host-port", prefiller.address)],
                                    chat(prompt, tokens, stream=True)))
                answer = client.response("POST")
                outcomes[prompt] = (answer.status, answer.complete, text_of(answer.body))

        threads = []
        for turn in range(times):
            for prompt in prompts[turn * per_turn:(turn + 1) * per_turn]:
                threads.append(threading.Thread(target=stream, args=(prompt,), daemon=True))
                threads[-1].start()
            time.sleep(0.2)
            old = house.pids()[name]
            order(house)
            house.wait_new(name, old)
        for thread in threads:
            thread.join(60)
        traffic.stop()
        wait_for(lambda: len(house.children()) == 3, "the replaced processes gone", timeout=20)
    lost = [prompt for prompt in prompts if outcomes.get(prompt) != (200, True, expected[prompt])]
    assert not lost, f"{len(lost)} of {len(prompts)} streams: {lost[0]}: {str(outcomes.get(lost[0]))[:300]}"
    # Also on kept connections: their end is announced, or they stay for a second.
    assert not traffic.troubles, f"{len(traffic.troubles)} requests lost: {traffic.troubles[:3]}"
    return f"{len(prompts)} streams of {tokens} tokens, {traffic.count('small')} connections with small requests"


def stopped_at_the_end(decoder, name):
    """A child that can't even read its order to stop is ended all the same."""
    with House(decoder.port, drain_timeout="500ms") as house:
        house.works()
        children = set(house.children())
        os.kill(house.pids()[name], signal.SIGSTOP)
        begun = time.monotonic()
        house.process.send_signal(signal.SIGTERM)
        code = house.process.wait(15)
        seconds = time.monotonic() - begun
        assert code in (0, 75), f"exit {code}"
        assert not any(is_alive(pid) for pid in children)
        return f"{seconds:.1f} s, exit {code}"


def burst_while_the_dialer_pauses(decoder, count=800):
    """Half a second without a turn is normal for a process in a throttled pod: requests that need a connection
    meanwhile wait for it."""
    outcomes = collections.Counter()
    with House(decoder.port) as house:
        dialer = house.pids()["dialer"]
        os.kill(dialer, signal.SIGSTOP)
        try:
            clients = [Client(house.port, timeout=20) for _ in range(count)]
            for client in clients:
                client.send(request("POST", CHAT, body=chat("Hello.", 2, stream=False)))
            time.sleep(0.5)
        finally:
            os.kill(dialer, signal.SIGCONT)
        for client in clients:
            outcomes[client.response("POST").status] += 1
            client.sock.close()
    assert outcomes == {200: count}, f"answers by status: {dict(outcomes)}"
    return f"{count} requests"


def drain_refuses(decoder):
    """With a stream still running after TERM, a new client is refused at once instead of waiting in a queue that
    nobody serves. A proxy that was restarted before must not hold the listener open either."""
    with House(decoder.port) as house:
        clients = []
        for turn in range(2):
            clients.append(Client(house.port))
            clients[-1].send(request("POST", CHAT, body=chat("Take your time.", 700, stream=True)))
            clients[-1].read_until(b"data: ")
            if turn == 0:
                old = house.pids()["proxy"]
                house.process.send_signal(signal.SIGUSR2)
                house.wait_new("proxy", old)
        house.process.send_signal(signal.SIGTERM)
        wait_for(lambda: house.status()["state"] == "draining", "draining")
        wait_for(lambda: refuses(house.port), "new connections refused", timeout=1.5)
        for client in clients:
            assert client.read_until(b"data: [DONE]"), "the stream was cut"
            client.sock.close()
        assert house.process.wait(15) == 0


def refuses(port):
    with socket.socket() as sock:
        sock.settimeout(2)
        return sock.connect_ex(("127.0.0.1", port)) != 0


def stopped_and_continued(decoder):
    """15 s of silence: not ready, but not killed either; a throttled pod is slow, not dead."""
    with House(decoder.port) as house:
        before = house.pids()
        os.kill(before["dialer"], signal.SIGSTOP)
        try:
            wait_for(lambda: not house.status()["ready"], "not ready any more", timeout=22)
            assert ask(house.admin_port, target="/readyz").status == 503
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(before["dialer"], signal.SIGCONT)
        house.wait_ready(10)
        assert house.pids() == before, "it was replaced"
        house.works()


def frozen_and_continued(decoder):
    """A pod that was frozen for longer than any silence may last goes on as if nothing had been."""
    with House(decoder.port) as house:
        before = house.pids()
        family = [house.process.pid, *before.values()]
        for pid in family:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(40)
        for pid in reversed(family):
            os.kill(pid, signal.SIGCONT)
        time.sleep(1)
        house.wait_ready(10)
        assert house.pids() == before, "somebody was replaced"
        house.works()


def stopped_for_good(decoder):
    with House(decoder.port) as house:
        before = house.pids()
        os.kill(before["dialer"], signal.SIGSTOP)
        house.wait_new("dialer", before["dialer"], timeout=45)
        house.wait_ready(10)
        assert {name: pid for name, pid in house.pids().items() if name != "dialer"} == {
            name: pid for name, pid in before.items() if name != "dialer"}
        assert house.logged("was silent for 30 s"), house.log_text()[-1500:]
        house.works()
