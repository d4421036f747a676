//! Http1: being written.
use model::{Family, ProtocolInfo};
use crate::protocol::{Opening, Protocol, Session, Start, Verdict};
/// Http1.
pub struct Http1;
/// The one value of [`Http1`].
pub static PROTOCOL: Http1 = Http1;
static INFO: ProtocolInfo = ProtocolInfo { name: "http1", family: Family::Http, system: "", specification: "", ports: &[80] };
impl Protocol for Http1 {
    fn protocol(&self) -> &'static ProtocolInfo { &INFO }
    fn probe(&self, _opening: Opening<'_>) -> Verdict { Verdict::No }
    fn open(&self, _start: Start) -> Box<dyn Session> { unreachable!("the probe never matches") }
}
