//! Pages over TLS: `serve PORT CERT KEY`, or `ask PORT VERSION CONNECTIONS`, which connects at the
//! first line of input and for each line, `COUNT`, asks that often over each connection.

use std::env::args;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::thread;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, ConnectionCommon, DigitallySignedStruct, Error, ServerConfig,
    ServerConnection, SideData, SignatureScheme, StreamOwned,
};

/// Does what the command line says, by the given cryptography.
pub fn run(provider: CryptoProvider) {
    let words: Vec<String> = args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["serve", port, cert, key] => serve(provider, port, cert, key),
        ["ask", port, version, connections] => {
            ask(provider, port, version, connections.parse().expect("a number"));
        }
        _ => panic!("serve PORT CERT KEY, or ask PORT VERSION CONNECTIONS"),
    }
}

fn serve(provider: CryptoProvider, port: &str, cert: &str, key: &str) {
    let certificate = CertificateDer::from_pem_file(cert).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(key).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&TLS12, &TLS13])
        .expect("both versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a key of the certificate");
    let config = Arc::new(config);
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).expect("a port");
    for socket in listener.incoming() {
        let connection = ServerConnection::new(config.clone()).expect("a connection");
        let stream = StreamOwned::new(connection, socket.expect("a socket"));
        thread::spawn(move || answer(stream));
    }
}

/// Answers every request of a connection with the page.
fn answer<C, S>(stream: StreamOwned<C, TcpStream>)
where
    C: Deref<Target = ConnectionCommon<S>> + DerefMut,
    S: SideData,
{
    let mut stream = BufReader::new(stream);
    while head(&mut stream).is_some() {
        let page = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\na page\n";
        if stream.get_mut().write_all(page).is_err() {
            break;
        }
    }
}

fn ask(provider: CryptoProvider, port: &str, version: &str, connections: usize) {
    let version = if version == "1.2" { &TLS12 } else { &TLS13 };
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[version])
        .expect("a version")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone))
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    let config = Arc::new(config);
    let mut streams = Vec::new();
    for line in std::io::stdin().lines() {
        let times: usize = line.expect("a line").parse().expect("a number");
        while streams.len() < connections {
            let name = ServerName::try_from("localhost").expect("a name");
            let connection = ClientConnection::new(config.clone(), name).expect("a connection");
            let socket = TcpStream::connect(format!("127.0.0.1:{port}")).expect("a server");
            streams.push(BufReader::new(StreamOwned::new(connection, socket)));
        }
        for request in 0..times {
            for stream in &mut streams {
                let asked = format!("GET /page/{request} HTTP/1.1\r\nHost: localhost\r\n\r\n");
                stream.get_mut().write_all(asked.as_bytes()).expect("a request");
                let length = head(stream).expect("an answer");
                stream.read_exact(&mut vec![0; length]).expect("a page");
            }
        }
        println!("asked");
    }
    for stream in &mut streams {
        stream.get_mut().conn.send_close_notify();
        let _ = stream.get_mut().flush();
    }
}

/// Reads the head of a message; gives the length of what follows, or `None` at the end.
fn head(stream: &mut impl BufRead) -> Option<usize> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            return Some(length);
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
}

/// Believes every certificate.
#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![
            SignatureScheme::RSA_PSS_SHA256,
            SignatureScheme::RSA_PKCS1_SHA256,
            SignatureScheme::ECDSA_NISTP256_SHA256,
        ]
    }
}
