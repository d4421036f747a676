//! Bytes that the kernel wrote → a record.

use crate::Record;

/// Reads a record from the start of `bytes`; `None` if they are too few.
#[expect(unsafe_code, reason = "reinterprets bytes the kernel wrote")]
pub fn read<T: Record>(bytes: &[u8]) -> Option<T> {
    if bytes.len() < size_of::<T>() {
        return None;
    }
    // SAFETY: there are enough bytes, `T: Record` allows every bit pattern, and the read need not
    // be aligned.
    Some(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}
