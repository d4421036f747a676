//! Real captures, where they are at hand.

use std::fs;
use std::path::{Path, PathBuf};

use capture::replay::{Damage, Replay};
use model::TapEvent;

/// The folder of captures beside the repository; a plain clone does not have it.
fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures");
    folder.is_dir().then_some(folder)
}

#[test]
fn every_capture_at_hand_is_read_without_damage() {
    let Some(folder) = folder() else {
        eprintln!("skipped: no ../shared/captures beside this repository");
        return;
    };
    let mut files = 0;
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder can be listed").path();
        let is_capture = path.extension().is_some_and(|it| it == "pcap" || it == "pcapng");
        if !is_capture {
            continue;
        }
        files += 1;
        let mut events = 0_u64;
        let mut replay = Replay::open(&path).expect("a capture");
        let is_packet = |event: TapEvent<'_>| !matches!(event, TapEvent::Secret(_));
        let count = |event: TapEvent<'_>| events += u64::from(is_packet(event));
        let summary = replay.read(count).expect("a capture");
        let name = path.display();
        assert!(summary.adds_up(), "{name}: {summary:?}");
        assert_eq!(events, summary.segments + summary.datagrams, "{name}");
        assert!(events > 0, "{name}: {summary:?}");
        for warning in &summary.warnings {
            // Some published captures really end within a packet.
            let is_expected = matches!(warning.damage, Damage::CutShort { .. });
            assert!(is_expected, "{name}: {warning}");
        }
        if summary.malformed + summary.unsupported + summary.incomplete_datagrams > 0
            || !summary.warnings.is_empty()
        {
            eprintln!("{name}: {summary:?}");
        }
    }
    eprintln!("{files} captures read");
}
