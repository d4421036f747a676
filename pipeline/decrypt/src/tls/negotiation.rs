//! Follows the handshake: what is agreed on, and when the keys of a direction change.

use model::{Direction, ShortText};

use super::certificate::certificate;
use super::handshake::{
    self, CERTIFICATE, CLIENT_HELLO, ENCRYPTED_EXTENSIONS, END_OF_EARLY_DATA, FINISHED, KEY_UPDATE,
    SERVER_HELLO,
};
use super::opener::Opener;
use super::progress::Progress;
use super::record::{ALERT, CHANGE_CIPHER_SPEC, HANDSHAKE, Record};
use super::stream::{Protection, Stage};

/// Letters of a name that is kept (RFC 1035 §2.3.4).
const NAME_BYTES_MAX: usize = 253;

impl Opener {
    /// Reads what is not for the application.
    pub(super) fn understand(
        &mut self,
        direction: Direction,
        kind: u8,
        content: &[u8],
        record: &Record<'_>,
    ) {
        match kind {
            HANDSHAKE => {
                let index = direction.index();
                let mut messages = std::mem::take(&mut self.streams[index].messages);
                messages.push(content, |kind, body| self.message(direction, kind, body, record));
                self.streams[index].messages = messages;
            }
            // In TLS 1.3 it means nothing; with early data it comes before the version is known.
            CHANGE_CIPHER_SPEC if !self.hello.is_tls13() && !self.hello.is_open() => {
                let is_known = self.hello.version != 0;
                let stage = if is_known { Stage::Cipher } else { Stage::Application };
                self.streams[direction.index()].seal(stage);
                self.streams[direction.index()].messages.begin();
                self.is_news = true;
            }
            ALERT => {
                if let (Some(progress), [level, description]) = (&mut self.progress, content)
                    && (*level == 2 || self.hello.is_tls13())
                    && !matches!(description, 0 | 90)
                {
                    progress.alert(*description, record.at);
                }
            }
            _ => {}
        }
    }

    fn message(&mut self, direction: Direction, kind: u8, body: &[u8], record: &Record<'_>) {
        match kind {
            CLIENT_HELLO => self.client_hello(direction, body, record),
            SERVER_HELLO => self.server_hello(direction, body, record),
            ENCRYPTED_EXTENSIONS => {
                let alpn = handshake::agreed_protocol(body).unwrap_or_default();
                self.facts.alpn = ShortText::from_wire(alpn);
            }
            CERTIFICATE if Some(direction) != self.client => {
                let found = certificate(body, self.hello.is_tls13());
                self.facts.certificate = found.map(Box::new);
            }
            FINISHED => {
                let stream = &mut self.streams[direction.index()];
                if let Protection::Open { stage: Stage::Handshake, .. } = stream.protection {
                    stream.seal(Stage::Application);
                    self.is_news = true;
                }
            }
            END_OF_EARLY_DATA => {
                self.streams[direction.index()].seal(Stage::Handshake);
                self.is_news = true;
            }
            KEY_UPDATE => {
                let stream = &mut self.streams[direction.index()];
                if let Protection::Open { keys, .. } = &mut stream.protection {
                    match keys.updated() {
                        Some(next) => **keys = next,
                        None => stream.seal(Stage::Application),
                    }
                }
            }
            _ => {}
        }
    }

    fn client_hello(&mut self, direction: Direction, body: &[u8], record: &Record<'_>) {
        let Some(hello) = handshake::client_hello(body) else { return };
        self.hello.asked(&hello);
        self.client = Some(direction);
        for stream in &mut self.streams {
            stream.prepared = None;
        }
        if self.progress.is_none() {
            self.progress = Some(Progress::begin(direction, record.first.1));
        }
        if let Some(name) = hello.server_name.filter(|name| is_host(name)) {
            self.facts.server_name = String::from_utf8_lossy(name).into_owned();
        }
        let stream = &mut self.streams[direction.index()];
        if hello.sends_early_data && matches!(stream.protection, Protection::Clear) {
            stream.seal(Stage::Early);
        }
    }

    fn server_hello(&mut self, direction: Direction, body: &[u8], record: &Record<'_>) {
        let Some(hello) = handshake::server_hello(body) else { return };
        self.hello.answered(&hello);
        (self.facts.version, self.facts.suite) = (hello.version, hello.suite);
        if let Some(alpn) = hello.alpn {
            self.facts.alpn = ShortText::from_wire(alpn);
        }
        if let Some(progress) = &mut self.progress
            && !hello.is_retry
        {
            progress.answered(record.first.1);
        }
        self.is_news = true;
        let [server, client] = [direction, direction.opposite()].map(Direction::index);
        let is_early = matches!(
            self.streams[client].protection,
            Protection::Sealed(Stage::Early) | Protection::Open { stage: Stage::Early, .. }
        );
        if hello.is_retry || !self.hello.is_tls13() {
            // Early data is refused, or nobody sent any.
            if is_early {
                self.streams[client].protection = Protection::Clear;
            }
            return;
        }
        self.streams[server].seal(Stage::Handshake);
        self.client.get_or_insert(direction.opposite());
        if !is_early && matches!(self.streams[client].protection, Protection::Clear) {
            self.streams[client].seal(Stage::Handshake);
        }
    }
}

/// Letters, digits, `-`, `_` and dots, and not an address.
fn is_host(name: &[u8]) -> bool {
    let is_fit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_named = name.iter().any(u8::is_ascii_alphabetic);
    (1..=NAME_BYTES_MAX).contains(&name.len()) && is_named && name.iter().all(is_fit)
}
