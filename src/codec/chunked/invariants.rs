//! What holds for every octet sequence: the checks that property tests and fuzzing share. They panic when something does
//! not hold.

use super::{ChunkedError, Decoder};

/// All that a body says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Its data.
    pub data: Vec<u8>,
    /// How it ended; none while it goes on.
    pub end: Option<Result<(), ChunkedError>>,
}

/// Reads `body` in pieces of `sizes` octets, over and over; in one piece if there are none or only zeros.
pub fn read(body: &[u8], sizes: &[usize]) -> Reading {
    let mut decoder = Decoder::default();
    let mut reading = Reading::default();
    let mut rest = body;
    let sizes: &[usize] = if sizes.iter().any(|size| *size > 0) { sizes } else { &[usize::MAX] };
    let mut sizes = sizes.iter().cycle();
    while !rest.is_empty() && reading.end.is_none() {
        let size = sizes.next().map_or(rest.len(), |size| rest.len().min(*size));
        let (piece, behind) = rest.split_at(size);
        let mut piece = piece.to_vec();
        let decoded = decoder.decode(&mut piece);
        assert!(decoded.data.start <= decoded.data.end && decoded.data.end <= piece.len(), "{decoded:?} of {size}");
        reading.data.extend_from_slice(&piece[decoded.data]);
        reading.end = decoded.end;
        rest = behind;
    }
    reading
}

/// Where the body is cut makes no difference.
pub fn check_cuts(body: &[u8], sizes: &[usize]) {
    let whole = read(body, &[]);
    assert_eq!(whole, read(body, sizes), "pieces of {sizes:?} differ from the whole");
    assert_eq!(whole, read(body, &[1]), "single octets differ from the whole");
}

/// What is written as chunks of `sizes` octets, over and over, is read back.
pub fn check_round_trip(data: &[u8], sizes: &[usize], cuts: &[usize]) {
    let mut body = Vec::new();
    let mut rest = data;
    let mut cycle = sizes.iter().map(|size| (*size).max(1)).cycle();
    while !rest.is_empty() {
        let (chunk, behind) = rest.split_at(cycle.next().map_or(rest.len(), |size| rest.len().min(size)));
        body.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        body.extend_from_slice(chunk);
        body.extend_from_slice(b"\r\n");
        rest = behind;
    }
    body.extend_from_slice(b"0\r\n\r\n");
    assert_eq!(read(&body, cuts), Reading { data: data.to_vec(), end: Some(Ok(())) });
}
