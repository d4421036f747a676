//! rustls with the cryptography of AWS-LC.

fn main() {
    rustls_pages::run(rustls::crypto::aws_lc_rs::default_provider());
}
