//! The way through TLS: what a dissector hands over is opened, and shown to another in clear.

use std::sync::Arc;

use connections::Connection;
use decrypt::Keyring;
use decrypt::tls::{self, Attention, Clear, Facts, Handshake, Opener, Outcome};
use dissect::{Dissector, Output, Sink, Wants};
use model::view::TlsRow;
use model::{
    Chunk, CloseReason, Content, Direction, Exchange, Framing, Incomplete, Kind, Ledger, Names,
    Sealed, SealedBytes, ShortText, Status, Timestamp, Wire,
};

use super::asking::Asked;
use super::census::Told;
use super::hooked::Hooked;
use super::{Stages, State, ports};

/// The one operation of TLS.
const HANDSHAKE: &str = "handshake";

/// What a connection that speaks TLS has beside its dissector.
pub(super) struct Tls {
    pub(super) opener: Opener,
    /// When a key was asked for.
    pub(super) asked: Asked,
    /// What its exchanges say of it, since the first byte in clear.
    pub(super) row: Option<Arc<TlsRow>>,
    /// When it began to speak TLS, as far as that was seen.
    pub(super) began: Timestamp,
    /// Plaintext of it comes from a process that calls a TLS library.
    pub(super) hooked: Option<Hooked>,
    /// The name asked for is that of the server at the other end, and nobody has been told.
    names_server: bool,
    /// What the dissector before this one has booked.
    pub(super) before: Ledger,
    /// What was counted of it.
    pub(super) told: Told,
}

impl Tls {
    /// See [`TlsRow`]; `None` while nothing was opened.
    pub(super) const fn row(&self) -> Option<&Arc<TlsRow>> {
        self.row.as_ref()
    }

    /// Bytes booked since the last call, with what the dissector has booked of those in clear.
    pub(super) fn take_ledger(&mut self, clear: Ledger) -> Ledger {
        let mut ledger = self.opener.take_ledger();
        let clear = match &mut self.hooked {
            Some(hooked) => hooked.cover(&mut ledger, clear),
            None => clear,
        };
        ledger += clear;
        ledger += std::mem::take(&mut self.before);
        ledger
    }
}

impl State {
    /// How much of `direction` is worth copying from here on.
    #[inline]
    pub(super) fn wants(&self, direction: Direction) -> Wants {
        let Some(tls) = &self.tls else { return self.dissector.wants(direction) };
        match tls.opener.attention() {
            // Records are longer than what they hold, so those that end before the body does are
            // of the body; frames of HTTP/2 are not followed inside of them.
            Attention::Everything => match self.dissector.wants(direction) {
                Wants::After(bytes)
                    if bytes > tls.opener.held()
                        && self.dissector.framing() != Framing::Frames
                        && tls.opener.may_miss_bodies(direction) =>
                {
                    Wants::After(bytes - tls.opener.held())
                }
                // Records beyond the budget of a turn are left out whole, but for their heads.
                Wants::Heads | Wants::After(_) if !tls.opener.hides_lengths() => Wants::Heads,
                Wants::Heads | Wants::After(_) | Wants::Everything | Wants::Nothing => {
                    Wants::Everything
                }
            },
            Attention::Heads => Wants::Heads,
            Attention::Nothing => Wants::Nothing,
        }
    }

    /// How the connection is cut into frames that the tap may follow.
    #[inline]
    pub(super) fn framing(&self) -> Framing {
        if self.tls.is_some() { Framing::Frames } else { self.dissector.framing() }
    }

    /// True while sealed bytes wait for a key.
    pub(super) fn holds_sealed(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.opener.held() > 0)
    }
}

impl Stages {
    /// Tells the opener in whose memory its secrets may be.
    pub(super) fn learn_owners(&self, connection: &Connection, state: &mut State) {
        if let Some(tls) = &mut state.tls {
            let owners = self.takers.resolver.owners(connection);
            tls.opener.owned_by(owners);
            tls.opener.hindered_by(self.hindrances.of(connection.endpoints, owners));
        }
    }

