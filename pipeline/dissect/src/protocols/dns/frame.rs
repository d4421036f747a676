//! A DNS message: header, questions, records (RFC 1035 §4). Stateless, borrowed, every length and
//! pointer checked; a message cut short is read as far as it goes.

use crate::bytes::cursor::Cursor;

/// Bytes of the header (§4.1.1).
pub(super) const HEADER_BYTES: usize = 12;
/// A name takes at most so many bytes, lengths included (§2.3.4); so one has at most 127 labels.
pub(super) const NAME_BYTES_MAX: usize = 255;
/// Pointers followed within one name. Each must point farther back than the one before it.
const POINTERS_MAX: usize = 64;
/// Bytes of type and class.
const QUESTION_TAIL_BYTES: usize = 4;

/// The header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) id: u16,
    pub(super) flags: u16,
    pub(super) questions: u16,
    pub(super) answers: u16,
    pub(super) authorities: u16,
    pub(super) additionals: u16,
}

/// What a message is for (RFC 1035 §4.1.1, RFC 1996, RFC 2136).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Query,
    Notify,
    Update,
    /// Inverse query, status, stateful operations: nearly extinct, or not about names.
    Other,
}

impl Header {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        Some(Self {
            id: cursor.u16_be()?,
            flags: cursor.u16_be()?,
            questions: cursor.u16_be()?,
            answers: cursor.u16_be()?,
            authorities: cursor.u16_be()?,
            additionals: cursor.u16_be()?,
        })
    }

    pub(super) const fn is_response(self) -> bool {
        self.flags & 0x8000 != 0
    }

    pub(super) const fn opcode(self) -> Opcode {
        match (self.flags >> 11) & 0xf {
            0 => Opcode::Query,
            4 => Opcode::Notify,
            5 => Opcode::Update,
            _ => Opcode::Other,
        }
    }

    pub(super) const fn is_truncated(self) -> bool {
        self.flags & 0x0200 != 0
    }

    /// The low four bits of the response code; EDNS has the others.
    pub(super) const fn response_code(self) -> u16 {
        self.flags & 0xf
    }

    /// True if bits that must be zero are (RFC 6895 §2.1).
    pub(super) const fn is_clean(self) -> bool {
        self.flags & 0x0040 == 0
    }

    fn records(self) -> usize {
        [self.answers, self.authorities, self.additionals].map(usize::from).iter().sum()
    }
}

/// A header, its first question if there is one, and what follows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    pub(super) header: Header,
    pub(super) question: Option<Question<'a>>,
    bytes: &'a [u8],
    records_at: usize,
}

/// What is asked (§4.1.2).
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    pub(super) name: Name<'a>,
    pub(super) kind: u16,
    pub(super) class: u16,
    /// All of it as on the wire.
    pub(super) wire: &'a [u8],
}

/// A resource record (§4.1.3).
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub(super) name: Name<'a>,
    pub(super) kind: u16,
    pub(super) class: u16,
    pub(super) ttl: u32,
    pub(super) data: &'a [u8],
    /// Where `data` starts: names in it point into the message.
    data_at: usize,
    message: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads header and questions. `None` if they are not whole or not sound.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let header = Header::read(bytes)?;
        let mut question = None;
        let mut at = HEADER_BYTES;
        for _ in 0..header.questions {
            let (next, end) = Question::read(bytes, at)?;
            question.get_or_insert(next);
            at = end;
        }
        Some(Self { header, question, bytes, records_at: at })
    }

    /// The records of the three sections in order, as far as they are whole.
    pub(super) fn records(&self) -> Records<'a> {
        Records { message: self.bytes, at: self.records_at, left: self.header.records() }
    }

    /// The records of the answer section.
    pub(super) fn answers(&self) -> impl Iterator<Item = Record<'a>> + use<'a> {
        self.records().take(usize::from(self.header.answers))
    }

    /// The response code with its upper bits, if there is an EDNS record (RFC 6891 §6.1.3).
    pub(super) fn response_code(&self) -> u16 {
        const OPT: u16 = 41;
        let low = self.header.response_code();
        if self.header.additionals == 0 {
            return low;
        }
        let upper = self.records().find(|record| record.kind == OPT).map_or(0, |opt| opt.ttl >> 24);
        (upper as u16) << 4 | low
    }

    /// True if every record is there and sound, and nothing follows them.
    pub(super) fn is_whole(&self) -> bool {
        let mut records = self.records();
        records.by_ref().for_each(drop);
        let rest = self.bytes.get(records.at..).unwrap_or_default();
        // Windows signs its transfer requests with two bytes behind the message.
        records.left == 0 && (rest.is_empty() || rest == b"MS")
    }
}

impl<'a> Question<'a> {
    fn read(message: &'a [u8], at: usize) -> Option<(Self, usize)> {
        let (name, end) = Name::read(message, at)?;
        let mut cursor = Cursor::new(message.get(end..)?);
        let (kind, class) = (cursor.u16_be()?, cursor.u16_be()?);
        let end = end + QUESTION_TAIL_BYTES;
        Some((Self { name, kind, class, wire: message.get(at..end)? }, end))
    }

