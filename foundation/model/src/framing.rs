//! How the bytes of a stream are cut, as far as a tap may follow it.

/// By which heads a tap finds from one piece of a stream to the next, and leaves out what is long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// By none.
    #[default]
    Unknown,
    /// By those of HTTP/2 or of TLS, which tell themselves apart.
    Frames,
    /// By three bytes of length, the lowest first, and a number that counts on: those of MySQL.
    Packets,
}
