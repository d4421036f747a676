//! What becomes of a record: read in clear, opened, waited for, or booked as sealed.

use model::{Chunk, Content as Bytes, Direction, Sealed};

use super::keys::Content;
use super::opener::{Clear, Opener};
use super::record::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEAD_BYTES, Record};
use super::ring::Item;
use super::stream::{Gap, Protection, Stage, Tail};
use super::unlock::Unlocked;
use crate::keyring::Keyring;

/// Records in a row that may fail before their keys count as lost.
const FAILURES_MAX: u8 = 16;

/// A record cannot be opened before a key is found.
pub(super) struct NeedsKey;

impl Opener {
    /// Takes the next thing of a direction.
    pub(super) fn apply(
        &mut self,
        direction: Direction,
        item: Item<'_>,
        keyring: &mut Keyring,
        clear: &mut Clear<'_>,
    ) -> Result<(), NeedsKey> {
        match item {
            Item::Record(record) => return self.record(direction, &record, keyring, clear),
            Item::Tail { bytes, missing, at } => self.tail(direction, bytes, missing, at, clear),
            Item::Gap { bytes, missing, at } => self.gap(direction, bytes, missing, at),
            Item::End { at } => clear(&self.facts, &Chunk { direction, at, content: Bytes::End }),
        }
        Ok(())
    }

    /// The same, but what is sealed stays so.
    pub(super) fn drop_item(
        &mut self,
        direction: Direction,
        item: Item<'_>,
        clear: &mut Clear<'_>,
    ) {
        match item {
            Item::Record(record) => self.stay_sealed(direction, &record, clear),
            Item::Tail { bytes, missing, at } => self.tail(direction, bytes, missing, at, clear),
            Item::Gap { bytes, missing, at } => self.gap(direction, bytes, missing, at),
            Item::End { at } => clear(&self.facts, &Chunk { direction, at, content: Bytes::End }),
        }
    }

    fn record(
        &mut self,
        direction: Direction,
        record: &Record<'_>,
        keyring: &mut Keyring,
        clear: &mut Clear<'_>,
    ) -> Result<(), NeedsKey> {
        if self.is_in_clear(direction, record) {
            self.read(direction, record);
            return Ok(());
        }
        if let Protection::Clear = self.streams[direction.index()].protection {
            self.find_sealed(direction);
        }
        if record.is_cut() {
            return self.cut(direction, record, clear);
        }
        let mut scratch = std::mem::take(&mut keyring.scratch);
        let result = match self.streams[direction.index()].protection {
            Protection::Open { stage, from, .. } if record.number >= from => {
                self.open(direction, stage, record, keyring, &mut scratch, clear)
            }
            Protection::Sealed(stage) => {
                self.open_first(direction, stage, record, keyring, &mut scratch, clear)
            }
            Protection::Open { .. } | Protection::Clear => {
                self.stay_sealed(direction, record, clear);
                Ok(())
            }
        };
        keyring.scratch = scratch;
        result
    }

    /// True if nothing protects this record, whatever protects its neighbours.
    fn is_in_clear(&self, direction: Direction, record: &Record<'_>) -> bool {
        let kind = record.head.kind;
        match self.streams[direction.index()].protection {
            Protection::Clear => kind != APPLICATION_DATA,
            // TLS 1.3 seals as application data, whatever it is. Before the server's hello, early
            // data may be that of TLS 1.3 alone.
            Protection::Sealed(stage) | Protection::Open { stage, .. } => {
                let is_tls13 = stage != Stage::Cipher && self.client.is_some();
                let is_alert = kind == ALERT && record.head.length == 2;
                is_tls13 && (is_alert || matches!(kind, CHANGE_CIPHER_SPEC | HANDSHAKE))
            }
        }
    }

    /// Application data where nobody saw the keys being changed.
    fn find_sealed(&mut self, direction: Direction) {
        let is_tls12 = self.hello.version != 0 && !self.hello.is_tls13();
        let stream = &mut self.streams[direction.index()];
        stream.seal(if is_tls12 { Stage::Cipher } else { Stage::Application });
        if is_tls12 {
            stream.gap.get_or_insert(Gap::default());
        }
    }

    /// Opens a record under keys that have opened others.
    fn open(
        &mut self,
        direction: Direction,
        stage: Stage,
        record: &Record<'_>,
        keyring: &mut Keyring,
        scratch: &mut Vec<u8>,
        clear: &mut Clear<'_>,
    ) -> Result<(), NeedsKey> {
        let stream = &mut self.streams[direction.index()];
        let Protection::Open { keys, .. } = &mut stream.protection else { return Ok(()) };
        let at_once = |content| (content, 0);
        let opened = match stream.gap {
            None if stage < Stage::Application => keys.open(record, scratch).map(at_once),
            None => keys.open_next(record, scratch).map(at_once),
            Some(_) => keys.open_later(record, scratch),
        };
        if let Some((content, missing)) = opened {
            self.opened(direction, record, content, missing, scratch, clear);
            return Ok(());
        }
        if stage < Stage::Application {
            let next = if stage == Stage::Early { Stage::Handshake } else { Stage::Application };
            match self.unlock(direction, next, record, keyring, scratch) {
                Unlocked::Opens(content, missing) => {
                    self.opened(direction, record, content, missing, scratch, clear);
                    return Ok(());
                }
                Unlocked::Later => return Err(NeedsKey),
                Unlocked::Never => {}
            }
        } else if let Protection::Open { keys, .. } =
            &mut self.streams[direction.index()].protection
            && let Some((content, missing)) = keys.open_later(record, scratch)
        {
            // An update in a message nobody saw, or a record somebody dropped.
            self.opened(direction, record, content, missing, scratch, clear);
            return Ok(());
        }
        self.failed(direction, record, clear);
        Ok(())
    }

