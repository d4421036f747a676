//! Prints what the wire tap hands on: `wire_events CGROUP SECONDS`.

fn main() {
    #[cfg(target_os = "linux")]
    print_events();
}

#[cfg(target_os = "linux")]
fn print_events() {
    use capture::linux::wire::{WireOptions, WireTap};
    use model::TapEvent;

    let mut arguments = std::env::args().skip(1);
    let cgroup = arguments.next().expect("a cgroup v2 directory");
    let seconds: u64 = arguments.next().and_then(|s| s.parse().ok()).unwrap_or(3);
    let mut tap = WireTap::load(WireOptions {
        cgroups: vec![cgroup.into()],
        ring_bytes: WireOptions::RING_BYTES,
        turn_budget_bytes: WireOptions::TURN_BUDGET_BYTES,
    })
    .expect("the kernel takes the tap");
    tap.attach().expect("the tap attaches");
    for _ in 0..seconds * 10 {
        std::thread::sleep(std::time::Duration::from_millis(100));
        tap.drain(|event| match event {
            TapEvent::Segment(s) => println!(
                "{:016x} {:?} seq {} len {} captured {} flags {:02x} lost {} in order {}",
                s.connection.0,
                s.direction,
                s.sequence,
                s.length,
                s.payload.len(),
                s.flags.0,
                s.lost_before,
                s.in_order
            ),
            TapEvent::Opened(o) => println!("{:016x} {o:?}", o.connection.0),
            other => println!("{other:?}"),
        });
    }
    println!("{:?}", tap.counters());
}
