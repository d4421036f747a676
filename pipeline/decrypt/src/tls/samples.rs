//! Sealed records on which a key may be proven.

use model::Direction;

use super::opener::Opener;
use super::record::APPLICATION_DATA;
use super::stream::{Protection, Stage};
use crate::search::{Sample, SampleKind, SealedRecord};

/// Records of a sample: two prove an authenticated cipher, eight a padding.
const SAMPLE_RECORDS: usize = 2;
const SAMPLE_RECORDS_OF_CBC: usize = 8;

impl Opener {
    /// Sealed records to prove a key on, of the directions whose key is missing.
    pub fn samples(&self) -> Vec<Sample> {
        let suite = crate::crypto::CipherSuite::of(self.hello.suite);
        let wanted = match suite {
            Some(suite) if !suite.cipher.is_cbc() => SAMPLE_RECORDS,
            Some(_) | None => SAMPLE_RECORDS_OF_CBC,
        };
        Direction::BOTH.into_iter().filter_map(|way| self.sample(way, wanted)).collect()
    }

    fn sample(&self, direction: Direction, wanted: usize) -> Option<Sample> {
        let stream = &self.streams[direction.index()];
        if !matches!(stream.protection, Protection::Sealed(_)) {
            return None;
        }
        // The newest: there may be keys of before.
        let mut records: Vec<SealedRecord> = Vec::new();
        for record in self.ring.records_from(direction, self.data_from()).rev().take(wanted) {
            let follows = records.last().is_none_or(|later| later.number == record.number + 1);
            if record.head.kind != APPLICATION_DATA || !follows {
                break;
            }
            let bytes = [&record.head.bytes()[..], record.body].concat();
            records.push(SealedRecord { number: record.number, bytes });
        }
        records.reverse();
        let version = (self.hello.version != 0).then_some(self.hello.version);
        let suite = (self.hello.suite != 0).then_some(self.hello.suite);
        let sequence_max = self.hello.client_random.map(|_| stream.framing.number);
        (records.len() >= SAMPLE_RECORDS).then_some(Sample {
            connection: self.connection,
            direction,
            kind: SampleKind::Tls { version, suite },
            records,
            sequence_max,
        })
    }

    /// Where records of data begin among those that wait. Until the client has finished they are of
    /// the handshake, whose keys are others (RFC 8446 §7.3) and may lie about in memory for long.
    fn data_from(&self) -> usize {
        let Some(client) = self.client.filter(|_| self.hello.is_tls13()) else { return 0 };
        match self.streams[client.index()].protection {
            Protection::Sealed(Stage::Handshake) => {
                self.ring.first(client).map_or(usize::MAX, |finished| finished + 1)
            }
            Protection::Sealed(_) | Protection::Clear | Protection::Open { .. } => 0,
        }
    }
}
