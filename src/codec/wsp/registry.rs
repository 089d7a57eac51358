//! Words for the numbers of WSP, as OMNA registers them. What is not listed has no name here.

/// The name of a header code of the default page, without its encoding version.
pub fn header_name(code: u8) -> Option<&'static str> {
    match code {
        // The one code above 0x47 in OMNA's push header registry; 0x48 to 0x4F are reserved.
        0x50 => Some("X-Oma-GwMO"),
        _ => HEADERS.get(usize::from(code)).copied(),
    }
}

/// The media type of a well-known number.
pub fn content_type_name(code: u32) -> Option<&'static str> {
    let name = MEDIA.get(usize::try_from(code).ok()?).copied()?;
    (!name.is_empty()).then_some(name)
}

/// The URI of an application number.
pub fn application_name(code: u32) -> Option<&'static str> {
    let name = APPLICATIONS.get(usize::try_from(code).ok()?).copied()?;
    (!name.is_empty()).then_some(name)
}

/// The name of a PDU type (WAP-230 table 34), "unassigned" for none.
pub fn pdu_type_name(pdu_type: u8) -> &'static str {
    match pdu_type {
        0x01 => "Connect",
        0x02 => "ConnectReply",
        0x03 => "Redirect",
        0x04 => "Reply",
        0x05 => "Disconnect",
        0x06 => "Push",
        0x07 => "ConfirmedPush",
        0x08 => "Suspend",
        0x09 => "Resume",
        0x40 => "Get",
        0x41 => "Options",
        0x42 => "Head",
        0x43 => "Delete",
        0x44 => "Trace",
        0x60 => "Post",
        0x61 => "Put",
        _ => "unassigned",
    }
}

/// WAP-230 table 39, codes from 0x00.
#[rustfmt::skip]
const HEADERS: [&str; 0x48] = [
    "Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language",
    "Accept-Ranges", "Age", "Allow", "Authorization",
    "Cache-Control", "Connection", "Content-Base", "Content-Encoding",
    "Content-Language", "Content-Length", "Content-Location", "Content-MD5",
    // 0x10
    "Content-Range", "Content-Type", "Date", "ETag",
    "Expires", "From", "Host", "If-Modified-Since",
    "If-Match", "If-None-Match", "If-Range", "If-Unmodified-Since",
    "Location", "Last-Modified", "Max-Forwards", "Pragma",
    // 0x20
    "Proxy-Authenticate", "Proxy-Authorization", "Public", "Range",
    "Referer", "Retry-After", "Server", "Transfer-Encoding",
    "Upgrade", "User-Agent", "Vary", "Via",
    "Warning", "WWW-Authenticate", "Content-Disposition", "X-Wap-Application-Id",
    // 0x30
    "X-Wap-Content-URI", "X-Wap-Initiator-URI", "Accept-Application", "Bearer-Indication",
    "Push-Flag", "Profile", "Profile-Diff", "Profile-Warning",
    "Expect", "TE", "Trailer", "Accept-Charset",
    "Accept-Encoding", "Cache-Control", "Content-Range", "X-Wap-Tod",
    // 0x40
    "Content-ID", "Set-Cookie", "Cookie", "Encoding-Version",
    "Profile-Warning", "Content-Disposition", "X-WAP-Security", "Cache-Control",
];

