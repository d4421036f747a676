//! What tests of several crates need: things to feed the pipeline with. A dev-dependency only.

pub mod pcap;
