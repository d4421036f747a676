//! Which connections have their records made by the kernel: their keys are in no process's memory.
//!
//! Kernel TLS is an upper layer protocol of a TCP socket, which `sock_diag(7)` tells to whoever may
//! administer the network namespace. Asked in the namespace of a process, and only where its
//! counters say that there is such a socket at all.
//! <https://docs.kernel.org/networking/tls.html>,
//! <https://docs.kernel.org/networking/tls-offload.html#statistics>.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::thread;

/// Sockets of a namespace that are looked at.
const SOCKETS_MAX: usize = 65_536;
/// What the kernel answers at a time.
const ANSWER_BYTES: usize = 32 * 1024;

// From linux/netlink.h, linux/sock_diag.h and linux/inet_diag.h.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const MESSAGE_BYTES: usize = 16;
const REQUEST_BYTES: usize = 56;
const SOCKET_BYTES: usize = 72;
/// `INET_DIAG_INFO`: what is told of upper layers comes with it.
const WITH_INFO: u8 = 1 << 1;
const ULP_INFO: u16 = 19;
const ULP_INFO_NAME: u16 = 1;
const ATTRIBUTE_TYPE: u16 = 0x3fff;
const ESTABLISHED: u32 = 1 << 1;

/// The connections in the network namespace of a process that are at one end the kernel's to seal:
/// the addresses of that end and of its peer, mapped ones as IPv4.
///
/// # Errors
/// What the kernel says when the namespace may not be entered or asked.
pub fn kernel_tls(pid: u32) -> io::Result<Vec<[SocketAddr; 2]>> {
    // A kernel without it, or before 5.5, has no such file.
    let counted = fs::read_to_string(format!("/proc/{pid}/net/tls_stat")).unwrap_or_default();
    if !is_in_use(&counted) {
        return Ok(Vec::new());
    }
    let namespace = File::open(format!("/proc/{pid}/ns/net"))?;
    // The thread stays in the namespace that it enters: it is there for this alone.
    let asked = thread::spawn(move || ask(&namespace)).join();
    asked.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// True if a counter of current sockets is not zero: `TlsCurrTxSw`, `TlsCurrRxDevice` and the like.
fn is_in_use(counted: &str) -> bool {
    let mut rows = counted.lines().filter_map(|line| line.split_once(char::is_whitespace));
    rows.any(|(name, value)| name.starts_with("TlsCurr") && value.trim() != "0")
}

fn ask(namespace: &File) -> io::Result<Vec<[SocketAddr; 2]>> {
    enter(namespace)?;
    let mut found = Vec::new();
    for family in [libc::AF_INET, libc::AF_INET6] {
        let mut socket = File::from(netlink()?);
        socket.write_all(&request(family as u8))?;
        let (mut answer, mut seen) = (vec![0; ANSWER_BYTES], 0);
        loop {
            let length = socket.read(&mut answer)?;
            let goes_on = messages(answer.get(..length).unwrap_or_default(), |socket| {
                seen += 1;
                found.extend(sealed_by_kernel(socket));
            })?;
            if !goes_on || seen >= SOCKETS_MAX {
                break;
            }
        }
    }
    Ok(found)
}

#[expect(unsafe_code, reason = "setns")]
fn enter(namespace: &File) -> io::Result<()> {
    // SAFETY: takes two numbers; only this thread moves.
    match unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[expect(unsafe_code, reason = "std has no netlink sockets")]
fn netlink() -> io::Result<OwnedFd> {
    let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC;
    // SAFETY: takes three numbers.
    match unsafe { libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_SOCK_DIAG) } {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: it was just opened, and is nobody else's.
        socket => Ok(unsafe { OwnedFd::from_raw_fd(socket) }),
    }
}

/// `nlmsghdr` and `inet_diag_req_v2`: every established connection of a family.
fn request(family: u8) -> Vec<u8> {
    let length = (MESSAGE_BYTES + REQUEST_BYTES) as u32;
    let flags = (libc::NLM_F_REQUEST | libc::NLM_F_DUMP) as u16;
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    // Number and sender of the message.
    bytes.extend([0; 8]);
    bytes.extend([family, libc::IPPROTO_TCP as u8, WITH_INFO, 0]);
    bytes.extend(ESTABLISHED.to_ne_bytes());
    bytes.resize(MESSAGE_BYTES + REQUEST_BYTES, 0);
    bytes
}

/// Calls `socket` with each `inet_diag_msg` and its attributes; false after the last.
fn messages(mut bytes: &[u8], mut socket: impl FnMut(&[u8])) -> io::Result<bool> {
    while let Some((length, kind)) = u32_at(bytes, 0).zip(u16_at(bytes, 4)) {
        let length = (length as usize).clamp(MESSAGE_BYTES, bytes.len().max(MESSAGE_BYTES));
        let body = bytes.get(MESSAGE_BYTES..length).unwrap_or_default();
        match i32::from(kind) {
            // What went wrong, negative: at the end of a list 0 if nothing did.
            end @ (libc::NLMSG_DONE | libc::NLMSG_ERROR) => {
                let error = u32_at(body, 0).unwrap_or_default().cast_signed();
                if end == libc::NLMSG_ERROR || error < 0 {
                    return Err(io::Error::from_raw_os_error(error.wrapping_neg()));
                }
                return Ok(false);
            }
            _ => socket(body),
        }
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(true)
}

/// The addresses of a socket, if its upper layer is TLS.
fn sealed_by_kernel(socket: &[u8]) -> Option<[SocketAddr; 2]> {
    let attributes = socket.get(SOCKET_BYTES..)?;
    let name = attribute(attribute(attributes, ULP_INFO)?, ULP_INFO_NAME)?;
    if name.split(|&byte| byte == 0).next() != Some(b"tls") {
        return None;
    }
    let family = i32::from(*socket.first()?);
    // `inet_diag_sockid`: two ports and two addresses, in the order of the wire.
    let end = |port: usize, address: usize| {
        let port = u16::from_be_bytes(socket.get(port..port + 2)?.try_into().ok()?);
        let address: [u8; 16] = socket.get(address..address + 16)?.try_into().ok()?;
        let [a, b, c, d, ..] = address;
        let address = match family {
            libc::AF_INET => IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
            _ => IpAddr::V6(Ipv6Addr::from(address)).to_canonical(),
        };
        Some(SocketAddr::new(address, port))
    };
    Some([end(4, 8)?, end(6, 24)?])
}

/// The content of the first attribute of that type.
fn attribute(mut bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let length = usize::from(u16_at(bytes, 0)?);
        let content = bytes.get(4..length)?;
        if u16_at(bytes, 2)? & ATTRIBUTE_TYPE == wanted {
            return Some(content);
        }
        bytes = bytes.get(length.next_multiple_of(4)..)?;
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_tell_whether_it_is_in_use() {
        let idle = "TlsCurrTxSw                     \t0\nTlsTxSw                         \t7\n";
        assert!(!is_in_use(idle));
        assert!(!is_in_use(""));
        assert!(is_in_use("TlsCurrTxSw                     \t0\nTlsCurrRxSw  \t2\n"));
    }

    fn padded(kind: u16, content: &[u8]) -> Vec<u8> {
        let mut bytes = (content.len() as u16 + 4).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(content);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    /// A message of a socket from 127.0.0.1:443, with these upper layers.
    fn message(layer: &str) -> Vec<u8> {
        let mut socket = vec![libc::AF_INET as u8, 1, 0, 0];
        socket.extend(443_u16.to_be_bytes());
        socket.extend(5000_u16.to_be_bytes());
        socket.extend([127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        socket.extend([127, 0, 0, 2]);
        socket.resize(SOCKET_BYTES, 0);
        socket.extend(padded(8, &[0]));
        let name = format!("{layer}\0");
        socket.extend(padded(ULP_INFO | 0x8000, &padded(ULP_INFO_NAME, name.as_bytes())));
        let mut bytes = ((MESSAGE_BYTES + socket.len()) as u32).to_ne_bytes().to_vec();
        bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
        bytes.resize(MESSAGE_BYTES, 0);
        bytes.extend(socket);
        bytes
    }

    #[test]
    fn only_sockets_under_tls_are_taken_from_an_answer() {
        let mut answer = [message("mptcp"), message("tls"), message("espintcp")].concat();
        let mut found = Vec::new();
        let goes_on = messages(&answer, |socket| found.extend(sealed_by_kernel(socket)));
        assert!(goes_on.expect("no error"));
        let ends = ["127.0.0.1:443", "127.0.0.2:5000"].map(|end| end.parse().expect("an address"));
        assert_eq!(found, [ends]);
        // Whatever is cut off is no socket, and nothing panics.
        for length in 0..answer.len() {
            let _ = messages(&answer[..length], |socket| found.extend(sealed_by_kernel(socket)));
        }
        answer[4] = libc::NLMSG_DONE as u8;
        answer[MESSAGE_BYTES..][..4].fill(0);
        assert!(!messages(&answer, |_| panic!("it is over")).expect("no error"));
        answer[MESSAGE_BYTES..][..4].copy_from_slice(&(-libc::ENOENT).to_ne_bytes());
        let error = messages(&answer, |_| panic!("it is over")).expect_err("nobody to ask");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn the_kernel_understands_the_question() {
        match ask(&File::open("/proc/self/ns/net").expect("a namespace")) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                eprintln!("skipped: {error}");
            }
            answer => assert!(answer.is_ok(), "{answer:?}"),
        }
    }
}