/// WSP content type codes, from 0x00.
#[rustfmt::skip]
const MEDIA: [&str; 0x5C] = [
    "*/*", "text/*", "text/html", "text/plain",
    "text/x-hdml", "text/x-ttml", "text/x-vCalendar", "text/x-vCard",
    "text/vnd.wap.wml", "text/vnd.wap.wmlscript", "text/vnd.wap.wta-event", "multipart/*",
    "multipart/mixed", "multipart/form-data", "multipart/byteranges", "multipart/alternative",
    // 0x10
    "application/*", "application/java-vm", "application/x-www-form-urlencoded", "application/x-hdmlc",
    "application/vnd.wap.wmlc", "application/vnd.wap.wmlscriptc", "application/vnd.wap.wta-eventc",
    "application/vnd.wap.uaprof",
    "application/vnd.wap.wtls-ca-certificate", "application/vnd.wap.wtls-user-certificate",
    "application/x-x509-ca-cert", "application/x-x509-user-cert",
    "image/*", "image/gif", "image/jpeg", "image/tiff",
    // 0x20
    "image/png", "image/vnd.wap.wbmp", "application/vnd.wap.multipart.*", "application/vnd.wap.multipart.mixed",
    "application/vnd.wap.multipart.form-data", "application/vnd.wap.multipart.byteranges",
    "application/vnd.wap.multipart.alternative", "application/xml",
    "text/xml", "application/vnd.wap.wbxml", "application/x-x968-cross-cert", "application/x-x968-ca-cert",
    "application/x-x968-user-cert", "text/vnd.wap.si", "application/vnd.wap.sic", "text/vnd.wap.sl",
    // 0x30
    "application/vnd.wap.slc", "text/vnd.wap.co", "application/vnd.wap.coc", "application/vnd.wap.multipart.related",
    "application/vnd.wap.sia", "text/vnd.wap.connectivity-xml", "application/vnd.wap.connectivity-wbxml",
    "application/pkcs7-mime",
    "application/vnd.wap.hashed-certificate", "application/vnd.wap.signed-certificate",
    "application/vnd.wap.cert-response", "application/xhtml+xml",
    "application/wml+xml", "text/css", "application/vnd.wap.mms-message", "application/vnd.wap.rollover-certificate",
    // 0x40
    "application/vnd.wap.locc+wbxml", "application/vnd.wap.loc+xml", "application/vnd.syncml.dm+wbxml",
    "application/vnd.syncml.dm+xml",
    "application/vnd.syncml.notification", "application/vnd.wap.xhtml+xml", "application/vnd.wv.csp.cir",
    "application/vnd.oma.dd+xml",
    "application/vnd.oma.drm.message", "application/vnd.oma.drm.content", "application/vnd.oma.drm.rights+xml",
    "application/vnd.oma.drm.rights+wbxml",
    "application/vnd.wv.csp+xml", "application/vnd.wv.csp+wbxml", "application/vnd.syncml.ds.notification", "audio/*",
    // 0x50
    "video/*", "application/vnd.oma.dd2+xml", "application/mikey", "application/vnd.oma.dcd",
    "application/vnd.oma.dcdc", "text/x-vMessage", "application/vnd.omads-email+wbxml", "text/x-vBookmark",
    "application/vnd.syncml.dm.notification", "", "application/octet-stream", "application/json",
];

/// OMNA push application identifiers, from 0x00.
#[rustfmt::skip]
const APPLICATIONS: [&str; 0x1B] = [
    "*", "x-wap-application:push.sia", "x-wap-application:wml.ua", "x-wap-application:wta.ua",
    "x-wap-application:mms.ua", "x-wap-application:push.syncml", "x-wap-application:loc.ua",
    "x-wap-application:syncml.dm",
    "x-wap-application:drm.ua", "x-wap-application:emn.ua", "x-wap-application:wv.ua", "",
    "", "", "", "",
    // 0x10
    "x-oma-application:ulp.ua", "x-oma-application:dlota.ua", "x-oma-application:java-ams",
    "x-oma-application:bcast.ua",
    "x-oma-application:dpe.ua", "x-oma-application:cpm.ua", "x-oma-application:evvm.ua",
    "x-oma-application:twinning.ua",
    "x-oma-application:mobar.ua", "x-oma-application:snew.ua", "x-wap-application:lwm2m.dm",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_stand_at_their_codes() {
        for (code, name) in [
            (0x0B, "Content-Encoding"),
            (0x14, "Expires"),
            (0x1F, "Pragma"),
            (0x26, "Server"),
            (0x2F, "X-Wap-Application-Id"),
            (0x34, "Push-Flag"),
            (0x3F, "X-Wap-Tod"),
            (0x47, "Cache-Control"),
        ] {
            assert_eq!(header_name(code), Some(name));
        }
        for (code, name) in [
            (0x03, "text/plain"),
            (0x10, "application/*"),
            (0x28, "text/xml"),
            (0x33, "application/vnd.wap.multipart.related"),
            (0x3E, "application/vnd.wap.mms-message"),
            (0x47, "application/vnd.oma.dd+xml"),
            (0x5B, "application/json"),
        ] {
            assert_eq!(content_type_name(code), Some(name));
        }
        assert_eq!(application_name(0x09), Some("x-wap-application:emn.ua"));
        assert_eq!(application_name(0x14), Some("x-oma-application:dpe.ua"));
        assert_eq!(application_name(0x1A), Some("x-wap-application:lwm2m.dm"));
    }

    #[test]
    fn what_is_not_registered_has_no_name() {
        assert_eq!(header_name(0x48), None);
        assert_eq!(content_type_name(0x59), None);
        assert_eq!(application_name(0x0B), None);
        assert_eq!(application_name(0x9065), None);
    }
}
