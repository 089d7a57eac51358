//! An SMSC that accepts everything: many PDUs per read, one write for all their answers.

use super::arrivals::Arrivals;
use crate::codec::segments::{Limits, Reassembled, Reassembler};
use crate::codec::smpp::{
    self, BindMode, BindResp, Body, CommandStatus, DeliverSm, Encode, EsmClass, Header, MessageState, Pdu, SubmitSm,
    SubmitSmResp, TlvBuffer, TlvTag, Tlvs,
};
use crate::codec::udh;
use bytes::{Buf, BytesMut};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

const READ_OCTETS: usize = 256 * 1024;
/// Of messages in several segments, all handsets together.
const PARTS: Limits = Limits {
    messages: 1 << 20,
    octets: 1 << 30,
    patience: Duration::from_secs(3600),
    // A reference comes round soon when nothing waits.
    memory: Duration::ZERO,
};

/// How a sink behaves.
#[derive(Clone, Copy, Debug, Default)]
pub struct SinkSettings {
    /// How long an answer takes.
    pub latency: Duration,
    /// Each so manieth segment is refused for good; 0 for none.
    pub refuse: u64,
    /// Each so manieth segment is taken, and then the connection closed without an answer; 0 for none.
    pub close: u64,
}

/// A running SMSC. It ends, with all its connections, when this is dropped.
#[derive(Debug)]
pub struct Sink {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    settings: SinkSettings,
    arrivals: Mutex<Arrivals>,
    parts: Mutex<Reassembler>,
    binds: AtomicU64,
    messages: AtomicU64,
    started: Instant,
}

impl Sink {
    /// Serves on `listener` and counts in `arrivals`.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start(listener: TcpListener, settings: SinkSettings, arrivals: Arrivals) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            settings,
            arrivals: Mutex::new(arrivals),
            parts: Mutex::new(Reassembler::new(PARTS)),
            binds: AtomicU64::new(0),
            messages: AtomicU64::new(0),
            started: Instant::now(),
        });
        let server = tokio::spawn(accept(listener, shared.clone()));
        Ok(Self { address, shared, server })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sessions that were bound so far.
    pub fn binds(&self) -> u64 {
        self.shared.binds.load(Relaxed)
    }

    /// Looks at the count.
    pub fn look<T>(&self, look: impl FnOnce(&Arrivals) -> T) -> T {
        look(&self.shared.arrivals.lock())
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => { sessions.spawn(converse(socket, shared.clone())); }
                // Most likely out of descriptors, which passes as connections end.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = sessions.join_next() => {}
        }
    }
}

/// Ends when the other side goes, or says what is no SMPP.
async fn converse(mut socket: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut input = BytesMut::with_capacity(READ_OCTETS);
    let mut session = Session { shared: shared.clone(), receives: false, out: BytesMut::new(), sequence_number: 0 };
    let mut later: VecDeque<(tokio::time::Instant, BytesMut)> = VecDeque::new();
    loop {
        let due = later.front().map(|(due, _)| *due);
        tokio::select! {
            read = socket.read_buf(&mut input) => {
                if read? == 0 || !session.take(&mut input) {
                    return socket.write_all(&session.out).await;
                }
                let answers = session.out.split();
                match shared.settings.latency {
                    Duration::ZERO => socket.write_all(&answers).await?,
                    latency if !answers.is_empty() => later.push_back((tokio::time::Instant::now() + latency, answers)),
                    _ => {}
                }
                input.reserve(READ_OCTETS);
            }
            () = tokio::time::sleep_until(due.unwrap_or_else(tokio::time::Instant::now)), if due.is_some() => {
                let now = tokio::time::Instant::now();
                let mut answers = BytesMut::new();
                while let Some((_, one)) = later.pop_front_if(|(due, _)| *due <= now) {
                    answers.extend_from_slice(&one);
                }
                socket.write_all(&answers).await?;
            }
        }
    }
}

struct Session {
    shared: Arc<Shared>,
    /// Whether receipts can go this way.
    receives: bool,
    out: BytesMut,
    sequence_number: u32,
}

