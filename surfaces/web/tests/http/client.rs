//! The least HTTP client that can say exactly what goes over the wire.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Fails a test that would else hang; far longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// One connection.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

/// One answer, with header names in lower case.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket option");
        Self { stream: BufReader::new(stream) }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).expect("the server reads");
    }

    /// Reads one answer; `None` at the end of the connection.
    pub(crate) fn receive(&mut self, method: &str) -> Option<Answer> {
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
        let mut headers = Vec::new();
        while let Some(line) = self.line().filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').expect("a header line");
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut answer =
            Answer { status: status.expect("a status line"), headers, body: String::new() };
        if method != "HEAD" {
            let length = answer.header("content-length").expect("no chunked answers");
            let mut body = vec![0; length.parse().expect("a number")];
            self.stream.read_exact(&mut body).expect("the whole body");
            answer.body = String::from_utf8(body).expect("text");
        }
        Some(answer)
    }

    /// One request and its answer, as a browser on this host would ask.
    pub(crate) fn ask(&mut self, method: &str, target: &str) -> Answer {
        self.send(format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes());
        self.receive(method).expect("an answer")
    }

    /// The next line of a stream, head included; `None` at its end.
    pub(crate) fn next_line(&mut self) -> Option<String> {
        self.line()
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(line.trim_end().to_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("no answer: {error}"),
        }
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }

    /// What the `error` of a refusal says.
    pub(crate) fn error(&self) -> String {
        let said = self.json()["error"].as_str().map(str::to_owned);
        said.expect("an error text")
    }
}

/// A request on a connection of its own.
pub(crate) fn ask(address: SocketAddr, method: &str, target: &str) -> Answer {
    Client::connect(address).ask(method, target)
}
