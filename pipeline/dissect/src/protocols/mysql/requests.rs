//! The client's side: what it asks fills the queue.

use std::sync::Arc;

use model::{EndpointId, Incomplete, Kind, ShortText, Side, Timestamp};

use super::command::{self, Command, Form, command};
use super::frame::{self, HEAD, Head, LENGTH_MAX};
use super::login::{self, LOGIN_WINDOW, Login, Seen};
use super::operation;
use super::session::{Awaited, MySql, Phase, QUEUE_MAX, pending};
use crate::naming::statement::{self, NAMING_BYTES_MAX, RAW_BYTES_MAX};
use crate::prepared::Statement;
use crate::bytes::cursor::Cursor;
use crate::pairing::Pending;
use crate::protocol::{Input, Output, Step};

/// Bytes of query attributes passed over on the way to the text.
const ATTRIBUTES_BYTES_MAX: usize = 4 * 1024;
/// Bytes looked at of a command that is no text.
const WINDOW: usize = 1_024;
/// Number of a login behind an `SSLRequest`. The greeting was not seen then: it came before TLS, of
/// which version 10 alone knows.
const BEHIND_TLS: u8 = 2;

/// A packet of the client as far as it is looked at.
struct Packet<'a> {
    head: Head,
    /// What is visible of the payload.
    body: &'a [u8],
    /// First byte.
    began: Timestamp,
}

impl Packet<'_> {
    /// Bytes on the wire.
    const fn bytes(&self) -> usize {
        HEAD + self.head.length
    }
}

impl MySql {
    /// Reads whole packets until one is cut.
    pub(super) fn requests(&mut self, input: &Input<'_>, output: &mut Output<'_>) -> Step {
        let mut at = 0;
        loop {
            let rest = input.bytes.get(at..).unwrap_or_default();
            let stop = if at == 0 { Step::Wait } else { Step::Took(at) };
            let Some(head) = frame::head(rest) else {
                return stop;
            };
            let whole = HEAD + head.length;
            let visible = rest.get(HEAD..).unwrap_or_default();
            let Some(window) = self.window(head, visible.first(), output.raw) else {
                return if at == 0 { Step::Desync } else { stop };
            };
            let Some(body) = visible.get(..window) else {
                return stop;
            };
            let began = if at == 0 { input.first_at } else { input.at };
            match self.request(&Packet { head, body, began }, output) {
                Asked::Goes => {}
                Asked::Nonsense => return if at == 0 { Step::Desync } else { stop },
                Asked::Tls => return Step::Becomes(at + whole),
            }
            if rest.len() < whole {
                return Step::Skip { head: at + HEAD + window, body: (head.length - window) as u64 };
            }
            at += whole;
        }
    }

    /// Bytes of the payload that are looked at; `None` if no client sends such a packet.
    fn window(&self, head: Head, first: Option<&u8>, raw: bool) -> Option<usize> {
        let most = match first {
            _ if head.length == 0 || self.is_piece() => 0,
            // Wait for the first byte.
            None => 1,
            Some(_) if head.sequence > 0 && self.phase == Phase::Login => 0,
            Some(_) if head.sequence > 0 => LOGIN_WINDOW,
            Some(number) => match command(*number)?.length {
                (shortest, longest) if !(shortest..=longest).contains(&head.length) => return None,
                _ if is_text(*number) && raw => RAW_BYTES_MAX,
                _ if is_text(*number) => 1 + ATTRIBUTES_BYTES_MAX + NAMING_BYTES_MAX,
                _ => WINDOW,
            },
        };
        Some(most.min(head.length))
    }

    /// True if the next packet is a piece of something.
    fn is_piece(&self) -> bool {
        self.is_loading || self.continues.get(Side::Client.index()) == Some(&true)
    }

