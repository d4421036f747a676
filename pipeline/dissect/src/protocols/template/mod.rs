//! Template: questions and answers in lines, a toy that shows the shape of a protocol folder.
//!
//! **An operation** is one `ASK topic text` with its answer: operation `ASK`, target the topic. The
//! text is a literal and never leaves the parser.
//!
//! **Timing.** From the first byte of the question to the last byte of the answer's body.
//!
//! **An error** is `NO internal`. Any other `NO` is the client's error.
//!
//! **A session**: `PING` with its `PONG`. `TEMPLATE/1`, with which both sides begin, is read and
//! not reported.
//!
//! **Not seen**: answers after lost bytes, until the client asks anew after the server has spoken.
//!
//! Specification: this page.

use model::{Family, ProtocolInfo};

use crate::protocol::{Opening, Protocol, Session, Start, Verdict};
use frame::{Frame, Read};
use session::TemplateSession;

mod frame;
mod operation;
mod session;

/// Template.
pub struct Template;

/// The one value of [`Template`].
pub static PROTOCOL: Template = Template;

static INFO: ProtocolInfo = ProtocolInfo {
    name: "template",
    family: Family::Other,
    system: "",
    specification: "",
    ports: &[],
};

impl Protocol for Template {
    fn protocol(&self) -> &'static ProtocolInfo {
        &INFO
    }

    /// Only the greeting is unmistakable: `ASK` might stand in any text. A connection seen from its
    /// middle is therefore not recognised.
    fn probe(&self, opening: Opening<'_>) -> Verdict {
        let client = frame::request(opening.client);
        let server = frame::answer(opening.server);
        match (client, server) {
            (_, Read::Malformed) => Verdict::No,
            (Read::Whole(Frame::Hello, _), _) => Verdict::Match(Verdict::CERTAIN),
            (Read::Partial, _) if frame::HELLO.starts_with(opening.client) => Verdict::NotYet,
            (Read::Whole(..) | Read::Partial | Read::Malformed, _) => Verdict::No,
        }
    }

    fn open(&self, start: Start) -> Box<dyn Session> {
        Box::new(TemplateSession::new(&INFO, start))
    }
}
