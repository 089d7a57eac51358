//! The headers of a push: typed when sent, by shape when received and typed on demand (WAP-230 §8.4.2).

use bytes::{BufMut, BytesMut};

use super::WspError;
use super::primitives::{
    Reader, Value, put_integer, put_long_integer, put_quoted_string, put_short_integer, put_text, put_value_length,
};
use super::text::{Text, Token};

/// Well-known header codes of the default page (WAP-230 table 39).
mod code {
    pub(super) const CONTENT_ENCODING: u8 = 0x0B;
    pub(super) const CONTENT_LENGTH: u8 = 0x0D;
    pub(super) const CONTENT_LOCATION: u8 = 0x0E;
    pub(super) const DATE: u8 = 0x12;
    pub(super) const EXPIRES: u8 = 0x14;
    pub(super) const HOST: u8 = 0x16;
    pub(super) const LAST_MODIFIED: u8 = 0x1D;
    pub(super) const APPLICATION_ID: u8 = 0x2F;
    pub(super) const CONTENT_URI: u8 = 0x30;
    pub(super) const INITIATOR_URI: u8 = 0x31;
    pub(super) const PUSH_FLAG: u8 = 0x34;
    pub(super) const CONTENT_ID: u8 = 0x40;
    pub(super) const ENCODING_VERSION: u8 = 0x43;
    pub(super) const CACHE_CONTROL: u8 = 0x47;
}

/// Short-integers of Cache-Control (WAP-230 §8.4.2).
const NO_CACHE: u8 = 0x00;
const NO_STORE: u8 = 0x01;
const MAX_AGE: u8 = 0x02;

/// A header of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Header {
    /// X-Wap-Application-Id: which application on the handset. Without it the WML user agent is meant.
    ApplicationId(ApplicationId),
    /// Push-Flag.
    PushFlag(PushFlag),
    /// Content-Location, a URI.
    ContentLocation(Text),
    /// X-Wap-Content-URI.
    ContentUri(Text),
    /// X-Wap-Initiator-URI: who asked for the push.
    InitiatorUri(Text),
    /// Content-Encoding. Handsets leave it to the application to undo.
    ContentEncoding(ContentEncoding),
    /// Date, in seconds since 1970-01-01 UTC.
    Date(u64),
    /// Expires, in seconds since 1970-01-01 UTC.
    Expires(u64),
    /// Last-Modified, in seconds since 1970-01-01 UTC.
    LastModified(u64),
    /// Cache-Control in the encoding of version 1.4.
    CacheControl(CacheControl),
    /// Encoding-Version.
    EncodingVersion(EncodingVersion),
    /// Content-ID, without quotes.
    ContentId(Text),
    /// Host.
    Host(Text),
    /// Content-Length, in octets.
    ContentLength(u64),
    /// A header without a number: name and value both as text.
    Named {
        /// Its name.
        name: Token,
        /// Its value.
        value: Text,
    },
}

impl Header {
    /// Writes name and value.
    pub(crate) fn encode(&self, out: &mut BytesMut) {
        if let Some(code) = self.code() {
            put_short_integer(out, code);
        }
        match self {
            Self::ApplicationId(ApplicationId::Text(text)) => put_text(out, text),
            Self::ApplicationId(ApplicationId::Code(code)) => put_integer(out, u64::from(*code)),
            Self::PushFlag(flag) => put_short_integer(out, flag.bits()),
            Self::ContentLocation(text) | Self::ContentUri(text) | Self::InitiatorUri(text) | Self::Host(text) => {
                put_text(out, text);
            }
            Self::ContentEncoding(encoding) => put_short_integer(out, *encoding as u8),
            // "Date-value = Long-integer": never short, not even for a second near the epoch.
            Self::Date(seconds) | Self::Expires(seconds) | Self::LastModified(seconds) => {
                put_long_integer(out, *seconds);
            }
            Self::CacheControl(directive) => directive.encode(out),
            Self::EncodingVersion(version) => put_short_integer(out, version.octet()),
            Self::ContentId(text) => put_quoted_string(out, text),
            Self::ContentLength(octets) => put_integer(out, *octets),
            Self::Named { name, value } => {
                put_text(out, name.as_text());
                put_text(out, value);
            }
        }
    }

    /// The well-known code of the name; `None` for a name sent as text.
    pub fn code(&self) -> Option<u8> {
        Some(match self {
            Self::ApplicationId(_) => code::APPLICATION_ID,
            Self::PushFlag(_) => code::PUSH_FLAG,
            Self::ContentLocation(_) => code::CONTENT_LOCATION,
            Self::ContentUri(_) => code::CONTENT_URI,
            Self::InitiatorUri(_) => code::INITIATOR_URI,
            Self::ContentEncoding(_) => code::CONTENT_ENCODING,
            Self::Date(_) => code::DATE,
            Self::Expires(_) => code::EXPIRES,
            Self::LastModified(_) => code::LAST_MODIFIED,
            Self::CacheControl(_) => code::CACHE_CONTROL,
            Self::EncodingVersion(_) => code::ENCODING_VERSION,
            Self::ContentId(_) => code::CONTENT_ID,
            Self::Host(_) => code::HOST,
            Self::ContentLength(_) => code::CONTENT_LENGTH,
            Self::Named { .. } => return None,
        })
    }
}

