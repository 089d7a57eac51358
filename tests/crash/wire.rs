//! One session of the SMSC on its socket (SMPP v3.4 §2.2).

use crate::smsc::{Fate, Receipt, Shared};
use bellwire::codec::smpp::{
    self, Address, BindResp, Body, CommandStatus, DeliverSm, Encode, EsmClass, Header, MessageState, Pdu, SubmitSm,
    SubmitSmResp, TlvBuffer, TlvTag, Tlvs,
};
use bytes::{Buf, BytesMut};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

pub async fn converse(mut socket: TcpStream, shared: Arc<Mutex<Shared>>) {
    let mut session = Session::new(shared);
    // A router that is gone is what this is about.
    let _ = session.exchange(&mut socket).await;
}

struct Session {
    shared: Arc<Mutex<Shared>>,
    life: usize,
    out: BytesMut,
    /// By time and, at one time, by arrival.
    later: BTreeMap<(Instant, u64), Later>,
    laters: u64,
    unanswered: u64,
    sequence_number: u32,
    /// Receipts sent that are not answered yet.
    receipts: HashMap<u32, Receipt>,
}

enum Later {
    Answer(BytesMut),
    Receipt(Receipt),
}

impl Session {
    fn new(shared: Arc<Mutex<Shared>>) -> Self {
        let life = shared.lock().enter();
        Self {
            shared,
            life,
            out: BytesMut::new(),
            later: BTreeMap::new(),
            laters: 0,
            unanswered: 0,
            sequence_number: 0,
            receipts: HashMap::new(),
        }
    }

    async fn exchange(&mut self, socket: &mut TcpStream) -> io::Result<()> {
        socket.set_nodelay(true)?;
        let mut input = BytesMut::with_capacity(64 * 1024);
        loop {
            let due = self.later.first_key_value().map(|((due, _), _)| *due);
            tokio::select! {
                read = socket.read_buf(&mut input) => {
                    if read? == 0 || !self.take(&mut input) {
                        return socket.write_all(&self.out).await;
                    }
                }
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
            }
            let answers = self.write_due();
            // What cannot be written is not answered: a dead router's submits stay outstanding until all are read.
            if socket.write_all(&self.out.split()).await.is_ok() && answers > 0 {
                self.unanswered -= answers;
                self.shared.lock().answered(answers);
            }
        }
    }

    /// Takes the whole PDUs at the front; `false` ends the session.
    fn take(&mut self, input: &mut BytesMut) -> bool {
        while let Some(octets) = smpp::frame(input, smpp::PDU_MAX_OCTETS).unwrap() {
            let pdu = Pdu::decode(&input[..octets]).unwrap();
            if !self.take_pdu(&pdu) {
                return false;
            }
            input.advance(octets);
        }
        input.reserve(64 * 1024);
        true
    }

    fn take_pdu(&mut self, pdu: &Pdu<'_>) -> bool {
        match &pdu.body {
            Body::SubmitSm(submit) => self.take_submit(&pdu.header, submit),
            Body::Bind(bind) => {
                let resp = BindResp { mode: bind.mode, system_id: b"crash", tlvs: Tlvs::NONE };
                resp.encode(pdu.header.sequence_number, &mut self.out).unwrap();
                let receipts = self.shared.lock().take_receipts();
                receipts.into_iter().for_each(|receipt| self.put_later(Duration::ZERO, Later::Receipt(receipt)));
            }
            Body::DeliverSmResp(_) => drop(self.receipts.remove(&pdu.header.sequence_number)),
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

    fn take_submit(&mut self, header: &Header, submit: &SubmitSm<'_>) {
        let (fate, receipt_delay) = {
            let mut shared = self.shared.lock();
            (shared.take(submit, self.life), shared.receipt_delay())
        };
        let (message_id, delay) = match fate {
            Fate::Refused(status) => return header.answer(status).encode(&mut self.out),
            Fate::Accepted(message_id, delay) => (message_id, delay),
        };
        self.unanswered += 1;
        let mut answer = BytesMut::new();
        SubmitSmResp::new(message_id.as_bytes()).encode(header.sequence_number, &mut answer).unwrap();
        self.put_later(delay, Later::Answer(answer));
        if submit.registered_delivery.0 & 3 != 0 {
            let (source, destination) = (submit.source.addr.to_vec(), submit.destination.addr.to_vec());
            self.put_later(delay + receipt_delay, Later::Receipt(Receipt { message_id, source, destination }));
        }
    }

    fn put_later(&mut self, delay: Duration, what: Later) {
        self.laters += 1;
        self.later.insert((Instant::now() + delay, self.laters), what);
    }

    /// Writes what is due; how many answers that makes.
    fn write_due(&mut self) -> u64 {
        let now = Instant::now();
        let mut answers = 0;
        while let Some(first) = self.later.first_entry().filter(|first| first.key().0 <= now) {
            match first.remove() {
                Later::Answer(answer) => {
                    answers += 1;
                    self.out.extend_from_slice(&answer);
                }
                Later::Receipt(receipt) => self.write_receipt(receipt),
            }
        }
        answers
    }

    fn write_receipt(&mut self, receipt: Receipt) {
        self.sequence_number += 1;
        let tlvs = TlvBuffer::new()
            .c_octets(TlvTag::RECEIPTED_MESSAGE_ID, receipt.message_id.as_bytes())
            .u8(TlvTag::MESSAGE_STATE, MessageState::DELIVERED.0);
        let deliver = DeliverSm {
            source: Address { addr: &receipt.destination, ..Address::default() },
            destination: Address { addr: &receipt.source, ..Address::default() },
            esm_class: EsmClass::DELIVERY_RECEIPT,
            tlvs: tlvs.tlvs(),
            ..DeliverSm::default()
        };
        deliver.encode(self.sequence_number, &mut self.out).unwrap();
        self.receipts.insert(self.sequence_number, receipt);
    }
}

impl Drop for Session {
    /// Also when the SMSC is closed: what was to be reported still is.
    fn drop(&mut self) {
        let later = std::mem::take(&mut self.later).into_values().filter_map(|later| match later {
            Later::Receipt(receipt) => Some(receipt),
            Later::Answer(_) => None,
        });
        let owed = std::mem::take(&mut self.receipts).into_values();
        self.shared.lock().leave(self.unanswered, owed.chain(later));
    }
}
