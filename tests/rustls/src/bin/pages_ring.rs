//! rustls with the cryptography of ring.

fn main() {
    rustls_pages::run(rustls::crypto::ring::default_provider());
}
