//! Pushes that other programs have decoded, both ways, and blocks that are broken.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::*;

const BODY: &str = "data: YHOO\ndata: +2\ndata: 10\n\n";
/// Wed, 23 Nov 2011 07:55:04 GMT.
const DATE: u64 = 0x4ECC_A6D8;

fn vector(name: &str) -> Vec<u8> {
    let lines = include_str!("../../../tests/fixtures/wsp.tsv").lines();
    let mut fields = lines.map(|line| line.split('\t').collect::<Vec<_>>());
    let found = fields.find(|fields| fields[0] == name).unwrap();
    let octets = unhex(found[2]);
    assert_eq!(octets.len().to_string(), found[1]);
    octets
}

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

fn utf8() -> ContentType {
    ContentType::event_stream(Some(ContentType::UTF_8))
}

fn code(code: u32) -> Header {
    Header::ApplicationId(ApplicationId::Code(code))
}

fn push_urn() -> Header {
    Header::ApplicationId(ApplicationId::Text(text("urn:oma:xml:push")))
}

fn flags(bits: u8) -> Header {
    Header::PushFlag(PushFlag::from_bits(bits).unwrap())
}

/// Every vector as its sender would describe it.
fn described() -> Vec<(&'static str, ContentType, Vec<Header>, String)> {
    use Header::*;
    let body = || BODY.to_owned();
    let long_uri = format!("http://e.example/{}", "p".repeat(120));
    let verbatim = ContentType { media: Media::Verbatim(text("text/event-stream; charset=utf-8")), charset: None };
    let plain = ContentType { media: Media::Code(0x03), charset: None };
    let service_indication = ContentType { media: Media::Code(0x2E), charset: Some(ContentType::UTF_8) };
    vec![
        ("W1", ContentType::event_stream(None), vec![], body()),
        ("W2", utf8(), vec![code(2)], body()),
        ("W3", utf8(), vec![push_urn(), flags(7)], body()),
        ("W4", utf8(), vec![code(0x9065)], body()),
        ("W5", utf8(), vec![push_urn(), ContentLocation(text("http://example.com/")), flags(3), Date(DATE)], body()),
        (
            "W6",
            ContentType::event_stream(None),
            vec![InitiatorUri(text("http://esproxy.com/")), ContentEncoding(super::ContentEncoding::Gzip)],
            String::new(),
        ),
        ("W7", utf8(), vec![Named { name: Token::new("X-Es-Id").unwrap(), value: text("42") }], body()),
        (
            "W8",
            ContentType::event_stream(None),
            vec![CacheControl(super::CacheControl::NoCache), Expires(DATE), LastModified(DATE)],
            body(),
        ),
        ("W9", verbatim, vec![], body()),
        ("W10", plain, vec![code(2)], body()),
        ("W11", service_indication, vec![code(2)], "x".to_owned()),
        (
            "W12",
            utf8(),
            vec![EncodingVersion(super::EncodingVersion::new(1, 3).unwrap()), ContentId(text("abc@x"))],
            body(),
        ),
        ("W13", utf8(), vec![push_urn()], format!("data: {}\n\n", "x".repeat(200))),
        ("W14", utf8(), vec![ContentLocation(text(&long_uri))], body()),
    ]
}

#[test]
fn every_vector_is_encoded_octet_by_octet() {
    for (number, (name, content_type, headers, body)) in described().into_iter().enumerate() {
        let template = PushTemplate::new(&PushHeader { content_type, headers });
        let mut out = BytesMut::new();
        template.write(number as u8 + 1, &mut out);
        assert_eq!(out.len(), template.octets());
        // W6 carries the two octets that a gzip member starts with: no text.
        out.extend_from_slice(if name == "W6" { &[0x1F, 0x8B] } else { body.as_bytes() });
        assert_eq!(Bytes::from(out), vector(name), "{name}");
    }
}