    /// Has the owners looked at, if no key was found yet, and tells the opener what that showed.
    pub(super) fn ask_what_hinders(&mut self, connection: &Connection, state: &mut State) {
        if let Some(tls) = &mut state.tls
            && self.census.ask(&tls.opener)
        {
            tls.opener.hindered_by(self.hindrances.of(connection.endpoints, tls.opener.owners()));
        }
    }

    /// So many bytes of the connection that are sealed, by the reason.
    pub(super) fn sealed(&self, connection: &Connection, state: &State, bytes: u64) -> SealedBytes {
        let mut sealed = SealedBytes::default();
        if bytes == 0 {
            return sealed;
        }
        let of_tls = state.tls.as_ref().and_then(|tls| tls.opener.why_sealed());
        let reason = match (of_tls, &self.keyring) {
            (Some(reason), _) => reason,
            (None, None) => Sealed::Off,
            (None, Some(_)) => {
                let owners = self.takers.resolver.owners(connection);
                self.hindrances.of(connection.endpoints, owners).unwrap_or(Sealed::NoKey)
            }
        };
        sealed.book(reason, bytes);
        sealed
    }

    /// The dissector has found TLS in `chunk`: from here on it is opened first.
    #[cold]
    pub(super) fn begin_tls(
        &mut self,
        connection: &Connection,
        state: &mut State,
        chunk: &Chunk<'_>,
    ) {
        let client = state.dissector.client();
        let Some(handover) = state.dissector.take_sealed() else { return };
        let inner = Dissector::new(client, ports(connection), handover.from_start);
        let before = std::mem::replace(&mut state.dissector, inner).take_ledger();
        state.tls = Some(Box::new(Tls {
            opener: Opener::new(connection.id),
            asked: Asked::default(),
            row: None,
            began: chunk.at,
            hooked: None,
            names_server: handover.names_server,
            before,
            told: Told::default(),
        }));
        self.learn_owners(connection, state);
        for (direction, bytes, at) in handover.pieces() {
            let chunk = Chunk { direction, at, content: Content::Bytes(bytes) };
            self.open_chunk(connection, state, &chunk);
        }
        // What is there was handed over; what is missing was not.
        if let Content::Missing { .. } | Content::End = chunk.content {
            self.open_chunk(connection, state, chunk);
        }
    }

    /// Takes the next piece of a connection that speaks TLS.
    #[inline]
    pub(super) fn open_chunk(
        &mut self,
        connection: &Connection,
        state: &mut State,
        chunk: &Chunk<'_>,
    ) {
        self.open(connection, state, |opener, keyring, clear| opener.chunk(chunk, keyring, clear));
        if let Some(tls) = &mut state.tls
            && tls.opener.has_opened()
            && state.dissector.wants(chunk.direction) == Wants::Nothing
        {
            tls.opener.ignore();
        }
    }