    fn request(&mut self, packet: &Packet<'_>, output: &mut Output<'_>) -> Asked {
        let Head { length, sequence } = packet.head;
        let is_piece = self.is_piece();
        self.continues(Side::Client, length == LENGTH_MAX);
        if is_piece {
            self.is_loading &= length > 0;
            return self.piece(packet);
        }
        match self.phase {
            Phase::Unknown | Phase::Connect | Phase::Greeted if sequence > 0 => {
                self.login(packet, output)
            }
            Phase::Login if sequence > 0 => self.piece(packet),
            // After an error a plugin may still have its say.
            Phase::Commands if sequence > 0 && !self.queue.is_empty() => {
                // A file, and the server's wish for it was not seen.
                let is_result = self.queue.back().is_some_and(|p| p.tag.form == Form::Result);
                self.is_loading = is_result && length > 0;
                self.piece(packet)
            }
            Phase::Connect | Phase::Greeted | Phase::Login => Asked::Nonsense,
            // The acknowledgements of semi-synchronous replication.
            Phase::Stream if sequence > 0 || packet.body.first() == Some(&0xef) => Asked::Goes,
            Phase::Unknown | Phase::Commands | Phase::Stream if sequence > 0 => Asked::Nonsense,
            Phase::Unknown | Phase::Commands | Phase::Stream => self.command(packet, output),
        }
    }

    /// More of the request sent last.
    fn piece(&mut self, packet: &Packet<'_>) -> Asked {
        if let Some(last) = self.queue.back_mut() {
            last.request_bytes += packet.bytes() as u64;
            last.tag.sequence = packet.head.sequence.wrapping_add(1);
        }
        Asked::Goes
    }

    fn login(&mut self, packet: &Packet<'_>, output: &mut Output<'_>) -> Asked {
        let Seen::Yes(login) = login::login(packet.head, packet.body) else {
            return Asked::Nonsense;
        };
        // Before it the server has said nothing else, whether the SYN was seen or not.
        self.aligned = [true; 2];
        let Login::User { user, database, capabilities } = login else {
            let endpoint = output.names.intern("SSLRequest", "");
            let length = packet.bytes();
            let mut ssl =
                pending(Form::Nothing, Kind::Session, endpoint, packet.began, length);
            ssl.wire = statement::wire("SSLRequest", None, output);
            self.oneway(ssl, output);
            return Asked::Tls;
        };
        if packet.head.sequence == BEHIND_TLS {
            self.version = ShortText::new("10");
        }
        // A client may say more than it was offered; both hold to what both can do.
        self.capabilities = Some(capabilities & self.offered.unwrap_or(u64::MAX));
        self.deprecate_eof = self.can(login::DEPRECATE_EOF);
        self.phase = Phase::Login;
        self.is_uncertain = false;
        let endpoint = output.names.intern("Login", &statement::raw(database));
        let mut login =
            pending(Form::Login, Kind::Session, endpoint, packet.began, packet.bytes());
        login.wire = statement::wire("Login", Some(&statement::raw(user)), output);
        self.push(login, packet.head.sequence, output);
        Asked::Goes
    }

    fn command(&mut self, packet: &Packet<'_>, output: &mut Output<'_>) -> Asked {
        let Some((number, rest)) = packet.body.split_first() else {
            return Asked::Nonsense;
        };
        let Some(command) = command(*number) else {
            return Asked::Nonsense;
        };
        self.phase = Phase::Commands;
        let (endpoint, text, statement) = match *number {
            command::QUERY => self.query(rest, packet.head, output),
            command::STMT_PREPARE => self.prepare(rest, packet.head, output),
            command::STMT_EXECUTE | command::STMT_BULK_EXECUTE => {
                let statement = self.statement(rest);
                let endpoint = match statement.endpoint {
                    Some(endpoint) => endpoint,
                    None => output.names.intern("EXECUTE", ""),
                };
                (endpoint, statement.text, None)
            }
            command::STMT_FETCH => self.about("FETCH", rest, output),
            command::STMT_RESET | command::STMT_SEND_LONG_DATA => {
                self.about(command.name, rest, output)
            }
            command::STMT_CLOSE => {
                let named = self.about(command.name, rest, output);
                if let (Some(id), Some(prepared)) = (id(rest), self.prepared.as_deref_mut()) {
                    prepared.close(id);
                }
                named
            }
            command::RESET_CONNECTION => {
                self.prepared = None;
                (output.names.intern(command.name, ""), None, None)
            }
            command::INIT_DB | command::CREATE_DB | command::DROP_DB => {
                let name = statement::raw(rest);
                let text = output.raw.then(|| Arc::from(&*name));
                (output.names.intern(command.name, &name), text, None)
            }
            command::FIELD_LIST => {
                let table = rest.split(|b| *b == 0).next().unwrap_or_default();
                (output.names.intern(command.name, &statement::raw(table)), None, None)
            }
            command::CHANGE_USER => {
                let (user, database) = login::change_user(rest).unwrap_or_default();
                let text = output.raw.then(|| Arc::from(statement::raw(user)));
                (output.names.intern(command.name, &statement::raw(database)), text, None)
            }
            _ => (output.names.intern(command.name, ""), None, None),
        };
        self.ask(command, (endpoint, text, statement), packet, output)
    }

