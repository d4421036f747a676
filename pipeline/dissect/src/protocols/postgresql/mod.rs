//! Postgresql: being written.
use model::{Family, ProtocolInfo};
use crate::protocol::{Opening, Protocol, Session, Start, Verdict};
/// Postgresql.
pub struct Postgresql;
/// The one value of [`Postgresql`].
pub static PROTOCOL: Postgresql = Postgresql;
static INFO: ProtocolInfo = ProtocolInfo { name: "postgresql", family: Family::Database, system: "postgresql", specification: "", ports: &[5432] };
impl Protocol for Postgresql {
    fn protocol(&self) -> &'static ProtocolInfo { &INFO }
    fn probe(&self, _opening: Opening<'_>) -> Verdict { Verdict::No }
    fn open(&self, _start: Start) -> Box<dyn Session> { unreachable!("the probe never matches") }
}
