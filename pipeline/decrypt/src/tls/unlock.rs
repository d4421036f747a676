//! Finds the secret that opens a record: by the client's random, or by trying.

use model::{Direction, SecretLabel};

use super::hello::Hello;
use super::keys::{Content, Keys};
use super::opener::Opener;
use super::record::Record;
use super::stream::{Protection, Stage, Stream};
use crate::keyring::Keyring;

/// Secrets tried on one record at a time; a try is two microseconds.
const TRIES_MAX: usize = 256;
/// Records that wait, on which secrets are tried beside the first.
const RECORDS_AHEAD: usize = 8;

/// What became of the search for a key.
pub(super) enum Unlocked {
    /// Found: the content of the record, and how many before it are missing.
    Opens(Content, u64),
    /// A secret may still come.
    Later,
    /// What could open this record is known not to be known.
    Never,
}

impl Opener {
    /// Looks for a secret of `stage`, or of one after it, that opens the record. The direction has
    /// its keys then.
    pub(super) fn unlock(
        &mut self,
        direction: Direction,
        stage: Stage,
        record: &Record<'_>,
        keyring: &mut Keyring,
        scratch: &mut Vec<u8>,
    ) -> Unlocked {
        let Some(client) = self.client else { return Unlocked::Later };
        let is_client = direction == client;
        let stream = &mut self.streams[direction.index()];
        if stage == Stage::Cipher
            && let Some(mut keys) = stream.prepared.take()
        {
            if let Some((content, missing)) = first(&mut keys, stream, record, scratch) {
                stream.protection = Protection::Open { keys, stage, from: 0 };
                return Unlocked::Opens(content, missing);
            }
            stream.prepared = Some(keys);
        }
        let after = if stream.tried.0 == record.number { stream.tried.1 } else { 0 };
        let mut is_known = false;
        for stage in stages(stage) {
            let label = label(*stage, is_client);
            let fits = {
                let exact = self.hello.client_random.and_then(|r| keyring.exact(&r, label));
                is_known = exact.is_some();
                let loose = keyring.loose(label, after, self.pids).take(TRIES_MAX);
                let loose = loose.map(|loose| (Some(loose.number), &loose.bytes));
                let mut secrets = exact.map(|secret| (None, secret)).into_iter().chain(loose);
                let stream = &self.streams[direction.index()];
                secrets.find_map(|(number, secret)| {
                    let sealed = SealedBy { hello: &self.hello, stage: *stage, is_client };
                    let fit = sealed.fit(secret.as_slice(), stream, record, scratch)?;
                    Some((number, fit))
                })
            };
            let Some((number, fit)) = fits else { continue };
            if let Some(number) = number {
                keyring.claim(number);
            }
            let Fit { keys, other, content, missing } = fit;
            self.streams[direction.opposite().index()].prepared = other;
            let stream = &mut self.streams[direction.index()];
            stream.protection = Protection::Open { keys, stage: *stage, from: 0 };
            return Unlocked::Opens(content, missing);
        }
        let stream = &mut self.streams[direction.index()];
        stream.tried = (record.number, keyring.newest());
        // The secret of the last stage is told of last: what is not there then will not come.
        if is_known && matches!(stage, Stage::Early | Stage::Handshake) {
            Unlocked::Never
        } else {
            Unlocked::Later
        }
    }

