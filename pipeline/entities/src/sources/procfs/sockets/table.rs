//! `/proc/<pid>/net/{sockstat,tcp,udp}` and their IPv6 twins.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::listening::{OLD_SOCKETS_MAX, OldSocket};
use crate::process::Listen;
use crate::sources::procfs::read::ProcFs;

/// Listeners taken from one namespace.
const LISTENERS_MAX: usize = 8_192;
/// The kernel fills as many rows as fit into what is asked for, and finding a row may mean walking
/// an empty table. One row at a time lets us stop at the last listener.
const ROW_BYTES: usize = 150;
/// Bytes asked for where all rows are wanted.
const CHUNK_BYTES: usize = 64 * 1024;
/// Ports from here on are given to clients (Linux's default `ip_local_port_range`): a UDP socket
/// bound to one, without a peer, is a client between two requests.
const EPHEMERAL_PORT: u16 = 32_768;

/// `TCP_ESTABLISHED` and `TCP_LISTEN`; an unconnected UDP socket has the state of a closed one.
const ESTABLISHED: u8 = 0x01;
const CLOSED: u8 = 0x07;
const LISTEN: u8 = 0x0A;
const CLOSE_WAIT: u8 = 0x08;

/// How many sockets a namespace has: a change says that its tables are worth reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    tcp: Option<u32>,
    tcp6: Option<u32>,
    udp: Option<u32>,
    udp6: Option<u32>,
    /// Connections in TIME_WAIT: it tells of a connection that went while a listener came.
    waiting: Option<u32>,
}

impl Usage {
    /// `None` if the process is gone.
    pub(super) fn read(proc: &mut ProcFs, pid: u32) -> Option<Self> {
        let mut usage = Self::default();
        for leaf in ["sockstat", "sockstat6"] {
            let Ok(mut file) = proc.open_net(pid, leaf) else {
                continue;
            };
            let mut text = String::new();
            file.read_to_string(&mut text).ok()?;
            for line in text.lines() {
                let count = number_after(line, "inuse");
                match line.split(':').next() {
                    Some("TCP") => {
                        usage.tcp = count;
                        usage.waiting = number_after(line, "tw");
                    }
                    Some("TCP6") => usage.tcp6 = count,
                    Some("UDP") => usage.udp = count,
                    Some("UDP6") => usage.udp6 = count,
                    _ => {}
                }
            }
        }
        (!usage.is_unknown() || proc.open_net(pid, "tcp").is_ok()).then_some(usage)
    }

    /// True where the kernel does not count.
    pub(super) fn is_unknown(self) -> bool {
        self == Self::default()
    }
}

fn number_after(line: &str, word: &str) -> Option<u32> {
    let mut words = line.split_ascii_whitespace();
    words.find(|&found| found == word)?;
    words.next()?.parse().ok()
}

/// One row of a socket table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    local: SocketAddr,
    remote: SocketAddr,
    state: u8,
    inode: u64,
}

/// Every listener of the process's namespace by inode; `None` if the process is gone.
pub(super) fn listeners(proc: &mut ProcFs, pid: u32, usage: Usage) -> Option<HashMap<u64, Listen>> {
    let mut found = HashMap::new();
    let tables = [
        ("tcp", Listen::TCP, usage.tcp),
        ("tcp6", Listen::TCP, usage.tcp6),
        ("udp", Listen::UDP, usage.udp),
        ("udp6", Listen::UDP, usage.udp6),
    ];
    let mut opened = 0;
    for (leaf, protocol, count) in tables {
        let Ok(file) = proc.open_net(pid, leaf) else {
            continue;
        };
        opened += 1;
        if count == Some(0) {
            continue;
        }
        let is_tcp = protocol == Listen::TCP;
        let mut rows = Rows::new(file, if is_tcp { ROW_BYTES } else { CHUNK_BYTES });
        while let Some(row) = rows.next_row() {
            // The kernel gives all TCP listeners before the first connection.
            if is_tcp && row.state != LISTEN {
                break;
            }
            let is_server = is_tcp || row.state == CLOSED && row.local.port() < EPHEMERAL_PORT;
            if is_server && row.remote.port() == 0 && found.len() < LISTENERS_MAX {
                let address = row.local;
                found.insert(row.inode, Listen { protocol, address });
            }
        }
    }
    (opened > 0).then_some(found)
}

