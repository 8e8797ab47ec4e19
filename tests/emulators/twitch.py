"""Twitch on loopback: IRC over WebSocket and EventSub, with the API and the token server around them.

Follows dev.twitch.tv (chat/irc, eventsub/handling-websocket-events) and, where that is silent, recorded
sessions. It answers as Twitch does also to what a client does wrong, and misbehaves when told to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import orjson
from aiohttp import WSMsgType, web

from tests.emulators.twitch_api import Session, TwitchApi

CAPABILITIES = frozenset({"twitch.tv/tags", "twitch.tv/commands", "twitch.tv/membership"})
CLOSE_REASONS = {
    4000: "internal server error",
    4001: "client sent inbound traffic",
    4002: "client failed ping-pong",
    4003: "connection unused",
    4004: "client reconnect grace time expired",
    4005: "network timeout",
    4006: "network error",
    4007: "invalid reconnect",
}
SENT_AT = "2026-03-01T20:00:00.123456789Z"
SENT_AT_MS = 1_772_395_200_123


@dataclass(eq=False)
class IrcPeer:
    """One IRC client."""

    socket: web.WebSocketResponse
    request: web.Request
    nick: str = ""
    passed: bool = False
    capabilities: set[str] = field(default_factory=set)
    channels: set[str] = field(default_factory=set)

    def may_read(self, command: str) -> bool:
        needed = {"USERNOTICE": "twitch.tv/commands", "JOIN": "twitch.tv/membership", "PART": "twitch.tv/membership"}
        return needed.get(command, "") in {*self.capabilities, ""}


class TwitchEmulator(TwitchApi):
    """Use as an asynchronous context manager; then script it with the methods below."""

    def __init__(
        self,
        *,
        login: str = "emberfox",
        keepalive_secs: float = 10.0,
        unused_secs: float = 10.0,
        reconnect_grace_secs: float = 30.0,
    ) -> None:
        super().__init__(login)
        self.copies = 1
        """How often everything is sent: more than once is a repetition."""
        self.silent = False
        """Whether nothing is sent any more while the sockets stay open."""
        self.received: list[str] = []
        self.peers: list[IrcPeer] = []
        self._keepalive_secs = keepalive_secs
        self._unused_secs = unused_secs
        self._grace_secs = reconnect_grace_secs
        self._challenges: dict[str, Session] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.app.add_routes([web.get("/", self._serve_irc), web.get("/ws", self._serve_eventsub)])

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.drop()
        await super().__aexit__(kind, error, trace)

    @property
    def eventsub_url(self) -> str:
        """The EventSub socket."""
        return f"{self.ws_url}ws"

    async def line(self, text: str) -> None:
        """Send a whole line to everybody in the channel who asked for its kind."""
        words = text.split(" ")
        command = words[2] if text.startswith("@") else words[1]
        for peer in list(self.peers):
            if self.login in peer.channels and peer.may_read(command):
                tagged = "twitch.tv/tags" in peer.capabilities or not text.startswith("@")
                await self._irc(peer, text if tagged else text.partition(" ")[2])

    async def say(self, login: str, words: str, /, **tags: str | int) -> str:
        """Send a chat message; return its id."""
        return await self._tagged("PRIVMSG", login, words, tags)

    async def notice(self, kind: str, login: str, words: str = "", /, **tags: str | int) -> str:
        """Send a ``USERNOTICE``; underscores in the tags' names stand for hyphens. Return its id."""
        return await self._tagged("USERNOTICE", login, words, {"msg-id": kind, "login": login, **tags})

    async def gift_bomb(self, login: str, count: int, *, announced: str = "last") -> None:
        """Give ``count`` subscriptions: the announcement comes ``first``, ``last``, or ``never``."""
        batch: dict[str, str | int] = {"msg-param-community-gift-id": f"77{next(self.numbers):010d}"}
        batch["msg-param-sub-plan"] = "1000"
        announcement = {**batch, "msg-param-mass-gift-count": count}
        if announced == "first":
            await self.notice("submysterygift", login, **announcement)
        for number in range(count):
            recipient = {"msg-param-recipient-id": 5000 + number, "msg-param-gift-months": 1}
            await self.notice("subgift", login, **recipient, **batch)
        if announced == "last":
            await self.notice("submysterygift", login, **announcement)

    async def irc_reconnect(self) -> None:
        """Tell everybody to go to another server."""
        for peer in list(self.peers):
            await self._irc(peer, ":tmi.twitch.tv RECONNECT")

    async def notify(self, kind: str, event: Mapping[str, Any], version: str = "1") -> str:
        """Notify every session that subscribed; return the message id."""
        message_id = f"note-{next(self.numbers)}="
        for session in list(self.sessions):
            if kind not in session.subscriptions:
                continue
            subscription = {
                "id": f"sub-{kind}",
                "status": "enabled",
                "type": kind,
                "version": version,
                "condition": session.subscriptions[kind],
                "transport": {"method": "websocket", "session_id": session.id},
                "created_at": SENT_AT,
                "cost": 0,
            }
            payload = {"subscription": subscription, "event": event}
            extra = {"subscription_type": kind, "subscription_version": version}
            await self._eventsub(session, "notification", payload, message_id, extra)
        return message_id

    async def session_reconnect(self) -> None:
        """Ask every session to move, and close it with 4004 if it does not in time."""
        for session in list(self.sessions):
            challenge = f"challenge{next(self.numbers)}"
            self._challenges[challenge] = session
            url = f"{self.eventsub_url}?challenge={challenge}&id={session.id}"
            body = {
                "id": session.id,
                "status": "reconnecting",
                "connected_at": SENT_AT,
                "keepalive_timeout_seconds": None,
                "reconnect_url": url,
                "recovery_url": None,
            }
            await self._eventsub(session, "session_reconnect", {"session": body})
            self._start(self._close_unless_moved(challenge, session.socket))

    async def revoke(self, kind: str, status: str) -> None:
        """End a subscription."""
        for session in list(self.sessions):
            session.subscriptions.pop(kind, None)
            payload = {"subscription": {"id": f"sub-{kind}", "status": status, "type": kind, "version": "1"}}
            extra = {"subscription_type": kind, "subscription_version": "1"}
            await self._eventsub(session, "revocation", payload, extra=extra)

    async def close(self, code: int) -> None:
        """Close every EventSub connection with a documented code."""
        for session in list(self.sessions):
            await session.socket.close(code=code, message=CLOSE_REASONS[code].encode())

    def drop(self) -> None:
        """Cut every socket without a word."""
        requests = [peer.request for peer in self.peers] + [session.request for session in self.sessions]
        for request in requests:
            if request.transport is not None:
                request.transport.abort()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tagged(self, command: str, login: str, words: str, tags: Mapping[str, str | int]) -> str:
        number = next(self.numbers)
        message_id = f"00000000-0000-4000-8000-{number:012d}"
        values = {
            "badge-info": "",
            "badges": "",
            "display-name": login.capitalize(),
            "id": message_id,
            "room-id": self.users[self.login],
            "tmi-sent-ts": SENT_AT_MS + number,
            "user-id": self.users.setdefault(login, str(4_200_000 + len(self.users))),
        } | {name.replace("_", "-"): value for name, value in tags.items()}
        text = ";".join(f"{name}={_escaped(str(value))}" for name, value in values.items())
        prefix = f"{login}!{login}@{login}.tmi.twitch.tv" if command == "PRIVMSG" else "tmi.twitch.tv"
        await self.line(f"@{text} :{prefix} {command} #{self.login}" + (f" :{words}" if words else ""))
        return message_id

    async def _irc(self, peer: IrcPeer, *lines: str) -> None:
        if not self.silent and not peer.socket.closed:
            for _ in range(self.copies):
                await peer.socket.send_str("".join(f"{line}\r\n" for line in lines))

    async def _serve_irc(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("irc",))
        await socket.prepare(request)
        peer = IrcPeer(socket, request)
        self.peers.append(peer)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                for line in message.data.split("\r\n"):
                    if line:
                        self.received.append(line)
                        await self._irc_command(peer, line)
                await self.note_change()
        self.peers.remove(peer)
        await self.note_change()
        return socket

    async def _irc_command(self, peer: IrcPeer, line: str) -> None:
        command, _, rest = line.partition(" ")
        if command == "CAP":
            asked = set(rest.removeprefix("REQ :").split())
            known = asked <= CAPABILITIES
            peer.capabilities |= asked if known else set()
            await self._irc(peer, f":tmi.twitch.tv CAP * {'ACK' if known else 'NAK'} :{' '.join(sorted(asked))}")
        elif command == "PASS":
            peer.passed = True
        elif command == "NICK":
            await self._log_in(peer, rest)
        elif command == "JOIN" and peer.nick:
            for channel in rest.split(","):
                await self._join(peer, channel.removeprefix("#"))
        elif command == "PING":
            await self._irc(peer, f":tmi.twitch.tv PONG tmi.twitch.tv {rest or ':tmi.twitch.tv'}")
        elif command != "PONG":
            await self._irc(peer, f":tmi.twitch.tv 421 {peer.nick} {command} :Unknown command")

    async def _log_in(self, peer: IrcPeer, nick: str) -> None:
        if not (nick.startswith("justinfan") and nick[9:].isdigit()):
            await self._irc(peer, ":tmi.twitch.tv NOTICE * :Login authentication failed")
            return
        peer.nick = nick
        said = [("001", "Welcome, GLHF!"), ("002", "Your host is tmi.twitch.tv"), ("003", "This server is rather new")]
        said += [("004", "-"), ("375", "-"), ("372", "You are in a maze of twisty passages."), ("376", ">")]
        await self._irc(peer, *(f":tmi.twitch.tv {code} {nick} :{text}" for code, text in said))

    async def _join(self, peer: IrcPeer, channel: str) -> None:
        if channel != self.login:
            return  # Twitch says nothing at all about a channel that does not exist.
        peer.channels.add(channel)
        nick, room = peer.nick, self.users[self.login]
        if "twitch.tv/membership" in peer.capabilities:
            await self._irc(peer, f":{nick}!{nick}@{nick}.tmi.twitch.tv JOIN #{channel}")
        if "twitch.tv/commands" in peer.capabilities:
            await self._irc(peer, f"@emote-only=0;room-id={room};slow=0 :tmi.twitch.tv ROOMSTATE #{channel}")
        names = f":{nick}.tmi.twitch.tv"
        await self._irc(peer, f"{names} 353 {nick} = #{channel} :{nick}", f"{names} 366 {nick} #{channel} :End")

    async def _serve_eventsub(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        session = self._new_session(socket, request)
        if session is None:
            await socket.close(code=4007, message=CLOSE_REASONS[4007].encode())
            return socket
        welcome = {
            "id": session.id,
            "status": "connected",
            "connected_at": SENT_AT,
            "keepalive_timeout_seconds": max(int(self._keepalive_secs), 1),
            "reconnect_url": None,
            "recovery_url": None,
        }
        await self._eventsub(session, "session_welcome", {"session": welcome})
        self._start(self._keep_alive(session, socket))
        self._start(self._close_if_unused(session, socket))
        async for message in socket:
            if message.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                await socket.close(code=4001, message=CLOSE_REASONS[4001].encode())
        if session.socket is socket:
            self.sessions.remove(session)
        await self.note_change()
        return socket

    def _new_session(self, socket: web.WebSocketResponse, request: web.Request) -> Session | None:
        challenge = request.query.get("challenge")
        if challenge is None:
            session = Session(f"session-{next(self.numbers)}", socket, request)
            self.sessions.append(session)
            return session
        moved = self._challenges.pop(challenge, None)
        if moved is not None and moved in self.sessions and request.query.get("id") == moved.id:
            moved.socket, moved.request = socket, request
            return moved
        return None

    async def _eventsub(
        self,
        session: Session,
        kind: str,
        payload: Mapping[str, Any],
        message_id: str = "",
        extra: Mapping[str, str] | None = None,
    ) -> None:
        if self.silent or session.socket.closed:
            return
        metadata = {
            "message_id": message_id or f"message-{next(self.numbers)}",
            "message_type": kind,
            "message_timestamp": SENT_AT,
            **(extra or {}),
        }
        session.spoken.set()
        for _ in range(self.copies):
            await session.socket.send_str(orjson.dumps({"metadata": metadata, "payload": payload}).decode())

    async def _keep_alive(self, session: Session, socket: web.WebSocketResponse) -> None:
        while session.socket is socket and not socket.closed:
            session.spoken.clear()
            try:
                await asyncio.wait_for(session.spoken.wait(), self._keepalive_secs)
            except TimeoutError:
                await self._eventsub(session, "session_keepalive", {})

    async def _close_if_unused(self, session: Session, socket: web.WebSocketResponse) -> None:
        await asyncio.sleep(self._unused_secs)
        if not session.subscriptions and not socket.closed:
            await socket.close(code=4003, message=CLOSE_REASONS[4003].encode())

    async def _close_unless_moved(self, challenge: str, socket: web.WebSocketResponse) -> None:
        await asyncio.sleep(self._grace_secs)
        if self._challenges.pop(challenge, None) is not None:
            await socket.close(code=4004, message=CLOSE_REASONS[4004].encode())


def _escaped(value: str) -> str:
    for plain, escaped in (("\\", "\\\\"), (";", "\\:"), (" ", "\\s"), ("\r", "\\r"), ("\n", "\\n")):
        value = value.replace(plain, escaped)
    return value
