//! What opening costs: records of the usual ciphers, small and full.
//!
//! `cargo bench -p redsight-decrypt` prints a line for each.

use std::hint::black_box;
use std::time::Instant;

use decrypt::crypto::{Aead, Cipher};

/// The fastest batch counts: others were interrupted.
const BATCHES: u32 = 200;
const BATCH: u32 = 50;

fn main() {
    for (name, cipher) in [
        ("AES-128-GCM", Cipher::Aes128Gcm),
        ("AES-256-GCM", Cipher::Aes256Gcm),
        ("ChaCha20-Poly1305", Cipher::ChaCha20Poly1305),
        ("AES-128-CCM", Cipher::Aes128Ccm),
    ] {
        let Some(key) = Aead::new(cipher, &vec![7; cipher.key_bytes()]) else { continue };
        for bytes in [64, 300, 1_400, 16_384] {
            let mut record = vec![3; bytes + 16];
            let mut batch = || {
                let start = Instant::now();
                for round in 0..BATCH {
                    let nonce = [round as u8; 12];
                    // A tag that does not fit costs what one does, but for the decryption.
                    black_box(key.open(&nonce, &[23, 3, 3, 0, 0], &mut record));
                    key.open_prefix(&nonce, &mut record);
                }
                start.elapsed().as_nanos() as f64 / f64::from(BATCH)
            };
            let ns = (0..BATCHES).map(|_| batch()).fold(f64::INFINITY, f64::min);
            println!("{name}, {bytes} bytes: {ns:.0} ns ({:.2} GB/s)", bytes as f64 / ns);
        }
    }
}
