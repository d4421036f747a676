//! The list of protocols: one word each, in alphabetical order.
//!
//! From it follow the classifier, `redsight protocols`, the case runner, the fuzz target and the
//! pages in `docs/protocols`.

use crate::protocol::Protocol;

macro_rules! protocols {
    ($($name:ident),* $(,)?) => {
        $(pub mod $name;)*

        /// Every protocol, in the order of the list.
        pub static PROTOCOLS: &[&dyn Protocol] = &[
            $(&$name::PROTOCOL,)*
            #[cfg(test)]
            &template::PROTOCOL,
        ];
    };
}

protocols! { dns, grpc, http1, http2, http3, mysql, postgresql, redis, websocket }

/// The protocol with this id, whatever the case of its letters.
pub(crate) fn named(id: &[u8]) -> Option<&'static dyn Protocol> {
    let is_it = |p: &&&dyn Protocol| p.protocol().name.as_bytes().eq_ignore_ascii_case(id);
    PROTOCOLS.iter().find(is_it).copied()
}

/// A toy that `cargo xtask new-protocol NAME` copies: real enough to be tested, and only then
/// compiled.
#[cfg(test)]
pub mod template;
