//! The fields of one header block, as far as they matter.

use super::Name;

/// A buffer larger than this is given back after use: a long cookie path is not the rule.
const BYTES_KEPT_MAX: usize = 1024;

/// What one block says. The buffers are used again for the next one.
#[derive(Debug, Default)]
pub(crate) struct Head {
    text: Vec<u8>,
    /// Where in `text` the value of each wanted name stands, if it is there and known.
    spans: [Option<(u32, u32)>; Name::WANTED],
    /// The wanted names that are there, known or not, as bits.
    present: u16,
    /// A field stands in an entry that was not seen: any name may be there.
    has_unknown: bool,
}

impl Head {
    /// Forgets the block before.
    pub(crate) fn begin(&mut self) {
        self.text.clear();
        self.text.shrink_to(BYTES_KEPT_MAX);
        self.spans = Default::default();
        self.present = 0;
        self.has_unknown = false;
    }

    /// Takes a field of the block.
    pub(crate) fn take(&mut self, name: Name, value: Option<&[u8]>) {
        let Some(span) = self.spans.get_mut(name as usize) else {
            self.has_unknown |= name == Name::Unknown;
            return;
        };
        self.present |= 1 << name as u16;
        if let Some(value) = value {
            let start = self.text.len() as u32;
            self.text.extend_from_slice(value);
            *span = Some((start, self.text.len() as u32));
        }
    }

    /// Nothing is known of the block: any name may be there.
    pub(crate) fn lose(&mut self) {
        self.begin();
        self.has_unknown = true;
    }

    /// The value of a name, if it is there and known.
    pub(crate) fn get(&self, name: Name) -> Option<&[u8]> {
        let (start, end) = (*self.spans.get(name as usize)?)?;
        self.text.get(start as usize..end as usize)
    }

    /// True if the name is there, its value known or not.
    pub(crate) const fn has(&self, name: Name) -> bool {
        self.present & 1 << name as u16 != 0
    }

    /// True if the value of the name may be there although it is not known.
    pub(crate) fn may_have(&self, name: Name) -> bool {
        self.get(name).is_none() && (self.has_unknown || self.has(name))
    }

    /// True if there are fields that we cannot know.
    pub(crate) const fn has_unknown(&self) -> bool {
        self.has_unknown
    }

    /// It is a request by its place, whatever it says.
    pub(crate) const fn be_request(&mut self) {
        self.present |= 1 << Name::Scheme as u16;
    }

    /// True for a request, and not the trailers of one (RFC 9113 §8.3.1).
    pub(crate) const fn is_request(&self) -> bool {
        self.has(Name::Method) || self.has(Name::Path) || self.has(Name::Scheme)
    }

    /// The status, if it is three digits.
    pub(crate) fn status(&self) -> Option<[u8; 3]> {
        let digits: &[u8; 3] = self.get(Name::Status)?.try_into().ok()?;
        digits.iter().all(u8::is_ascii_digit).then_some(*digits)
    }
}