impl Session {
    /// Takes the whole PDUs at the front of `input`; `false` ends the session.
    fn take(&mut self, input: &mut BytesMut) -> bool {
        let shared = self.shared.clone();
        let mut arrivals = shared.arrivals.lock();
        let now = Instant::now();
        let mut at = 0;
        let open = loop {
            let rest = input.get(at..).unwrap_or_default();
            match smpp::frame(rest, smpp::PDU_MAX_OCTETS) {
                Ok(Some(octets)) => {
                    if !self.take_pdu(rest.get(..octets).unwrap_or_default(), &mut arrivals, now) {
                        break false;
                    }
                    at += octets;
                }
                Ok(None) => break true,
                Err(_) => break false,
            }
        };
        input.advance(at);
        open
    }

    fn take_pdu(&mut self, octets: &[u8], arrivals: &mut Arrivals, now: Instant) -> bool {
        let Ok(pdu) = Pdu::decode(octets) else { return false };
        match &pdu.body {
            Body::SubmitSm(submit) => {
                return self.take_segment(&pdu.header, submit, arrivals, now);
            }
            Body::Bind(bind) => {
                self.receives = bind.mode != BindMode::Transmitter;
                let resp = BindResp { mode: bind.mode, system_id: b"load", tlvs: Tlvs::NONE };
                // The name is shorter than 16 octets.
                let _ = resp.encode(pdu.header.sequence_number, &mut self.out);
                self.shared.binds.fetch_add(1, Relaxed);
            }
            Body::EnquireLink => pdu.header.answer(CommandStatus::OK).encode(&mut self.out),
            Body::Unbind => {
                pdu.header.answer(CommandStatus::OK).encode(&mut self.out);
                return false;
            }
            _ if pdu.header.command_id.is_response() => {}
            _ => Header::nack(CommandStatus::INVCMDID, pdu.header.sequence_number).encode(&mut self.out),
        }
        true
    }

    fn take_segment(&mut self, header: &Header, submit: &SubmitSm<'_>, arrivals: &mut Arrivals, now: Instant) -> bool {
        let SinkSettings { refuse, close, .. } = self.shared.settings;
        arrivals.segments += 1;
        let is_turn = |each: u64| each > 0 && arrivals.segments.is_multiple_of(each);
        if is_turn(refuse) {
            arrivals.refused += 1;
            header.answer(CommandStatus::INVDSTADR).encode(&mut self.out);
            return true;
        }
        let closes = is_turn(close);
        self.count(submit, arrivals, now);
        if !closes {
            self.accept(header, submit);
        }
        !closes
    }

    /// Counts a message, when its last segment is there.
    fn count(&self, submit: &SubmitSm<'_>, arrivals: &mut Arrivals, now: Instant) {
        let (destination, user_data) = (submit.destination.addr, submit.user_data());
        let Ok((header, text)) = udh::decode(user_data) else {
            return arrivals.take(destination, user_data, now);
        };
        let Some(part) = header.concatenation.filter(|part| part.total().get() > 1) else {
            return arrivals.take(destination, text, now);
        };
        let name = String::from_utf8_lossy(destination);
        let time = now.saturating_duration_since(self.shared.started);
        let joined = self.shared.parts.lock().handle_part(&name, Some(part), text, time);
        if let Reassembled::Complete(text) = joined {
            arrivals.take(destination, &text, now);
        }
    }

    /// Answers, and at once reports delivery if that is asked for.
    fn accept(&mut self, header: &Header, submit: &SubmitSm<'_>) {
        let id = format!("{:08X}", self.shared.messages.fetch_add(1, Relaxed));
        // The id is shorter than 64 octets.
        let _ = SubmitSmResp::new(id.as_bytes()).encode(header.sequence_number, &mut self.out);
        if !self.receives || submit.registered_delivery.0 & 3 == 0 {
            return;
        }
        self.sequence_number = self.sequence_number % 0x7FFF_FFFF + 1;
        let tlvs = TlvBuffer::new()
            .c_octets(TlvTag::RECEIPTED_MESSAGE_ID, id.as_bytes())
            .u8(TlvTag::MESSAGE_STATE, MessageState::DELIVERED.0);
        let receipt = DeliverSm {
            source: submit.destination,
            destination: submit.source,
            esm_class: EsmClass::DELIVERY_RECEIPT,
            tlvs: tlvs.tlvs(),
            ..DeliverSm::default()
        };
        // Both addresses came in a submit_sm.
        let _ = receipt.encode(self.sequence_number, &mut self.out);
    }
}