    /// Queues a command, or emits one that has no answer.
    fn ask(
        &mut self,
        command: Command,
        (endpoint, text, statement): Named,
        packet: &Packet<'_>,
        output: &mut Output<'_>,
    ) -> Asked {
        let Command { name, kind, form, .. } = command;
        let mut pending = pending(form, kind, endpoint, packet.began, packet.bytes());
        pending.wire = statement::wire(name, text.as_deref(), output);
        pending.tag.statement = statement;
        self.move_on(output);
        if form == Form::Nothing {
            self.oneway(pending, output);
        } else {
            self.push(pending, packet.head.sequence, output);
        }
        Asked::Goes
    }

    fn query(&mut self, rest: &[u8], head: Head, output: &mut Output<'_>) -> Named {
        // A client's word alone does not do: see `offered`.
        let can = self.can(login::QUERY_ATTRIBUTES);
        let attributes = can.filter(|can| !can || self.offered.is_some());
        let cut = rest.len() + 1 < head.length;
        let Some(text) = frame::query_text(rest, attributes) else {
            return (output.names.intern("QUERY", ""), None, None);
        };
        let endpoint = operation::sql(text, cut, output);
        (endpoint, output.raw.then(|| Arc::from(statement::raw(text))), None)
    }

    fn prepare(&mut self, text: &[u8], head: Head, output: &mut Output<'_>) -> Named {
        let cut = text.len() + 1 < head.length;
        let endpoint = operation::sql(text, cut, output);
        let text: Option<Arc<str>> = output.raw.then(|| Arc::from(statement::raw(text)));
        let statement = Statement { endpoint: Some(endpoint), text: text.clone() };
        self.prepared().asked(statement.clone());
        (operation::about("PREPARE", Some(endpoint), output), text, Some(statement))
    }

    fn about(&mut self, operation: &str, rest: &[u8], output: &mut Output<'_>) -> Named {
        let statement = self.statement(rest);
        (operation::about(operation, statement.endpoint, output), None, None)
    }

    /// The statement whose number stands first.
    fn statement(&mut self, rest: &[u8]) -> Statement {
        match (id(rest), self.prepared.as_deref_mut()) {
            (Some(id), Some(prepared)) => prepared.find(id),
            _ => Statement::default(),
        }
    }

    /// The client asks for something new: it has what it waited for. If bytes of that are missing,
    /// its end is among them.
    fn move_on(&mut self, output: &mut Output<'_>) {
        self.settle(output);
        if self.is_gapped && self.queue.len() > 1 {
            self.lose_count(output);
        }
        if self.is_gapped
            && let Some(before) = self.queue.pop_front()
        {
            self.unanswered(before, Incomplete::Gap, output);
        }
        self.is_gapped = false;
    }

    /// Appends a request; one that cannot be paired is told at once.
    fn push(&mut self, mut pending: Pending<Awaited>, sequence: u8, output: &mut Output<'_>) {
        pending.tag.sequence = sequence.wrapping_add(1);
        self.queue.push_back(pending);
        if self.is_uncertain && self.queue.len() > 1 || self.queue.len() > QUEUE_MAX {
            self.lose_count(output);
        }
    }
}

/// What became of a packet.
enum Asked {
    Goes,
    Nonsense,
    /// TLS begins behind it.
    Tls,
}

/// Endpoint, wire target and what a number will stand for.
type Named = (EndpointId, Option<Arc<str>>, Option<Statement>);

/// A statement's number.
fn id(rest: &[u8]) -> Option<u32> {
    Cursor::new(rest).u32_le()
}

/// True for commands whose payload is SQL.
const fn is_text(number: u8) -> bool {
    matches!(number, command::QUERY | command::STMT_PREPARE)
}
