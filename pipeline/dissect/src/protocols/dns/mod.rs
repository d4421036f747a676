//! DNS over UDP and TCP, with EDNS: lookups, zone transfers, updates, notifications.
//!
//! **An operation** is one question with its answer. Its name is the type asked for (`A`, `AAAA`,
//! `SRV`, `AXFR`; `TYPE65280` for a type without a name), of an update `UPDATE` and of a
//! notification `NOTIFY`. Its target is the name asked for, in lower case; labels that a machine
//! made up for the occasion become `{id}`, and addresses asked for backwards `{ip}.in-addr.arpa`.
//! Names may take half of the table of endpoints; further ones are `_other`. Answers are paired by
//! id and question, in any order. The same question sent again with the same id before it was
//! answered is one operation, begun with the first. A truncated answer ends its operation; the
//! same question over TCP is another one. A zone transfer ends with its last message, known by the
//! SOA record that closes it.
//!
//! **Status** is the response code by name (`NOERROR`, `NXDOMAIN`), the upper bits of EDNS
//! included. **An error** is every code but `NOERROR`; of these `NXDOMAIN`, and prerequisites of an
//! update that do not hold (`YXDOMAIN`, `YXRRSET`, `NXRRSET`), are the client's. A question without
//! an answer is a `timeout`: when its socket closes, when it is older than the longest wait, or
//! when its pair of addresses has been silent.
//!
//! **A session**: none.
//!
//! **Names for others.** The addresses in an answer to `A` or `AAAA`, also behind a chain of
//! aliases, are known by the name that was asked for; see `entities`.
//!
//! **Not seen**: questions to a group (mDNS, LLMNR) are answered from other addresses: they are
//! read, and not reported. NetBIOS names, which look alike, are not DNS. Requests without a
//! question (cookies alone, stateful operations) are unknown. More than 1,024 open questions
//! between two addresses: the oldest are reported without their answers. DNS over TLS or HTTPS is
//! what carries it.
//!
//! Specification: RFC 1035, 6891 (EDNS), 7766 (TCP), 5936 and 1995 (transfers), 2136 (update),
//! 1996 (notify), <https://www.iana.org/assignments/dns-parameters>.

mod frame;
mod operation;
mod probe;
mod session;
#[cfg(test)]
mod tests;
mod transfer;

use model::{Family, ProtocolInfo};

use crate::protocol::{Opening, Protocol, Session, Start, Transport, Verdict};

/// DNS.
pub struct Dns;

/// The one value of [`Dns`].
pub static PROTOCOL: Dns = Dns;

static INFO: ProtocolInfo = ProtocolInfo {
    name: "dns",
    family: Family::Dns,
    system: "",
    specification: "https://www.rfc-editor.org/rfc/rfc1035",
    ports: &[53, 5353, 5355],
};

impl Protocol for Dns {
    fn protocol(&self) -> &'static ProtocolInfo {
        &INFO
    }

    fn speaks(&self, _transport: Transport) -> bool {
        true
    }

    fn probe(&self, opening: Opening<'_>) -> Verdict {
        probe::probe(opening)
    }

    fn open(&self, start: Start) -> Box<dyn Session> {
        Box::new(session::Dns::new(start.transport))
    }
}