    /// Runs the opener; what it opens goes to the dissector.
    #[inline]
    pub(super) fn open(
        &mut self,
        connection: &Connection,
        state: &mut State,
        run: impl FnOnce(&mut Opener, &mut Keyring, &mut Clear<'_>),
    ) {
        let (Some(tls), Some(keyring)) = (&mut state.tls, &mut self.keyring) else { return };
        let Tls { opener, row, .. } = &mut **tls;
        run(opener, keyring, &mut |facts, chunk| {
            if row.is_none() && matches!(chunk.content, Content::Bytes(_)) {
                *row = Some(Arc::new(said(facts)));
            }
            let mut found =
                self.takers.found(connection, (&mut state.ends, &mut state.hint), row.as_ref());
            let mut output = Output::new(&mut self.names, self.raw, &mut found);
            state.dissector.chunk(chunk, &mut output, &mut self.counters);
        });
        let sealed = self.census.look(&tls.opener, &mut tls.told, false);
        let sealed = sealed.map(|reason| (tls.opener.owners(), reason));
        if tls.names_server && !tls.opener.facts().server_name.is_empty() {
            tls.names_server = false;
            let name = &tls.opener.facts().server_name;
            if let Some(client) = tls.opener.client() {
                let server = client.opposite();
                let end = &mut state.ends[server.index()];
                *end = self.takers.resolver.server_named(connection, server, *end, name);
            }
        }
        if let Some(handshake) = tls.opener.take_handshake(false) {
            self.shaken(connection, state, &handshake, None);
        }
        if let Some((owners, reason)) = sealed {
            self.despair(connection, owners, reason, false);
        }
    }

    /// The connection is over: so is its handshake, if it came so far.
    pub(super) fn end_tls(
        &mut self,
        connection: &Connection,
        state: &mut State,
        reason: CloseReason,
    ) {
        if let Some(tls) = &mut state.tls {
            let sealed = self.census.look(&tls.opener, &mut tls.told, true);
            if let Some(reason) = sealed {
                self.despair(connection, tls.opener.owners(), reason, true);
            }
        }
        let handshake = state.tls.as_mut().and_then(|tls| tls.opener.take_handshake(true));
        if let Some(handshake) = handshake {
            self.shaken(connection, state, &handshake, Some(reason));
        }
    }

    /// A handshake is an exchange.
    fn shaken(
        &mut self,
        connection: &Connection,
        state: &mut State,
        handshake: &Handshake,
        closed: Option<CloseReason>,
    ) {
        let Some(tls) = &state.tls else { return };
        let opener = &tls.opener;
        self.census.agreed(opener.owners(), handshake.client, opener.facts());
        let row = Arc::new(said(tls.opener.facts()));
        let exchange = exchange(handshake, &row, closed, (&mut self.names, self.raw));
        let mut found =
            self.takers.found(connection, (&mut state.ends, &mut state.hint), Some(&row));
        found.exchange(&exchange, handshake.client, &self.names);
    }
}

/// What exchanges say of their connection.
pub(super) fn said(facts: &Facts) -> TlsRow {
    TlsRow {
        version: facts.version_name().to_owned(),
        sni: facts.server_name.clone(),
        alpn: facts.alpn.as_str().to_owned(),
    }
}

/// A handshake as an exchange; with the wire's words, if they are wanted.
pub(super) fn exchange(
    handshake: &Handshake,
    row: &TlsRow,
    closed: Option<CloseReason>,
    (names, raw): (&mut Names, bool),
) -> Exchange {
    let since = |at: Timestamp| at.since_ns(handshake.start);
    let alert =
        |code: &str| Status { code: ShortText::new(code), error: true, client_error: false };
    let (status, incomplete) = match (handshake.outcome, closed) {
        (Outcome::Done, _) => (Status { code: ShortText::new("OK"), ..Status::default() }, None),
        (Outcome::Alert(description), _) => {
            (alert(description.map_or("alert", tls::alert_name)), None)
        }
        (Outcome::Missed, _) => (Status::default(), Some(Incomplete::Gap)),
        (Outcome::BrokenOff, Some(CloseReason::Reset(_))) => {
            (Status::default(), Some(Incomplete::Reset))
        }
        (Outcome::BrokenOff, Some(CloseReason::Idle)) => {
            (Status::default(), Some(Incomplete::Timeout))
        }
        (Outcome::BrokenOff, _) => (Status::default(), Some(Incomplete::Closed)),
    };
    let [request_bytes, response_bytes] = handshake.bytes;
    let wire = raw.then(|| Box::new(wire(row, &status)));
    Exchange {
        protocol: &tls::INFO,
        version: ShortText::new(&row.version),
        kind: Kind::Session,
        endpoint: names.intern(HANDSHAKE, &row.sni),
        status,
        start: handshake.start,
        duration_ns: handshake.end.map(since),
        ttfb_ns: handshake.answered.map(since),
        request_bytes,
        response_bytes,
        incomplete,
        wire,
    }
}

fn wire(row: &TlsRow, status: &Status) -> Wire {
    let status = status.code.as_str();
    Wire {
        operation: HANDSHAKE.to_owned(),
        target: (!row.sni.is_empty()).then(|| row.sni.clone()),
        status: (!status.is_empty()).then(|| status.to_owned()),
    }
}