#[test]
fn every_vector_is_read_as_it_was_meant() {
    for (number, (name, content_type, headers, body)) in described().into_iter().enumerate() {
        let octets = vector(name);
        let push = decode(&octets).unwrap();
        assert_eq!((usize::from(push.tid), push.pdu_type), (number + 1, PushType::Push), "{name}");
        let media = match &content_type.media {
            Media::Type(media) => MediaRef::Text(media.as_text().as_str()),
            Media::Code(code) => MediaRef::Code(*code),
            Media::Verbatim(text) => MediaRef::Text(text.as_str()),
        };
        assert_eq!(push.content_type, ContentTypeRef { media, charset: content_type.charset }, "{name}");
        let read: Vec<_> = push.headers().map(|field| field.interpret().unwrap()).collect();
        assert_eq!(read, headers, "{name}");
        assert!(name == "W6" || push.body == body.as_bytes(), "{name}");
    }
}

#[test]
fn the_application_is_text_or_number_or_absent() {
    for (name, application) in [
        ("W1", ApplicationRef::Absent),
        ("W2", ApplicationRef::Code(2)),
        ("W3", ApplicationRef::Text("urn:oma:xml:push")),
        ("W4", ApplicationRef::Code(0x9065)),
        ("W7", ApplicationRef::Absent),
    ] {
        assert_eq!(decode(&vector(name)).unwrap().application, application, "{name}");
    }
    let read = |header: &[u8]| {
        let mut pdu = vec![0, 6, 1 + header.len() as u8, 0x83];
        pdu.extend_from_slice(header);
        format!("{:?}", decode(&pdu).unwrap().application)
    };
    assert_eq!(read(&[0xAF, 0x84, 0xAF, 0x82]), "Code(4)");
    assert_eq!(read(&[0xAF, 0]), "Unreadable");
    assert_eq!(read(&[0xAF, 5, 1, 0, 0, 0, 0]), "Unreadable");
    assert_eq!(read(&[0xAF, b'a', 0xFF, 0]), "Unreadable");
}

#[test]
fn an_application_header_in_the_body_is_data() {
    let octets = [1, 6, 1, 0x83, 0xAF, 0x84];
    let push = decode(&octets).unwrap();
    assert_eq!((push.application, push.body), (ApplicationRef::Absent, &[0xAF, 0x84][..]));
}

#[test]
fn the_push_of_the_kannel_user_guide_is_read() {
    let octets = unhex("020617ae966c6f63616c686f73743a3830383000af808dcfb48002056a0045c60c03");
    let push = decode(&octets).unwrap();
    assert_eq!(push.content_type.media.name(), Some("application/vnd.wap.sic"));
    assert_eq!(push.application, ApplicationRef::Code(0));
    let headers: Vec<_> = push.headers().map(|field| field.interpret().unwrap()).collect();
    let host = Header::Host(text("localhost:8080"));
    assert_eq!(headers, [host, code(0), Header::ContentLength(79), flags(0)]);
    assert_eq!(push.body, [0x02, 0x05, 0x6A, 0x00, 0x45, 0xC6, 0x0C, 0x03]);
}

#[test]
fn overheads_are_what_plans_of_segments_count_with() {
    let event_stream = ContentType::event_stream;
    for (content_type, headers, overhead, bodies) in [
        (event_stream(None), vec![], 21, [112, 235, 363, 32_619]),
        (utf8(), vec![], 24, [109, 232, 360, 32_616]),
        (utf8(), vec![code(2)], 26, [107, 230, 358, 32_614]),
        (utf8(), vec![code(0x9065)], 28, [105, 228, 356, 32_612]),
        (utf8(), vec![push_urn()], 42, [91, 214, 342, 32_598]),
        (utf8(), vec![push_urn(), flags(7)], 44, [89, 212, 340, 32_596]),
    ] {
        let template = PushTemplate::new(&PushHeader { content_type, headers });
        assert_eq!(template.octets(), overhead);
        for (segments, body) in [1, 2, 3, 255_usize].into_iter().zip(bodies) {
            let fits = if segments == 1 { 133 } else { 128 * segments };
            assert_eq!(fits - template.octets(), body, "{overhead} {segments}");
        }
    }
}

