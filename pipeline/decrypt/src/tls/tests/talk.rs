//! Conversations made up for tests: what each side says, sealed as the RFCs say.

use aes::cipher::{BlockModeEncrypt, KeyIvInit};
use model::{Direction, SecretLabel};

use crate::crypto::{Aead, CipherSuite, Hash, expand_label, hmac};

pub(super) const CLIENT: Direction = Direction::Backward;
pub(super) const SERVER: Direction = Direction::Forward;
pub(super) const CLIENT_RANDOM: [u8; 32] = [0xC1; 32];
const SERVER_RANDOM: [u8; 32] = [0x5E; 32];

/// One conversation.
pub(super) struct Talk {
    pub(super) version: u16,
    pub(super) suite: &'static CipherSuite,
    /// Records in the order they were sent.
    pub(super) wire: Vec<(Direction, Vec<u8>)>,
    /// Content of both directions.
    pub(super) said: [Vec<u8>; 2],
    /// Zeros behind the content of each record of TLS 1.3.
    pub(super) padding: usize,
    /// The MAC of CBC stands outside.
    pub(super) outside: bool,
    pub(super) client_random: [u8; 32],
    sides: [Side; 2],
}

#[derive(Default)]
struct Side {
    keys: Option<Keys>,
    secret: Vec<u8>,
    sequence: u64,
    /// The end of the last record, in TLS 1.0.
    chain: [u8; 16],
}

struct Keys {
    aead: Option<Aead>,
    key: Vec<u8>,
    mac_key: Vec<u8>,
    iv: Vec<u8>,
}

impl Talk {
    pub(super) fn new(version: u16, suite: u16) -> Self {
        Self {
            version,
            suite: CipherSuite::of(suite).expect("a suite of ours"),
            wire: Vec::new(),
            said: Default::default(),
            padding: 0,
            outside: false,
            client_random: CLIENT_RANDOM,
            sides: Default::default(),
        }
    }

    /// The secret of a label: any will do.
    pub(super) fn secret(&self, label: SecretLabel) -> Vec<u8> {
        match label {
            SecretLabel::Master => vec![self.client_random[0] ^ 0x77; 48],
            _ => vec![label as u8 + 1; self.suite.hash.bytes()],
        }
    }

    /// One record as it is, sealed if the side has keys.
    pub(super) fn record(&mut self, way: Direction, kind: u8, content: &[u8]) -> &mut Self {
        if kind == 23 {
            self.said[way.index()].extend_from_slice(content);
        }
        let side = &self.sides[way.index()];
        let record = match &side.keys {
            None => head(kind, self.version.min(0x0303), content),
            Some(_) if self.suite.is_tls13() && kind == 20 => head(kind, 0x0303, content),
            Some(_) if self.suite.is_tls13() => self.sealed13(way, kind, content),
            Some(keys) if keys.aead.is_some() => self.sealed12(way, kind, content),
            Some(_) => self.sealed_cbc(way, kind, content),
        };
        self.sides[way.index()].sequence += 1;
        self.wire.push((way, record));
        self
    }

    pub(super) fn data(&mut self, way: Direction, content: &[u8]) -> &mut Self {
        self.record(way, 23, content)
    }

    pub(super) fn message(&mut self, way: Direction, kind: u8, body: &[u8]) -> &mut Self {
        self.record(way, 22, &message(kind, body))
    }

    /// Keys of TLS 1.3 from here on.
    pub(super) fn seal_with(&mut self, way: Direction, label: SecretLabel) -> &mut Self {
        let secret = self.secret(label);
        self.seal_with_secret(way, &secret)
    }

    fn seal_with_secret(&mut self, way: Direction, secret: &[u8]) -> &mut Self {
        let expand = |label: &[u8], length| {
            let key = expand_label(self.suite.hash, secret, label, &[], length);
            key.expect("a key").as_slice().to_vec()
        };
        let key = expand(b"tls13 key", self.suite.cipher.key_bytes());
        let aead = Aead::new(self.suite.cipher, &key);
        let keys = Keys { aead, key, mac_key: Vec::new(), iv: expand(b"tls13 iv", 12) };
        self.sides[way.index()] =
            Side { keys: Some(keys), secret: secret.to_vec(), ..Side::default() };
        self
    }

