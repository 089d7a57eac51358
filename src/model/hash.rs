//! One way to turn several fields into a 128-bit identity.

use sha2::{Digest, Sha256};

/// The first 128 bits of SHA-256 over the fields, each preceded by its length, so that no two lists collide by
/// shifting a boundary.
pub(super) fn identity(fields: &[&[u8]]) -> [u8; 16] {
    let mut hasher = Sha256::new();
    for field in fields {
        hasher.update((field.len() as u64).to_be_bytes());
        hasher.update(field);
    }
    let mut identity = [0; 16];
    identity.copy_from_slice(&hasher.finalize()[..16]);
    identity
}

/// Lower-case hexadecimal.
pub(super) fn write_hex(out: &mut std::fmt::Formatter<'_>, octets: &[u8]) -> std::fmt::Result {
    octets.iter().try_for_each(|octet| write!(out, "{octet:02x}"))
}

/// 128 bits from 32 hexadecimal digits.
pub(super) fn read_hex(text: &str) -> Option<[u8; 16]> {
    if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes)
}
