//! A recognised connection: a session, and both sides' places in it.

use model::{Chunk, Content, Direction, Framing, Ledger, MissingReason, ProtocolInfo, Timestamp};

use super::stream::{After, Stream};
use super::{Output, Session, Wants, side_of};

/// A body longer than this is worth telling the tap about.
const SKIP_WORTH_BYTES: u64 = 4 * 1024;
/// The same where everything is copied: a packet, by which the tap is ahead of us at least. Frames
/// of a body come closer together, and each wish is a store into a line that the kernel reads.
const SKIP_WORTH_BYTES_OF_EVERYTHING: u64 = 64 * 1024;

/// A session with what it needs around it.
pub(super) struct Reading {
    pub(super) protocol: &'static ProtocolInfo,
    pub(super) client: Direction,
    pub(super) session: Box<dyn Session>,
    sides: [Stream; 2],
    wants_everything: bool,
}

impl Reading {
    pub(super) fn new(
        protocol: &'static ProtocolInfo,
        mut session: Box<dyn Session>,
        client: Direction,
    ) -> Self {
        let wants_everything = session.wants_everything();
        Self { protocol, client, session, sides: Default::default(), wants_everything }
    }

    pub(super) fn held(&self) -> u64 {
        self.sides.iter().map(Stream::held).sum()
    }

    /// True if the next byte of either side starts a frame.
    pub(super) fn is_in_step(&self) -> bool {
        self.sides.iter().all(Stream::is_in_step)
    }

    /// What is held of each direction, with the time of its first byte.
    pub(super) fn into_held(self) -> [(Direction, Vec<u8>, Timestamp); 2] {
        let client = self.client;
        let [(client_bytes, client_at), (server_bytes, server_at)] =
            self.sides.map(Stream::into_held);
        [(client, client_bytes, client_at), (client.opposite(), server_bytes, server_at)]
    }

    pub(super) fn wants(&self, direction: Direction) -> Wants {
        let stream = &self.sides[side_of(direction, self.client).index()];
        let (worth, otherwise) = if self.wants_everything {
            (SKIP_WORTH_BYTES_OF_EVERYTHING, Wants::Everything)
        } else {
            (SKIP_WORTH_BYTES, Wants::Heads)
        };
        match stream.body() {
            Some(body) if body > worth => Wants::After(body),
            Some(_) | None => otherwise,
        }
    }

    pub(super) fn framing(&self) -> Framing {
        self.session.framing()
    }

    pub(super) fn bytes<'a>(
        &mut self,
        direction: Direction,
        bytes: &'a [u8],
        at: Timestamp,
        ledger: &mut Ledger,
        output: &mut Output<'_>,
    ) -> After<'a> {
        output.client = self.client;
        let side = side_of(direction, self.client);
        let stream = &mut self.sides[side.index()];
        let after = stream.bytes(&mut *self.session, side, bytes, at, ledger, output);
        self.wants_everything = self.session.wants_everything();
        after
    }

    pub(super) fn missing(
        &mut self,
        chunk: &Chunk<'_>,
        bytes: u64,
        reason: MissingReason,
        ledger: &mut Ledger,
        output: &mut Output<'_>,
    ) {
        debug_assert!(matches!(chunk.content, Content::Missing { .. }));
        output.client = self.client;
        let side = side_of(chunk.direction, self.client);
        let stream = &mut self.sides[side.index()];
        stream.missing(&mut *self.session, side, (bytes, reason), chunk.at, ledger, output);
    }

    pub(super) fn end(
        &mut self,
        direction: Direction,
        at: Timestamp,
        ledger: &mut Ledger,
        output: &mut Output<'_>,
    ) {
        output.client = self.client;
        let side = side_of(direction, self.client);
        self.sides[side.index()].end(&mut *self.session, side, at, ledger, output);
    }
}