    /// Says that keys change, and changes them (RFC 8446 §4.6.3).
    pub(super) fn update_keys(&mut self, way: Direction) -> &mut Self {
        self.message(way, 24, &[0]);
        let (hash, secret) = (self.suite.hash, &self.sides[way.index()].secret);
        let next = expand_label(hash, secret, b"tls13 traffic upd", &[], hash.bytes());
        let next = next.expect("a secret").as_slice().to_vec();
        self.seal_with_secret(way, &next)
    }

    /// Keys before TLS 1.3 from here on, after saying so.
    pub(super) fn change_cipher(&mut self, way: Direction) -> &mut Self {
        self.record(way, 20, &[1]);
        let suite = self.suite;
        let (mac_bytes, iv_bytes) = match (suite.cipher.is_cbc(), self.version) {
            (true, 0x0301) => (suite.hash.bytes(), 16),
            (true, _) => (suite.hash.bytes(), 0),
            (false, _) => (0, suite.cipher.fixed_nonce_bytes()),
        };
        let key_bytes = suite.cipher.key_bytes();
        let mut block = vec![0; 2 * (mac_bytes + key_bytes + iv_bytes)];
        let seed = [&SERVER_RANDOM[..], &self.client_random];
        let master = self.secret(SecretLabel::Master);
        let prf = suite.prf(self.version == 0x0303);
        prf.fill(&master, b"key expansion", seed, &mut block).expect("a key block");
        let mut rest = &block[..];
        let mut take = |bytes: usize| {
            let both = [rest[..bytes].to_vec(), rest[bytes..2 * bytes].to_vec()];
            rest = &rest[2 * bytes..];
            both[usize::from(way == SERVER)].clone()
        };
        let (mac_key, key, iv) = (take(mac_bytes), take(key_bytes), take(iv_bytes));
        let aead = Aead::new(suite.cipher, &key);
        let chain = iv.clone().try_into().unwrap_or_default();
        let keys = Some(Keys { aead, key, mac_key, iv });
        self.sides[way.index()] = Side { keys, chain, ..Side::default() };
        self
    }

    fn sealed13(&self, way: Direction, kind: u8, content: &[u8]) -> Vec<u8> {
        let side = &self.sides[way.index()];
        let keys = side.keys.as_ref().expect("keys");
        let text = [content, &[kind], &vec![0; self.padding][..]].concat();
        let aead = keys.aead.as_ref().expect("an authenticated cipher");
        let aad = &head(23, 0x0303, &vec![0; text.len() + aead.tag_bytes()])[..5];
        head(23, 0x0303, &aead.seal(&mixed(&keys.iv, side.sequence), aad, &text))
    }

    fn sealed12(&self, way: Direction, kind: u8, content: &[u8]) -> Vec<u8> {
        let side = &self.sides[way.index()];
        let keys = side.keys.as_ref().expect("keys");
        let aead = keys.aead.as_ref().expect("an authenticated cipher");
        let aad = [&self.header(way, kind)[..], &(content.len() as u16).to_be_bytes()].concat();
        let explicit = match keys.iv.len() {
            4 => (side.sequence ^ 0x1234_5678).to_be_bytes().to_vec(),
            _ => Vec::new(),
        };
        let nonce = match keys.iv.len() {
            4 => [&keys.iv[..], &explicit].concat().try_into().expect("twelve bytes"),
            _ => mixed(&keys.iv, side.sequence),
        };
        head(kind, self.version, &[explicit, aead.seal(&nonce, &aad, content)].concat())
    }

