//! The two traits a protocol implements, and the words they use.

use std::net::IpAddr;

use model::{
    Direction, EndpointId, Exchange, Framing, Incomplete, Names, ProtocolInfo, Side, Timestamp,
};

use crate::multiplexed::Multiplexed;
use crate::rider::Rider;

/// A protocol as a value: what it is, how it is recognised, how it is read.
pub trait Protocol: Sync {
    /// Name, family, specification, usual ports.
    fn protocol(&self) -> &'static ProtocolInfo;

    /// True if it is found on this transport; most are on streams alone. It is asked about no
    /// other.
    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Stream
    }

    /// Looks at the first bytes of both ends. Reads no port and keeps nothing.
    ///
    /// Prefers [`Verdict::No`] to a doubtful match: a missed protocol is counted as unknown and
    /// asked again, an invented one is a lie.
    fn probe(&self, opening: Opening<'_>) -> Verdict;

    /// Begins to read a connection.
    fn open(&self, start: Start) -> Box<dyn Session>;

    /// How its calls are told from others, if they are streams of HTTP/2 and not connections.
    fn rides(&self) -> Option<&'static Rider> {
        None
    }

    /// How it is spoken on connections of many streams, if it is.
    fn multiplexed(&self) -> Option<&'static Multiplexed> {
        None
    }
}

/// What carries the bytes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Bytes in order, cut anywhere (TCP).
    Stream,
    /// Messages, each whole or not at all, in any order (UDP).
    Datagram,
    /// Messages to a group of hosts: answers come from other addresses, on other connections.
    Multicast,
}

/// The bytes a probe may look at: the start of what was seen of each end, possibly empty. Of
/// datagrams it is one whole message of one end.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// From the end taken to be the client.
    pub client: &'a [u8],
    /// From the end taken to be the server.
    pub server: &'a [u8],
    /// True if the connection was seen from its first byte: then `client` starts a message for
    /// sure.
    pub from_start: bool,
    /// How they travel.
    pub transport: Transport,
}

/// What a probe says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is something else.
    No,
    /// It may be; more bytes would tell.
    NotYet,
    /// It is, with this score out of 100. At [`Verdict::CERTAIN`] nobody else is asked.
    Match(u8),
}

impl Verdict {
    /// A score at which no other protocol can fit: a long, unmistakable token or several checks
    /// that agree.
    pub const CERTAIN: u8 = 90;
}

/// How a session begins.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// True if both streams are seen from their first byte. False: the session may begin in the
    /// middle of a conversation, and must not pair an answer with a request it has not seen.
    pub from_start: bool,
    /// How the bytes travel.
    pub transport: Transport,
    /// The request by which both ends agreed on this protocol, if it began by an upgrade.
    pub upgraded_by: Option<EndpointId>,
}

/// A piece of one side's stream, or a datagram, given to [`Session::step`].
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Who sent it.
    pub side: Side,
    /// Everything not yet taken, starting at a frame boundary as the session last said. Never
    /// empty.
    pub bytes: &'a [u8],
    /// When the first of these bytes was sent.
    pub first_at: Timestamp,
    /// When the last of them was sent.
    pub at: Timestamp,
}

/// What a session did with an [`Input`].
///
/// A datagram is shown once and nothing of it is held: a body ends with it, and any step but
/// [`Step::Took`] and [`Step::Skip`] is as good as [`Step::Desync`]. One that makes no sense is
/// unknown, and the next one is shown without [`Session::resync`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Read `n > 0` bytes; ask again with the rest. More than was given is [`Step::Desync`].
    Took(usize),
    /// Read a head of `head` bytes; the `body` bytes after it need not be shown. When the last of
    /// them has passed, [`Session::passed`] is called. `u64::MAX` means up to the end of the
    /// stream. Bytes missing inside the body do no harm. `head` may be 0, `body` may be 0.
    Skip {
        /// Bytes read.
        head: usize,
        /// Bytes after them that nobody needs to look at.
        body: u64,
    },
    /// The frame is not whole; show the same bytes again with more behind them. Beyond
    /// [`crate::Dissector::HELD_MAX`] bytes it counts as [`Step::Desync`].
    Wait,
    /// These bytes make no sense here. The session has emitted what it had to; [`Session::resync`]
    /// follows.
    Desync,
    /// After the first `n` bytes the connection speaks something else (upgrade, tunnel, TLS): both
    /// sides are classified anew. The session emits what is pending before it says so.
    Becomes(usize),
    /// The same, and both ends have agreed on what.
    Upgrades(usize, Successor),
}

/// What a connection speaks from here on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Successor {
    /// Which protocol; one of ours.
    pub protocol: &'static ProtocolInfo,
    /// The request by which it was agreed on.
    pub upgraded_by: EndpointId,
}

/// One connection of one protocol: frames → exchanges.
///
/// The contract, fuzzed as written: never panics, never blocks, reads no clock, keeps bounded
/// memory, takes every byte once, emits each exchange exactly once, and **misses rather than
/// invents**: after a gap or from mid-stream it reports no operation that the whole conversation
/// would not contain.
pub trait Session: Send {
    /// Reads the next frame of one side.
    fn step(&mut self, input: Input<'_>, output: &mut Output<'_>) -> Step;

