//! Content-Type value (WAP-230 §8.4.2.24): Constrained-media or Content-general-form.

use bytes::{BufMut, BytesMut};

use super::WspError;
use super::primitives::{Reader, big_endian, put_integer, put_short_integer, put_text, put_value_length};
use super::registry::content_type_name;
use super::text::{MediaType, Text};

/// Parameter `charset`, as Short-integer name (WAP-230 table 38).
const CHARSET: u8 = 0x01;
/// Parameter `q`, the only one whose value does not tell its own length: it is a uintvar (§8.4.2).
const Q: u64 = 0x00;

/// What the body of a push is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType {
    /// The media type.
    pub media: Media,
    /// MIBenum of the character set (IANA): 106 is UTF-8. Costs 3 octets or more.
    pub charset: Option<u32>,
}

impl ContentType {
    /// MIBenum of UTF-8.
    pub const UTF_8: u32 = 106;

    /// `text/event-stream`, as text; the stream is UTF-8 with or without saying so (HTML §9.2.5).
    pub fn event_stream(charset: Option<u32>) -> Self {
        Self { media: Media::Type(MediaType::event_stream()), charset }
    }

    /// Writes the shortest form that can say this: constrained where possible, else general.
    pub(crate) fn encode(&self, out: &mut BytesMut) {
        match (&self.media, self.charset) {
            (Media::Type(media), None) => put_text(out, media.as_text()),
            (Media::Verbatim(text), None) => put_text(out, text),
            (Media::Code(code @ 0..=0x7F), None) => put_short_integer(out, *code as u8),
            _ => self.encode_general(out),
        }
    }

    fn encode_general(&self, out: &mut BytesMut) {
        let mut value = BytesMut::new();
        match &self.media {
            Media::Type(media) => put_text(&mut value, media.as_text()),
            Media::Verbatim(text) => put_text(&mut value, text),
            Media::Code(code) => put_integer(&mut value, u64::from(*code)),
        }
        if let Some(charset) = self.charset {
            put_short_integer(&mut value, CHARSET);
            put_integer(&mut value, u64::from(charset));
        }
        put_value_length(out, value.len());
        out.put_slice(&value);
    }
}

/// A media type to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Media {
    /// As text.
    Type(MediaType),
    /// By its OMNA number.
    Code(u32),
    /// As text that is sent as it stands, parameters and all. Receivers compare it whole, so most will not know it.
    Verbatim(Text),
}

/// A content type as received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentTypeRef<'a> {
    /// The media type.
    pub media: MediaRef<'a>,
    /// MIBenum of the character set, if a `charset` parameter gives one.
    pub charset: Option<u32>,
}

/// A media type as received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaRef<'a> {
    /// As text: whatever stands up to the NUL, so it may hold parameters.
    Text(&'a str),
    /// As OMNA number.
    Code(u32),
}

impl<'a> MediaRef<'a> {
    /// The media type in words; `None` for a number without a name.
    pub fn name(&self) -> Option<&'a str> {
        match *self {
            Self::Text(text) => Some(text),
            Self::Code(code) => content_type_name(code),
        }
    }
}

/// Takes a Content-Type value off `reader`.
pub(crate) fn decode<'a>(reader: &mut Reader<'a>) -> Result<ContentTypeRef<'a>, WspError> {
    // Constrained-media is text or a Short-integer; a first octet below 32 is the Value-length of the general form.
    if !matches!(reader.peek(), Some(0..=0x1F)) {
        return Ok(ContentTypeRef { media: decode_media(reader)?, charset: None });
    }
    let mut general = Reader::new(reader.counted("content type")?);
    let media = decode_media(&mut general)?;
    let mut charset = None;
    while general.peek().is_some() {
        charset = decode_parameter(&mut general)?.or(charset);
    }
    Ok(ContentTypeRef { media, charset })
}

fn decode_media<'a>(reader: &mut Reader<'a>) -> Result<MediaRef<'a>, WspError> {
    match reader.peek() {
        None | Some(0) => Err(WspError::NoMedia),
        Some(0x20..=0x7F) => {
            let text = reader.text("media type")?;
            std::str::from_utf8(text).map(MediaRef::Text).map_err(|_| WspError::NotUtf8 { what: "media type" })
        }
        Some(0x80..) => reader.octet("media type").map(|octet| MediaRef::Code(u32::from(octet & 0x7F))),
        Some(1..=0x1F) => {
            let octets = reader.counted("media type")?;
            let code = big_endian(octets).and_then(|code| u32::try_from(code).ok());
            code.map(MediaRef::Code).ok_or(WspError::BadInteger { what: "media type", octets: octets.len() })
        }
    }
}

/// Takes one parameter, and gives its value if it is a `charset` with a number.
fn decode_parameter(reader: &mut Reader<'_>) -> Result<Option<u32>, WspError> {
    let name = reader.value("parameter name")?.integer();
    if name == Some(Q) {
        reader.uintvar("q parameter")?;
        return Ok(None);
    }
    let value = reader.value("parameter")?;
    if name == Some(u64::from(CHARSET)) {
        return Ok(value.integer().and_then(|charset| u32::try_from(charset).ok()));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(octets: &[u8]) -> Result<ContentTypeRef<'_>, WspError> {
        decode(&mut Reader::new(octets))
    }

    #[test]
    fn a_number_above_127_needs_the_general_form() {
        let content_type = ContentType { media: Media::Code(0x0201), charset: None };
        let mut out = BytesMut::new();
        content_type.encode(&mut out);
        assert_eq!(out[..], [3, 2, 0x02, 0x01]);
        assert_eq!(read(&out), Ok(ContentTypeRef { media: MediaRef::Code(0x0201), charset: None }));
    }

    #[test]
    fn other_parameters_are_skipped() {
        // text/plain; q=0.5; name="a"; x=y; charset=utf-8
        let octets = [14, 0x83, 0x80, 0x33, 0x85, b'a', 0, b'x', 0, b'y', 0, 0x81, 0x01, 106, 0x81];
        assert_eq!(
            read(&octets[..octets.len() - 1]),
            Err(WspError::Truncated { what: "content type", need: 14, have: 13 })
        );
        let octets = [13, 0x83, 0x80, 0x33, 0x85, b'a', 0, b'x', 0, b'y', 0, 0x81, 0x01, 106];
        assert_eq!(read(&octets), Ok(ContentTypeRef { media: MediaRef::Code(3), charset: Some(106) }));
    }

    #[test]
    fn a_content_type_without_media_or_end_is_refused() {
        assert_eq!(read(&[]), Err(WspError::NoMedia));
        assert_eq!(read(&[0]), Err(WspError::NoMedia));
        assert_eq!(read(b"text/plain"), Err(WspError::Unterminated { what: "media type", octets: 10 }));
        assert_eq!(read(&[b'a', 0xFF, 0]), Err(WspError::NotUtf8 { what: "media type" }));
        assert_eq!(read(&[6, 5, 1, 0, 0, 0, 0]), Err(WspError::BadInteger { what: "media type", octets: 5 }));
    }
}
