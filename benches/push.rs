//! What a push costs on the wire side: header template, user data headers and body into a reused buffer. Steady state;
//! nothing allocates after the first turn. The unit is the push.

use std::hint::black_box;

use bellwire::codec::segments::{self, ReferenceWidth};
use bellwire::codec::udh::{Concatenation, Ports, Reference, UserDataHeader};
use bellwire::codec::wsp::{self, ApplicationId, ContentType, Header, PushHeader, PushTemplate, Text, TextError};
use bytes::{BufMut, BytesMut};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const PORTS: Ports = Ports { destination: 2948, source: 9200 };

fn template() -> Result<PushTemplate, TextError> {
    let application = Text::new("urn:oma:xml:push")?;
    Ok(PushTemplate::new(&PushHeader {
        content_type: ContentType::event_stream(Some(ContentType::UTF_8)),
        headers: vec![Header::ApplicationId(ApplicationId::Text(application))],
    }))
}

/// Writes `body` as user data of as many segments as it takes, one after the other.
fn write_push(template: &PushTemplate, count: u32, body: &[u8], out: &mut BytesMut) {
    let width = ReferenceWidth::Bits8;
    let octets = template.octets() + body.len();
    let Ok(total) = segments::count(octets, width) else {
        return;
    };
    for index in 0..total.get() {
        let concatenation = match total.get() {
            1 => None,
            total => Concatenation::new(Reference::of(count, width), total, index + 1),
        };
        UserDataHeader { concatenation, ports: Some(PORTS) }.write(out);
        template.write_range(count as u8, body, segments::slice(index, total, width, octets), out);
    }
}

fn push(criterion: &mut Criterion) {
    let Ok(template) = template() else { return };
    let mut group = criterion.benchmark_group("push");
    group.throughput(Throughput::Elements(1));
    let mut out = BytesMut::with_capacity(4096);
    let mut count = 0_u32;

    let body = [b'x'; 90];
    group.bench_function("template and 90 octets", |bencher| {
        bencher.iter(|| {
            count = count.wrapping_add(1);
            out.clear();
            template.write(count as u8, &mut out);
            out.put_slice(black_box(&body));
            black_box(&out);
        });
    });
    let long = [b'x'; 300];
    for (name, body) in [("one segment", &body[..]), ("three segments", &long[..])] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                count = count.wrapping_add(1);
                out.clear();
                write_push(&template, count, black_box(body), &mut out);
                black_box(&out);
            });
        });
    }

    out.clear();
    template.write(1, &mut out);
    out.put_slice(&body);
    group.bench_function("decode", |bencher| {
        bencher.iter(|| black_box(wsp::decode(black_box(&out)).is_ok()));
    });
    group.finish();
}

criterion_group!(benches, push);
criterion_main!(benches);