#[test]
fn unknown_headers_of_every_shape_are_kept() {
    for unknown in 0x48..=0x7F_u8 {
        let name = 0x80 | unknown;
        let mut pdu = vec![9, 7, 0, 0x83];
        pdu.extend_from_slice(&[name, 0x85, name, 3, 1, 2, 3, name, b'a', 0, name, 31, 2, 8, 9, 0xAF, 0x84, b'b']);
        pdu[2] = pdu.len() as u8 - 4;
        let push = decode(&pdu).unwrap();
        assert_eq!(push.pdu_type, PushType::ConfirmedPush);
        assert_eq!((push.application, push.body), (ApplicationRef::Code(4), &b"b"[..]));
        let values: Vec<_> = push.headers().map(|field| field.value).collect();
        let octets = |octets| Value::Octets(octets);
        assert_eq!(values, [Value::Short(5), octets(&[1, 2, 3]), Value::Text(b"a"), octets(&[8, 9]), Value::Short(4)]);
        assert_eq!(push.headers().filter_map(|field| field.interpret()).count(), 1);
    }
}

#[test]
fn codes_of_another_page_mean_nothing_here() {
    let pdu = [1, 6, 10, 0x83, 0x7F, 5, 0xAF, 0x84, 2, 0xAF, 0x85, 1, 0x8B];
    assert_eq!(decode(&pdu).unwrap_err(), WspError::Truncated { what: "header value", need: 1, have: 0 });
    let pdu = [1, 6, 11, 0x83, 0x7F, 5, 0xAF, 0x84, 2, 0xAF, 0x85, 1, 0xAF, 0x86];
    let push = decode(&pdu).unwrap();
    assert_eq!(push.application, ApplicationRef::Code(6));
    let page = |page| FieldName::OtherPage { page, code: 0x2F };
    let names: Vec<_> = push.headers().map(|field| field.name).collect();
    assert_eq!(names, [page(5), page(2), FieldName::Code(0x2F)]);
}

#[test]
fn broken_blocks_are_named() {
    let broken = |pdu: &[u8]| decode(pdu).unwrap_err();
    let truncated = |what, need, have| WspError::Truncated { what, need, have };
    assert_eq!(broken(&[]), truncated("transaction identifier", 1, 0));
    assert_eq!(broken(&[1]), truncated("pdu type", 1, 0));
    assert_eq!(broken(&[1, 0x40, 0]), WspError::NotAPush { found: 0x40 });
    assert_eq!(broken(&[1, 0x40]).to_string(), "pdu type 0x40 (Get) is no push");
    assert_eq!(broken(&[1, 6, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 0x83]), WspError::UintvarTooLarge);
    assert_eq!(broken(&[1, 6, 0x8F, 0xFF, 0xFF, 0xFF, 0x7F, 1]), truncated("header block", 0xFFFF_FFFF, 1));
    assert_eq!(broken(&[1, 6, 3, 0x83, 0]), truncated("header block", 3, 2));
    assert_eq!(broken(&[1, 6, 0, b'a']), WspError::NoMedia);
    assert_eq!(broken(&[1, 6, 4, b't', b'e', b'x', b't', 0]), WspError::Unterminated { what: "media type", octets: 4 });
    assert_eq!(broken(&[1, 6, 3, 0x83, 0, 0]), WspError::NoName);
    assert_eq!(broken(&[1, 6, 3, 0x83, 0xAF, 2, 9, 9]), truncated("header value", 2, 0));
    assert_eq!(broken(&[1, 6, 3, 0x83, b'X', b'Y', 0]), WspError::Unterminated { what: "header name", octets: 2 });
}