    /// The body announced by [`Step::Skip`] has passed; `at` is the time of its last byte and
    /// `bytes` its length (of an endless body: what passed until the stream ended).
    fn passed(&mut self, side: Side, bytes: u64, at: Timestamp, output: &mut Output<'_>);

    /// `bytes` of this side are missing, outside of a body. A frame in progress is dropped. What
    /// can no longer be paired is emitted as [`Incomplete::Gap`]. [`Session::resync`] follows.
    fn gap(&mut self, side: Side, bytes: u64, at: Timestamp, output: &mut Output<'_>);

    /// Looks for a frame boundary after a gap or desync. `bytes` start at a packet boundary.
    /// `Some(n)`: a frame starts at byte `n`. `None`: not in here.
    fn resync(&mut self, side: Side, bytes: &[u8]) -> Option<usize>;

    /// This side sends no more. A close-delimited message ends here.
    fn end(&mut self, side: Side, at: Timestamp, output: &mut Output<'_>);

    /// The connection is over: everything pending is emitted with `reason`.
    fn close(&mut self, reason: Incomplete, at: Timestamp, output: &mut Output<'_>);

    /// Requests that began before `before` and have no answer yet are emitted as
    /// [`Incomplete::Timeout`]; a late answer is then ignored.
    fn expire(&mut self, before: Timestamp, output: &mut Output<'_>);

    /// True if every byte of this connection is wanted, because many messages travel in one packet
    /// (pipelining). False: heads are enough. Asked after each piece; who was outrun once says so
    /// from then on, for the tap hears of it too late each time.
    fn wants_everything(&mut self) -> bool;

    /// How it is cut, if the rest of long frames need not be shown: the payloads of DATA, and of
    /// packets what is far behind their start.
    fn framing(&self) -> Framing {
        Framing::Unknown
    }

    /// True if what was asked is answered, and what comes next can as well be read by a new
    /// session: pairs of addresses that are used once may be forgotten early.
    fn is_at_rest(&self) -> bool {
        false
    }
}

/// Takes exchanges as they are found. Every closure over an [`Exchange`] is one.
pub trait Sink {
    /// `client` is the direction in which the client of this exchange sends.
    fn exchange(&mut self, exchange: &Exchange, client: Direction, names: &Names);

    /// Several that are alike in everything, their times included, as pipelines have them.
    fn exchanges(&mut self, exchange: &Exchange, count: u64, client: Direction, names: &Names) {
        for _ in 0..count {
            self.exchange(exchange, client, names);
        }
    }

    /// A client was told at which address a host is. `client` is the direction in which it sends.
    fn address_named(&mut self, named: &AddressNamed<'_>, client: Direction) {
        let _ = (named, client);
    }

    /// A client said by which name it means the server of this connection: letters, digits, `-`,
    /// `_` and dots. `client` is the direction in which it sends.
    fn server_named(&mut self, name: &str, client: Direction) {
        let _ = (name, client);
    }
}

/// What a client asked a name service, and was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressNamed<'a> {
    /// The name asked for, in lower case: letters, digits, `-`, `_` and dots between labels.
    pub name: &'a str,
    /// Where it is.
    pub address: IpAddr,
    /// How long that may be believed, in seconds.
    pub ttl_s: u32,
    /// When it was told.
    pub at: Timestamp,
}

impl<F: FnMut(&Exchange)> Sink for F {
    fn exchange(&mut self, exchange: &Exchange, _client: Direction, _names: &Names) {
        self(exchange);
    }
}

/// Where a session puts its exchanges, and what it may use to make them.
pub struct Output<'a> {
    /// Interned operation and target names.
    pub names: &'a mut Names,
    /// True if [`Exchange::wire`] is wanted.
    pub raw: bool,
    /// Of the session at work; the dissector sets it.
    pub(crate) client: Direction,
    sink: &'a mut dyn Sink,
    emitted: u64,
}

impl<'a> Output<'a> {
    /// Exchanges go to `sink`.
    pub fn new(names: &'a mut Names, raw: bool, sink: &'a mut dyn Sink) -> Self {
        Self { names, raw, client: Direction::Forward, sink, emitted: 0 }
    }

    /// Hands on one exchange.
    pub fn emit(&mut self, exchange: &Exchange) {
        self.emit_alike(exchange, 1);
    }

    /// Hands on so many exchanges that are alike.
    pub fn emit_alike(&mut self, exchange: &Exchange, count: u64) {
        self.emitted += count;
        self.sink.exchanges(exchange, count, self.client, self.names);
    }

    /// Hands on one exchange in which the end taken to be the server asked.
    pub fn emit_from_server(&mut self, exchange: &Exchange) {
        let client = self.client;
        self.client = client.opposite();
        self.emit(exchange);
        self.client = client;
    }

    /// Hands on the name of an address.
    pub fn address_named(&mut self, named: &AddressNamed<'_>) {
        self.sink.address_named(named, self.client);
    }

    /// Hands on the name by which the end that sends in `client` means the other.
    pub fn server_named(&mut self, name: &str, client: Direction) {
        self.sink.server_named(name, client);
    }

    /// How many were handed on so far.
    pub const fn emitted(&self) -> u64 {
        self.emitted
    }
}
