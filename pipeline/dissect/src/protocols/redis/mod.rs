//! Redis: being written.
use model::{Family, ProtocolInfo};
use crate::protocol::{Opening, Protocol, Session, Start, Verdict};
/// Redis.
pub struct Redis;
/// The one value of [`Redis`].
pub static PROTOCOL: Redis = Redis;
static INFO: ProtocolInfo = ProtocolInfo { name: "redis", family: Family::Database, system: "redis", specification: "", ports: &[6379] };
impl Protocol for Redis {
    fn protocol(&self) -> &'static ProtocolInfo { &INFO }
    fn probe(&self, _opening: Opening<'_>) -> Verdict { Verdict::No }
    fn open(&self, _start: Start) -> Box<dyn Session> { unreachable!("the probe never matches") }
}