    /// Tries secrets on the records that wait in a direction behind the first, which may be of an
    /// earlier stage or cut.
    pub(super) fn look_ahead<'a>(
        &mut self,
        direction: Direction,
        records: impl Iterator<Item = Record<'a>>,
        keyring: &mut Keyring,
    ) {
        let Protection::Sealed(stage) = self.streams[direction.index()].protection else { return };
        let mut scratch = std::mem::take(&mut keyring.scratch);
        let mut first_number = None;
        for record in records.take(RECORDS_AHEAD) {
            let first = *first_number.get_or_insert(record.number);
            let opens = self.unlock(direction, stage, &record, keyring, &mut scratch);
            if let Unlocked::Opens(..) = opens {
                self.rewind(direction, record.number, first);
                break;
            }
        }
        keyring.scratch = scratch;
    }

    /// Begins with keys that were proven on record number `proven`; `next` is the next one to come.
    pub(super) fn begin_with(&mut self, direction: Direction, keys: Keys, proven: u64, next: u64) {
        let stage = match self.hello.version != 0 && !self.hello.is_tls13() {
            true => Stage::Cipher,
            false => Stage::Application,
        };
        let stream = &mut self.streams[direction.index()];
        let mut keys = Box::new(keys);
        keys.sequence = keys.sequence.wrapping_add(1);
        stream.protection = Protection::Open { keys, stage, from: 0 };
        (stream.failures, stream.unopened) = (0, 0);
        self.rewind(direction, proven, next);
    }

    /// The keys have just opened record number `opened`; the next one they are asked about is
    /// `next`, before or behind it.
    fn rewind(&mut self, direction: Direction, opened: u64, next: u64) {
        let Protection::Open { keys, from, .. } = &mut self.streams[direction.index()].protection
        else {
            return;
        };
        let of_opened = keys.sequence.saturating_sub(1);
        match opened.checked_sub(next) {
            None => keys.sequence = of_opened + (next - opened),
            Some(0) => {
                keys.sequence = of_opened;
                keys.unfollow_chain();
            }
            Some(back) if back <= of_opened => keys.sequence = of_opened - back,
            // What comes before has other keys.
            Some(_) => {
                keys.sequence = 0;
                *from = opened - of_opened;
            }
        }
    }
}

/// Keys that have opened a record.
struct Fit {
    keys: Box<Keys>,
    /// Of the other direction, before TLS 1.3.
    other: Option<Box<Keys>>,
    content: Content,
    missing: u64,
}

/// What is known of the keys of a record.
struct SealedBy<'a> {
    hello: &'a Hello,
    stage: Stage,
    is_client: bool,
}

impl SealedBy<'_> {
    /// Tries a secret.
    fn fit(
        &self,
        secret: &[u8],
        stream: &Stream,
        record: &Record<'_>,
        scratch: &mut Vec<u8>,
    ) -> Option<Fit> {
        if self.stage == Stage::Cipher {
            let [of_client, of_server] = self.hello.keys12(secret)?;
            let (mut keys, other) =
                if self.is_client { (of_client, of_server) } else { (of_server, of_client) };
            let (content, missing) = first(&mut keys, stream, record, scratch)?;
            let other = Some(Box::new(other));
            return Some(Fit { keys: Box::new(keys), other, content, missing });
        }
        self.hello.suites(secret.len()).find_map(|suite| {
            let mut keys = Keys::tls13(suite, secret)?;
            let (content, missing) = first(&mut keys, stream, record, scratch)?;
            Some(Fit { keys: Box::new(keys), other: None, content, missing })
        })
    }
}

/// Opens the first record of these keys, or one behind it if the first was missed.
fn first(
    keys: &mut Keys,
    stream: &Stream,
    record: &Record<'_>,
    scratch: &mut Vec<u8>,
) -> Option<(Content, u64)> {
    if let Some(content) = keys.open(record, scratch) {
        return Some((content, 0));
    }
    let is_late = stream.gap.is_some() || stream.unopened > 0;
    if is_late { keys.open_later(record, scratch) } else { None }
}

/// A stage and those after it.
const fn stages(stage: Stage) -> &'static [Stage] {
    match stage {
        Stage::Early => &[Stage::Early, Stage::Handshake, Stage::Application],
        Stage::Handshake => &[Stage::Handshake, Stage::Application],
        Stage::Application => &[Stage::Application],
        Stage::Cipher => &[Stage::Cipher],
    }
}

const fn label(stage: Stage, is_client: bool) -> SecretLabel {
    match (stage, is_client) {
        (Stage::Early, _) => SecretLabel::ClientEarlyTraffic,
        (Stage::Handshake, true) => SecretLabel::ClientHandshakeTraffic,
        (Stage::Handshake, false) => SecretLabel::ServerHandshakeTraffic,
        (Stage::Application, true) => SecretLabel::ClientTraffic,
        (Stage::Application, false) => SecretLabel::ServerTraffic,
        (Stage::Cipher, _) => SecretLabel::Master,
    }
}