    fn sealed_cbc(&mut self, way: Direction, kind: u8, content: &[u8]) -> Vec<u8> {
        let header = self.header(way, kind);
        let (hash, outside) = (self.suite.hash, self.outside);
        let side = &mut self.sides[way.index()];
        let keys = side.keys.as_ref().expect("keys");
        let has_iv = self.version > 0x0301;
        let iv = if has_iv { [0x1F ^ side.sequence as u8; 16] } else { side.chain };
        let mac = |parts: &[&[u8]]| mac(hash, &keys.mac_key, parts);
        let size = (content.len() as u16).to_be_bytes();
        let mut text = content.to_vec();
        if !outside {
            text.extend(mac(&[&header, &size, content]));
        }
        let padding = 15 - text.len() % 16;
        text.extend(vec![padding as u8; padding + 1]);
        let (blocks, _) = aes::cipher::Array::slice_as_chunks_mut(&mut text);
        match keys.key.len() {
            16 => cbc::Encryptor::<aes::Aes128>::new_from_slices(&keys.key, &iv)
                .expect("lengths")
                .encrypt_blocks(blocks),
            _ => cbc::Encryptor::<aes::Aes256>::new_from_slices(&keys.key, &iv)
                .expect("lengths")
                .encrypt_blocks(blocks),
        }
        side.chain = *text.last_chunk().expect("a block");
        let front = if has_iv { &iv[..] } else { &[] };
        let mut body = [front, &text].concat();
        if outside {
            let size = (body.len() as u16).to_be_bytes();
            body.extend(mac(&[&header, &size, &body]));
        }
        head(kind, self.version, &body)
    }

    fn header(&self, way: Direction, kind: u8) -> [u8; 11] {
        let sequence = self.sides[way.index()].sequence.to_be_bytes();
        let version = self.version.to_be_bytes();
        [&sequence[..], &[kind], &version].concat().try_into().expect("eleven bytes")
    }

    pub(super) fn client_hello(&self, early: bool) -> Vec<u8> {
        let name = b"\0\x0B\0\0\x08api.test".to_vec();
        let mut extensions = extension(0, &name);
        if early {
            extensions.extend(extension(42, &[]));
        }
        let fixed = [&[3, 3][..], &self.client_random, &[0, 0, 2, 0x13, 1, 1, 0]].concat();
        [fixed, sized(&extensions)].concat()
    }

    pub(super) fn server_hello(&self, is_retry: bool) -> Vec<u8> {
        let retry = super::super::handshake::RETRY;
        let random = if is_retry { retry } else { SERVER_RANDOM };
        let version = self.version.min(0x0303).to_be_bytes();
        let suite = self.suite.id.to_be_bytes();
        let mut extensions = Vec::new();
        if self.version == 0x0304 {
            extensions.extend(extension(43, &[3, 4]));
        } else {
            extensions.extend(extension(16, b"\0\x09\x08http/1.1"));
        }
        if self.outside {
            extensions.extend(extension(22, &[]));
        }
        let fixed = [&version[..], &random, &[0], &suite, &[0]].concat();
        [fixed, sized(&extensions)].concat()
    }
}

pub(super) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = (body.len() as u32).to_be_bytes();
    [&[kind, a, b, c], body].concat()
}

/// Encrypted extensions that agree on HTTP/2.
pub(super) fn encrypted_extensions() -> Vec<u8> {
    message(8, &sized(&extension(16, b"\0\x03\x02h2")))
}

fn mac(hash: Hash, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    hmac(hash, key, parts).expect("a MAC").as_slice().to_vec()
}

fn mixed(iv: &[u8], sequence: u64) -> [u8; 12] {
    let mut nonce: [u8; 12] = iv.try_into().expect("twelve bytes");
    nonce[4..].iter_mut().zip(sequence.to_be_bytes()).for_each(|(to, from)| *to ^= from);
    nonce
}

fn head(kind: u8, version: u16, body: &[u8]) -> Vec<u8> {
    let version = version.to_be_bytes();
    [&[kind, version[0], version[1]], &sized(body)[..]].concat()
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &sized(content)].concat()
}