    /// Opens a record for which no key is known yet.
    fn open_first(
        &mut self,
        direction: Direction,
        stage: Stage,
        record: &Record<'_>,
        keyring: &mut Keyring,
        scratch: &mut Vec<u8>,
        clear: &mut Clear<'_>,
    ) -> Result<(), NeedsKey> {
        if self.hello.is_unsupported() {
            self.hopeless = Some(Sealed::CipherUnsupported);
        }
        if self.hopeless.is_some() {
            self.stay_sealed(direction, record, clear);
            return Ok(());
        }
        match self.unlock(direction, stage, record, keyring, scratch) {
            Unlocked::Opens(content, missing) => {
                self.opened(direction, record, content, missing, scratch, clear);
            }
            Unlocked::Later => return Err(NeedsKey),
            Unlocked::Never => self.stay_sealed(direction, record, clear),
        }
        Ok(())
    }

    /// Hands on the content of a record, before which so many are missing.
    fn opened(
        &mut self,
        direction: Direction,
        record: &Record<'_>,
        (kind, range): Content,
        missing: u64,
        scratch: &[u8],
        clear: &mut Clear<'_>,
    ) {
        let stream = &mut self.streams[direction.index()];
        (stream.failures, stream.unopened) = (0, 0);
        if stream.gap.is_some() {
            self.close_gap(direction, missing, record.first.1, clear);
        }
        self.has_opened = true;
        let content = scratch.get(range.clone()).unwrap_or_default();
        let whole = record.head.whole() as u64;
        if kind != APPLICATION_DATA {
            self.ledger.parsed += whole;
            self.understand(direction, kind, content, record);
            return;
        }
        self.ledger.parsed += whole - content.len() as u64;
        let stream = &mut self.streams[direction.index()];
        if let Protection::Open { keys, .. } = &stream.protection {
            stream.pads |= whole > HEAD_BYTES as u64 + keys.overhead() + content.len() as u64;
        }
        self.hand_on(direction, record, range.start, content, clear);
    }

    /// Hands on content with the times its parts came: `start` is where it stands in the body.
    fn hand_on(
        &mut self,
        direction: Direction,
        record: &Record<'_>,
        start: usize,
        content: &[u8],
        clear: &mut Clear<'_>,
    ) {
        self.given += content.len() as u64;
        let (first_bytes, first_at) = record.first;
        let first = first_bytes.saturating_sub(HEAD_BYTES + start).min(content.len());
        let (early, late) = content.split_at(first);
        for (bytes, at) in [(early, first_at), (late, record.at)] {
            if !bytes.is_empty() {
                clear(&self.facts, &Chunk { direction, at, content: Bytes::Bytes(bytes) });
            }
        }
    }

    /// Reads a record that nothing protects.
    fn read(&mut self, direction: Direction, record: &Record<'_>) {
        self.ledger.parsed += (HEAD_BYTES + record.body.len()) as u64;
        self.streams[direction.index()].tail = Tail::default();
        self.understand(direction, record.head.kind, record.body, record);
        if record.is_cut() {
            let rest = usize::from(record.head.length) - record.body.len();
            self.streams[direction.index()].messages.missing(rest);
        }
    }

    /// A record that its keys should have opened.
    fn failed(&mut self, direction: Direction, record: &Record<'_>, clear: &mut Clear<'_>) {
        let stream = &mut self.streams[direction.index()];
        stream.failures += 1;
        let is_lost = stream.failures >= FAILURES_MAX;
        if let Protection::Open { keys, .. } = &mut stream.protection {
            // After a gap, how many records are missing is not known before one opens.
            let sequence = keys.sequence;
            keys.pass(record);
            if stream.gap.is_some() {
                keys.sequence = sequence;
            }
        }
        self.stay_sealed(direction, record, clear);
        if is_lost {
            self.give_up(Sealed::KeyLost);
        }
    }

    /// Opens the start of a record of which the rest is missing.
    fn cut(
        &mut self,
        direction: Direction,
        record: &Record<'_>,
        clear: &mut Clear<'_>,
    ) -> Result<(), NeedsKey> {
        let stream = &mut self.streams[direction.index()];
        let Protection::Open { keys, stage, from } = &mut stream.protection else {
            if matches!(stream.protection, Protection::Sealed(_)) && !self.has_opened {
                return Err(NeedsKey);
            }
            self.stay_sealed(direction, record, clear);
            return Ok(());
        };
        if *stage < Stage::Application || record.number < *from || stream.gap.is_some() {
            if stream.gap.is_none() && record.number >= *from {
                keys.pass(record);
            }
            self.stay_sealed(direction, record, clear);
            return Ok(());
        }
        let mut scratch = Vec::new();
        let Some((range, content)) = keys.open_head(record, &mut scratch) else {
            self.stay_sealed(direction, record, clear);
            return Ok(());
        };
        let start = range.start;
        let head = scratch.get(range).unwrap_or_default();
        stream.tail = Tail { content: (content - head.len()) as u64, ..Tail::default() };
        self.ledger.parsed += (HEAD_BYTES + record.body.len() - head.len()) as u64;
        self.hand_on(direction, record, start, head, clear);
        Ok(())
    }
}