/// Every connection of the process's namespace by inode; `None` if the process is gone.
pub(super) fn connections(proc: &mut ProcFs, pid: u32) -> Option<HashMap<u64, OldSocket>> {
    let mut found = HashMap::new();
    let mut opened = 0;
    let tables =
        [("tcp", Listen::TCP), ("tcp6", Listen::TCP), ("udp", Listen::UDP), ("udp6", Listen::UDP)];
    for (leaf, protocol) in tables {
        let Ok(file) = proc.open_net(pid, leaf) else {
            continue;
        };
        opened += 1;
        let mut rows = Rows::new(file, CHUNK_BYTES);
        while let Some(row) = rows.next_row() {
            let is_open = matches!(row.state, ESTABLISHED | CLOSE_WAIT);
            if is_open && row.inode != 0 && found.len() < OLD_SOCKETS_MAX {
                found.insert(row.inode, OldSocket::new(protocol, row.local, row.remote));
            }
        }
    }
    (opened > 0).then_some(found)
}

/// Reads a table row by row, asking the kernel for no more than it needs.
struct Rows {
    file: File,
    chunk: usize,
    text: Vec<u8>,
    start: usize,
}

impl Rows {
    fn new(file: File, chunk: usize) -> Self {
        Self { file, chunk, text: Vec::new(), start: 0 }
    }

    /// The next row that can be read; the heading cannot.
    fn next_row(&mut self) -> Option<Row> {
        loop {
            let rest = self.text.get(self.start..).unwrap_or_default();
            if let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
                let line = String::from_utf8_lossy(rest.get(..end).unwrap_or_default());
                let row = Row::parse(&line);
                self.start += end + 1;
                if row.is_some() {
                    return row;
                }
                continue;
            }
            self.text.drain(..self.start);
            self.start = 0;
            let have = self.text.len();
            self.text.resize(have + self.chunk, 0);
            let read = self.file.read(self.text.get_mut(have..)?).unwrap_or(0);
            self.text.truncate(have + read);
            if read == 0 {
                return None;
            }
        }
    }
}

impl Row {
    /// `sl local remote state tx:rx tr:when retransmits uid timeout inode …`
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let local = address(fields.next()?)?;
        let remote = address(fields.next()?)?;
        let state = u8::from_str_radix(fields.next()?, 16).ok()?;
        let inode = fields.nth(5)?.parse().ok()?;
        Some(Self { local, remote, state, inode })
    }
}

/// `0100007F:1F90`: words of the address in the machine's byte order, then the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let word = |at: usize| {
        let word = u32::from_str_radix(ip.get(at * 8..at * 8 + 8)?, 16).ok()?;
        Some(u32::from_be_bytes(word.to_ne_bytes()))
    };
    let ip = match ip.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let high = u64::from(word(0)?) << 32 | u64::from(word(1)?);
            let low = u64::from(word(2)?) << 32 | u64::from(word(3)?);
            IpAddr::V6(Ipv6Addr::from(u128::from(high) << 64 | u128::from(low)))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::{Row, address};

    #[test]
    fn rows_of_both_families_are_read() {
        let line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  \
                    1000        0 12345 1 0000000000000000 100 0 0 10 0";
        let row = Row::parse(line).expect("a whole row");
        assert_eq!(row.inode, 12345);
        assert_eq!(row.state, super::LISTEN);
        if cfg!(target_endian = "little") {
            assert_eq!(row.local.to_string(), "127.0.0.1:8080");
            let six = address("00000000000000000000000001000000:0050").expect("an address");
            assert_eq!(six.to_string(), "[::1]:80");
        }
    }

    #[test]
    fn headings_and_cut_rows_give_nothing() {
        for line in ["  sl  local_address rem_address   st", "", "0: 0100007F:1F90 0000", "0: é:1"]
        {
            assert_eq!(Row::parse(line), None, "{line}");
        }
        assert_eq!(address("0100007é:1F90"), None);
    }
}