/// X-Wap-Application-Id to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApplicationId {
    /// A URI or other text.
    Text(Text),
    /// An OMNA or agreed number.
    Code(u32),
}

/// Push-Flag: seven bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PushFlag(u8);

impl PushFlag {
    /// The initiator's URI is authenticated.
    pub const INITIATOR_AUTHENTICATED: Self = Self(0x01);
    /// The content is trusted.
    pub const CONTENT_TRUSTED: Self = Self(0x02);
    /// This is the last push for now: the bearer may be let go.
    pub const LAST: Self = Self(0x04);

    /// The flag with these bits, or `None` above 0x7F.
    pub fn from_bits(bits: u8) -> Option<Self> {
        (bits <= 0x7F).then_some(Self(bits))
    }

    /// Its seven bits.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// Whether all bits of `other` are set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl std::ops::BitOr for PushFlag {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Content-Encoding, the ones with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentEncoding {
    /// gzip.
    Gzip = 0,
    /// compress.
    Compress = 1,
    /// deflate.
    Deflate = 2,
}

/// Cache-Control, the directives a push has a use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheControl {
    /// no-cache.
    NoCache,
    /// no-store.
    NoStore,
    /// max-age.
    MaxAge {
        /// For how long.
        seconds: u32,
    },
}

impl CacheControl {
    fn encode(self, out: &mut BytesMut) {
        match self {
            Self::NoCache => put_short_integer(out, NO_CACHE),
            Self::NoStore => put_short_integer(out, NO_STORE),
            Self::MaxAge { seconds } => {
                let mut value = BytesMut::new();
                put_short_integer(&mut value, MAX_AGE);
                put_integer(&mut value, u64::from(seconds));
                put_value_length(out, value.len());
                out.put_slice(&value);
            }
        }
    }
}

/// A version as Version-value: major in three bits, minor in four.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodingVersion {
    major: u8,
    minor: u8,
}

impl EncodingVersion {
    /// Version `major.minor`, or `None`: major is 1 to 7, minor 0 to 14; minor 15 would mean "major alone".
    pub fn new(major: u8, minor: u8) -> Option<Self> {
        ((1..=7).contains(&major) && minor <= 14).then_some(Self { major, minor })
    }

    fn octet(self) -> u8 {
        (self.major << 4) | self.minor
    }
}

/// X-Wap-Application-Id as received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApplicationRef<'a> {
    /// There is no such header: the WML user agent is meant (PPG Service §6.1.2.1), not "any".
    #[default]
    Absent,
    /// A URI or other text.
    Text(&'a str),
    /// A number.
    Code(u32),
    /// There is one that cannot be read: the push is for no application known here.
    Unreadable,
}

/// One header as received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its name.
    pub name: FieldName<'a>,
    /// Its value, by shape.
    pub value: Value<'a>,
}

/// A header's name as received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldName<'a> {
    /// A code of the default page; [`header_name`](super::header_name) has the words.
    Code(u8),
    /// A code of another page, whose meaning is not known here.
    OtherPage {
        /// The page; the default page is 1.
        page: u8,
        /// The code in it.
        code: u8,
    },
    /// Text.
    Text(&'a [u8]),
}

impl<'a> Field<'a> {
    /// The header with its meaning; `None` if name or value is not one that [`Header`] can say.
    pub fn interpret(&self) -> Option<Header> {
        let code = match self.name {
            FieldName::Code(code) => code,
            FieldName::OtherPage { .. } => return None,
            FieldName::Text(name) => {
                let name = Token::new(std::str::from_utf8(name).ok()?).ok()?;
                return Some(Header::Named { name, value: self.text()? });
            }
        };
        match code {
            code::APPLICATION_ID => self.application().map(Header::ApplicationId),
            code::PUSH_FLAG => self.short().map(|bits| Header::PushFlag(PushFlag(bits))),
            code::CONTENT_LOCATION => self.text().map(Header::ContentLocation),
            code::CONTENT_URI => self.text().map(Header::ContentUri),
            code::INITIATOR_URI => self.text().map(Header::InitiatorUri),
            code::HOST => self.text().map(Header::Host),
            code::CONTENT_ENCODING => self.content_encoding().map(Header::ContentEncoding),
            code::DATE => self.date().map(Header::Date),
            code::EXPIRES => self.date().map(Header::Expires),
            code::LAST_MODIFIED => self.date().map(Header::LastModified),
            code::CACHE_CONTROL => self.cache_control().map(Header::CacheControl),
            code::ENCODING_VERSION => {
                let octet = self.short()?;
                EncodingVersion::new(octet >> 4, octet & 0x0F).map(Header::EncodingVersion)
            }
            code::CONTENT_ID => self.quoted().map(Header::ContentId),
            code::CONTENT_LENGTH => self.value.integer().map(Header::ContentLength),
            _ => None,
        }
    }