#[test]
fn a_range_of_a_push_is_what_the_whole_has_there() {
    let template = PushTemplate::new(&PushHeader { content_type: utf8(), headers: vec![push_urn()] });
    let mut whole = BytesMut::new();
    template.write(7, &mut whole);
    whole.extend_from_slice(BODY.as_bytes());
    for from in 0..=whole.len() {
        for to in from..=whole.len() + 2 {
            let mut out = BytesMut::new();
            template.write_range(7, BODY.as_bytes(), from..to, &mut out);
            assert_eq!(out, whole[from..to.min(whole.len())]);
        }
    }
}

fn any_header() -> impl Strategy<Value = Header> {
    let uri = || "[!-~ü]{1,40}".prop_map(|uri: String| text(&uri));
    prop_oneof![
        uri().prop_map(|id| Header::ApplicationId(ApplicationId::Text(id))),
        any::<u32>().prop_map(code),
        (0..=0x7F_u8).prop_map(flags),
        uri().prop_map(Header::ContentLocation),
        uri().prop_map(Header::ContentUri),
        uri().prop_map(Header::InitiatorUri),
        uri().prop_map(Header::Host),
        uri().prop_map(Header::ContentId),
        any::<u64>().prop_map(Header::Date),
        any::<u64>().prop_map(Header::Expires),
        any::<u64>().prop_map(Header::LastModified),
        any::<u64>().prop_map(Header::ContentLength),
        any::<u32>().prop_map(|seconds| Header::CacheControl(CacheControl::MaxAge { seconds })),
        Just(Header::CacheControl(CacheControl::NoStore)),
        Just(Header::ContentEncoding(ContentEncoding::Deflate)),
        (1..=7_u8, 0..=14_u8)
            .prop_map(|(major, minor)| Header::EncodingVersion(EncodingVersion::new(major, minor).unwrap())),
        ("[A-Za-z][A-Za-z0-9-]{0,20}", uri())
            .prop_map(|(name, value)| Header::Named { name: Token::new(name).unwrap(), value }),
    ]
}

fn any_content_type() -> impl Strategy<Value = ContentType> {
    let media = prop_oneof![
        "[a-z]{1,10}/[a-z0-9.+-]{1,30}".prop_map(|media| Media::Type(MediaType::new(media).unwrap())),
        any::<u32>().prop_map(Media::Code),
    ];
    (media, any::<Option<u32>>()).prop_map(|(media, charset)| ContentType { media, charset })
}

proptest! {
    #[test]
    fn what_is_encoded_is_read_back(
        tid: u8, content_type in any_content_type(), headers in prop::collection::vec(any_header(), 0..12),
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut pdu = BytesMut::new();
        PushTemplate::new(&PushHeader { content_type: content_type.clone(), headers: headers.clone() })
            .write(tid, &mut pdu);
        pdu.extend_from_slice(&body);
        let push = decode(&pdu).unwrap();
        prop_assert_eq!(push.tid, tid);
        prop_assert_eq!(push.content_type.charset, content_type.charset);
        let media = match &content_type.media {
            Media::Type(media) => MediaRef::Text(media.as_text().as_str()),
            Media::Verbatim(text) => MediaRef::Text(text.as_str()),
            Media::Code(code) => MediaRef::Code(*code),
        };
        prop_assert_eq!(push.content_type.media, media);
        let read: Vec<_> = push.headers().filter_map(|field| field.interpret()).collect();
        prop_assert_eq!(read, headers);
        prop_assert_eq!(push.body, &body[..]);
        invariants::check_push(&pdu);
    }

    #[test]
    fn decode_never_panics(mut pdu in prop::collection::vec(any::<u8>(), 0..200), push: bool) {
        if let (true, [_, pdu_type, length, ..]) = (push, &mut pdu[..]) {
            *pdu_type = 0x06;
            *length &= 0x7F;
        }
        invariants::check_push(&pdu);
    }

    #[test]
    fn a_changed_octet_never_panics(vector_number in 1..=14_u8, at: prop::sample::Index, octet: u8) {
        let mut pdu = vector(&format!("W{vector_number}"));
        *at.get_mut(&mut pdu) = octet;
        invariants::check_push(&pdu);
    }
}