    /// The same number for the same question, whatever its case: resolvers mix it at random, and
    /// servers give it back as it came or not.
    pub(super) fn fingerprint(&self) -> u64 {
        let name = self.name.fingerprint();
        fold(fold(name, self.kind.to_be_bytes()), self.class.to_be_bytes())
    }
}

/// Records one after the other; stops at one that is not whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Records<'a> {
    message: &'a [u8],
    at: usize,
    left: usize,
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        if self.left == 0 {
            return None;
        }
        let (name, end) = Name::read(self.message, self.at)?;
        let mut cursor = Cursor::new(self.message.get(end..)?);
        let (kind, class, ttl) = (cursor.u16_be()?, cursor.u16_be()?, cursor.u32_be()?);
        let length = usize::from(cursor.u16_be()?);
        let data = cursor.take(length)?;
        let data_at = end + 10;
        self.at = data_at + length;
        self.left -= 1;
        Some(Record { name, kind, class, ttl, data, data_at, message: self.message })
    }
}

impl<'a> Record<'a> {
    /// The name its data begins with, for types whose data does.
    pub(super) fn target(&self) -> Option<Name<'a>> {
        Some(Name::read(self.message, self.data_at)?.0)
    }

    /// The serial number of a SOA record (§3.3.13): behind its two names.
    pub(super) fn serial(&self) -> Option<u32> {
        let (_, end) = Name::read(self.message, self.data_at)?;
        let (_, end) = Name::read(self.message, end)?;
        Cursor::new(self.message.get(end..)?).u32_be()
    }
}

/// A domain name in its message, checked: its labels can be walked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Name<'a> {
    /// Checks the name at `at`. Gives it, and where what follows it begins.
    fn read(message: &'a [u8], at: usize) -> Option<(Self, usize)> {
        let name = Self { message, at };
        let mut labels = name.labels();
        labels.by_ref().for_each(drop);
        (labels.state == Walk::Ended).then_some((name, labels.end?))
    }

    /// Its labels, from the left.
    pub(super) const fn labels(self) -> Labels<'a> {
        Labels {
            message: self.message,
            at: self.at,
            farthest: self.at,
            end: None,
            bytes: 0,
            pointers: 0,
            state: Walk::Going,
        }
    }

    pub(super) fn fingerprint(self) -> u64 {
        // FNV-1a: names are short, and two that are taken for one need the same id too.
        self.labels().fold(0xcbf2_9ce4_8422_2325, |hash, label| {
            let hash = fold(hash, [label.len() as u8]);
            label.iter().fold(hash, |hash, byte| fold(hash, [byte.to_ascii_lowercase()]))
        })
    }

    /// True if both are the same name (RFC 4343: whatever their case).
    pub(super) fn is(self, other: Name<'_>) -> bool {
        let (mut own, mut others) = (self.labels(), other.labels());
        loop {
            match (own.next(), others.next()) {
                (None, None) => return true,
                (Some(a), Some(b)) if a.eq_ignore_ascii_case(b) => {}
                _ => return false,
            }
        }
    }
}

fn fold<const N: usize>(hash: u64, bytes: [u8; N]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

/// Labels one after the other, through pointers (§4.1.4).
#[derive(Clone, Copy, Debug)]
pub(super) struct Labels<'a> {
    message: &'a [u8],
    at: usize,
    /// The next pointer must point before this.
    farthest: usize,
    /// Where what follows the name begins.
    end: Option<usize>,
    bytes: usize,
    pointers: usize,
    state: Walk,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Walk {
    Going,
    Ended,
    Broken,
}

impl<'a> Iterator for Labels<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while self.state == Walk::Going {
            match self.step() {
                Some([]) => {}
                Some(label) => return Some(label),
                None => self.state = Walk::Broken,
            }
        }
        None
    }
}

impl<'a> Labels<'a> {
    /// A label; empty if it was a pointer or the end. `None` if it is neither.
    fn step(&mut self) -> Option<&'a [u8]> {
        let length = *self.message.get(self.at)?;
        match length {
            0 => {
                self.end.get_or_insert(self.at + 1);
                self.state = Walk::Ended;
                Some(&[])
            }
            1..=63 => {
                let start = self.at + 1;
                let end = start + usize::from(length);
                self.bytes += 1 + usize::from(length);
                self.at = end;
                // The end of the name takes a byte too.
                if self.bytes >= NAME_BYTES_MAX { None } else { self.message.get(start..end) }
            }
            192.. => {
                let low = *self.message.get(self.at + 1)?;
                let target = usize::from(length & 0x3f) << 8 | usize::from(low);
                self.end.get_or_insert(self.at + 2);
                self.pointers += 1;
                if target >= self.farthest || self.pointers > POINTERS_MAX {
                    return None;
                }
                (self.at, self.farthest) = (target, target);
                Some(&[])
            }
            // Reserved, or extended labels that nobody sends (RFC 6891 §5).
            64..=191 => None,
        }
    }
}