    /// The application named, if this is an X-Wap-Application-Id.
    pub(crate) fn application_ref(&self) -> Option<ApplicationRef<'a>> {
        if self.name != FieldName::Code(code::APPLICATION_ID) {
            return None;
        }
        let application = match self.value {
            Value::Text(text) => std::str::from_utf8(text).ok().map(ApplicationRef::Text),
            _ => self.value.integer().and_then(|code| u32::try_from(code).ok()).map(ApplicationRef::Code),
        };
        Some(application.unwrap_or(ApplicationRef::Unreadable))
    }

    /// The URI, if this is an X-Wap-Content-URI.
    pub(crate) fn content_uri(&self) -> Option<&'a str> {
        match (self.name, self.value) {
            (FieldName::Code(code::CONTENT_URI), Value::Text(text)) => std::str::from_utf8(text).ok(),
            _ => None,
        }
    }

    fn application(&self) -> Option<ApplicationId> {
        match self.application_ref()? {
            ApplicationRef::Text(text) => Text::new(text).ok().map(ApplicationId::Text),
            ApplicationRef::Code(code) => Some(ApplicationId::Code(code)),
            ApplicationRef::Absent | ApplicationRef::Unreadable => None,
        }
    }

    fn content_encoding(&self) -> Option<ContentEncoding> {
        match self.value {
            Value::Short(0) | Value::Text(b"gzip") => Some(ContentEncoding::Gzip),
            Value::Short(1) | Value::Text(b"compress") => Some(ContentEncoding::Compress),
            Value::Short(2) | Value::Text(b"deflate") => Some(ContentEncoding::Deflate),
            _ => None,
        }
    }

    fn cache_control(&self) -> Option<CacheControl> {
        match self.value {
            Value::Short(NO_CACHE) => Some(CacheControl::NoCache),
            Value::Short(NO_STORE) => Some(CacheControl::NoStore),
            Value::Octets([directive, seconds @ ..]) if *directive == 0x80 | MAX_AGE => {
                let mut reader = Reader::new(seconds);
                let seconds = reader.value("max-age").ok()?.integer()?;
                let seconds = u32::try_from(seconds).ok()?;
                reader.rest().is_empty().then_some(CacheControl::MaxAge { seconds })
            }
            _ => None,
        }
    }

    fn date(&self) -> Option<u64> {
        match self.value {
            Value::Octets(_) => self.value.integer(),
            _ => None,
        }
    }

    fn short(&self) -> Option<u8> {
        match self.value {
            Value::Short(value) => Some(value),
            _ => None,
        }
    }

    fn text(&self) -> Option<Text> {
        match self.value {
            Value::Text(text) => Text::new(std::str::from_utf8(text).ok()?).ok(),
            _ => None,
        }
    }

    fn quoted(&self) -> Option<Text> {
        match self.value {
            Value::Text([b'"', text @ ..]) => Text::new(std::str::from_utf8(text).ok()?).ok(),
            _ => None,
        }
    }
}

/// Code page of the well-known headers; a block starts in it (WAP-230 §8.4.1).
const DEFAULT_PAGE: u8 = 1;

/// The headers behind a content type, one after the other; a fault ends them.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    reader: Reader<'a>,
    page: u8,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(reader: Reader<'a>) -> Self {
        Self { reader, page: DEFAULT_PAGE }
    }

    /// The next header, if there is one. Shifts of the code page are taken on the way.
    pub(crate) fn read(&mut self) -> Result<Option<Field<'a>>, WspError> {
        while let Some(first) = self.reader.peek() {
            let name = match first {
                0x00 => return Err(WspError::NoName),
                // Short-cut-shift-delimiter: the octet itself is the page.
                0x01..=0x1F => {
                    self.page = self.reader.octet("code page")?;
                    continue;
                }
                // Shift-delimiter: the page follows.
                0x7F => {
                    self.reader.octet("code page")?;
                    self.page = self.reader.octet("code page")?;
                    continue;
                }
                0x20..=0x7E => FieldName::Text(self.reader.text("header name")?),
                0x80.. => {
                    self.reader.octet("header name")?;
                    self.well_known(first & 0x7F)
                }
            };
            return Ok(Some(Field { name, value: self.reader.value("header value")? }));
        }
        Ok(None)
    }

    fn well_known(&self, code: u8) -> FieldName<'a> {
        match self.page {
            DEFAULT_PAGE => FieldName::Code(code),
            page => FieldName::OtherPage { page, code },
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let field = self.read().ok().flatten();
        if field.is_none() {
            self.reader = Reader::new(&[]);
        }
        field
    }
}
