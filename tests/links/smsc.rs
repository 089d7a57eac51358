//! A scripted SMSC: the test takes each connection, reads each PDU and says what comes back.

use bellwire::codec::smpp::{
    Address, AlertNotification, Bind, BindMode, BindResp, Body, CommandId, CommandStatus, DeliverSm, Encode, EsmClass,
    Header, MessageState, Npi, PDU_MAX_OCTETS, Pdu, SubmitSmResp, TlvBuffer, TlvTag, Tlvs, Ton, frame,
};
use bellwire::codec::sse::{Limits, Parser};
use bellwire::codec::{udh, wsp};
use bytes::{Bytes, BytesMut};
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Waits for `future`, but not for ever.
pub async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it should have happened by now")
}

pub struct ScriptedSmsc {
    listener: TcpListener,
}

impl ScriptedSmsc {
    pub fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // Small, so that a peer that does not read is noticed soon.
        socket.set_recv_buffer_size(16 * 1024).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self { listener: socket.listen(64).unwrap() }
    }

    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// The next connection, before its bind.
    pub async fn accept(&self) -> Conversation {
        let (stream, _) = within(self.listener.accept()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Conversation::over(stream)
    }

    /// The next connection, bound as it asks.
    pub async fn accept_bound(&self) -> Conversation {
        let mut link = self.accept().await;
        let (mode, number) = link.expect_bind().await;
        link.accept_bind(mode, number).await;
        link
    }
}

/// A submit_sm that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submit {
    pub number: u32,
    pub destination: String,
    pub short_message: Vec<u8>,
}

impl Submit {
    fn decode(octets: &[u8]) -> Self {
        let pdu = Pdu::decode(octets).unwrap();
        let Body::SubmitSm(submit) = pdu.body else { panic!("{pdu:?}") };
        Self {
            number: pdu.header.sequence_number,
            destination: String::from_utf8(submit.destination.addr.to_vec()).unwrap(),
            short_message: submit.short_message.to_vec(),
        }
    }

    /// The data of the events in it, if it is a push by itself.
    pub fn data(&self) -> Vec<String> {
        let (_, pdu) = udh::decode(&self.short_message).unwrap();
        let body = wsp::decode(pdu).unwrap().body.to_vec();
        let events = Parser::new(Limits::default()).feed(Bytes::from(body));
        events.iter().map(|event| String::from_utf8(event.data.to_vec()).unwrap()).collect()
    }
}

pub struct Conversation {
    pub stream: TcpStream,
    input: BytesMut,
    probes: u32,
}

impl Conversation {
    /// Over a connection that is there.
    pub fn over(stream: TcpStream) -> Self {
        Self { stream, input: BytesMut::new(), probes: 1_000_000 }
    }

    /// The next PDU; `None` when the connection is over.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(length) = frame(&self.input, PDU_MAX_OCTETS).unwrap() {
                return Some(self.input.split_to(length).to_vec());
            }
            match within(self.stream.read_buf(&mut self.input)).await {
                Ok(read) if read > 0 => {}
                _ => return None, // closed or reset
            }
        }
    }

    /// The header of the next PDU, which is to be this command.
    pub async fn expect(&mut self, command_id: CommandId) -> Header {
        let pdu = self.next().await.unwrap_or_else(|| panic!("closed instead of {command_id}"));
        let header = Header::decode(&pdu).unwrap();
        assert_eq!(header.command_id, command_id);
        header
    }

    pub async fn expect_bind(&mut self) -> (BindMode, u32) {
        self.next_bind().await.expect("a bind")
    }

    /// The bind that comes next; none when the connection is over.
    pub async fn next_bind(&mut self) -> Option<(BindMode, u32)> {
        let pdu = self.next().await?;
        let pdu = Pdu::decode(&pdu).unwrap();
        let Body::Bind(Bind { mode, system_id, password, .. }) = pdu.body else { panic!("{pdu:?}") };
        assert_eq!((system_id, password), (&b"bellwire"[..], &b"secret"[..]));
        Some((mode, pdu.header.sequence_number))
    }

    pub async fn accept_bind(&mut self, mode: BindMode, number: u32) {
        self.say(&BindResp { mode, system_id: b"smsc", tlvs: Tlvs::NONE }, CommandStatus::OK, number).await;
    }

    pub async fn refuse_bind(&mut self, mode: BindMode, number: u32, status: CommandStatus) {
        self.say(&BindResp { mode, system_id: b"", tlvs: Tlvs::NONE }, status, number).await;
    }

    pub async fn expect_submit(&mut self) -> Submit {
        let pdu = self.next().await.expect("a submit_sm");
        Submit::decode(&pdu)
    }

    /// Reads the submits that are on their way already, and leaves them unanswered.
    pub async fn submits_on_their_way(&mut self) -> Vec<Submit> {
        self.probes += 1;
        self.say_header(CommandId::ENQUIRE_LINK, CommandStatus::OK, self.probes).await;
        let mut all = Vec::new();
        loop {
            let pdu = self.next().await.expect("an answer");
            if Header::decode(&pdu).unwrap().command_id == CommandId::ENQUIRE_LINK_RESP {
                return all;
            }
            all.push(Submit::decode(&pdu));
        }
    }

    pub async fn expect_submits(&mut self, count: usize) -> Vec<Submit> {
        let mut all = Vec::new();
        while all.len() < count {
            all.push(self.expect_submit().await);
        }
        all
    }

    /// Accepts as the message `id-` and its number.
    pub async fn accept_submit(&mut self, submit: &Submit) {
        let id = format!("id-{}", submit.number);
        self.say(&SubmitSmResp::new(id.as_bytes()), CommandStatus::OK, submit.number).await;
    }

    pub async fn refuse_submit(&mut self, submit: &Submit, status: u32) {
        self.say(&SubmitSmResp::new(b""), CommandStatus(status), submit.number).await;
    }

    /// Says by receipt that a message was delivered.
    pub async fn deliver_receipt(&mut self, message_id: &str, number: u32) {
        let tlvs = TlvBuffer::new()
            .c_octets(TlvTag::RECEIPTED_MESSAGE_ID, message_id.as_bytes())
            .u8(TlvTag::MESSAGE_STATE, MessageState::DELIVERED.0);
        let receipt = DeliverSm { esm_class: EsmClass::DELIVERY_RECEIPT, tlvs: tlvs.tlvs(), ..DeliverSm::default() };
        self.say(&receipt, CommandStatus::OK, number).await;
    }

    /// Delivers a message of the handset with this number, and waits for the answer.
    pub async fn deliver_message(&mut self, number: &str) {
        let source = Address { ton: Ton::NATIONAL, npi: Npi::E164, addr: number.as_bytes() };
        self.say(&DeliverSm { source, short_message: b"hello", ..DeliverSm::default() }, CommandStatus::OK, 77).await;
    }

    /// Says of a message to the handset with this number, whichever it was, that it was delivered.
    pub async fn deliver_receipt_of(&mut self, number: &str) {
        let source = Address::international(number.as_bytes());
        let tlvs = TlvBuffer::new()
            .c_octets(TlvTag::RECEIPTED_MESSAGE_ID, b"of another process")
            .u8(TlvTag::MESSAGE_STATE, MessageState::DELIVERED.0);
        let esm_class = EsmClass::DELIVERY_RECEIPT;
        let receipt = DeliverSm { source, esm_class, tlvs: tlvs.tlvs(), ..DeliverSm::default() };
        self.say(&receipt, CommandStatus::OK, 79).await;
    }

    /// Says that the handset with this number can be reached.
    pub async fn alert(&mut self, number: &str) {
        let source = Address::international(number.as_bytes());
        let alert = AlertNotification { source, esme: Address::default(), tlvs: Tlvs::NONE };
        self.say(&alert, CommandStatus::OK, 78).await;
    }

    /// Makes sure that the link has nothing more to say: what it has would come before, or right behind, the answers.
    pub async fn expect_nothing(&mut self) {
        for _ in 0..3 {
            self.probes += 1;
            self.say_header(CommandId::ENQUIRE_LINK, CommandStatus::OK, self.probes).await;
            let header = self.expect(CommandId::ENQUIRE_LINK_RESP).await;
            assert_eq!((header.sequence_number, header.command_status), (self.probes, CommandStatus::OK));
        }
    }

    /// The connection is closed, and nothing more is said.
    pub async fn expect_end(&mut self) {
        let more = self.next().await;
        assert!(more.is_none(), "{:?}", more.map(|pdu| Header::decode(&pdu)));
    }

    pub async fn say(&mut self, body: &impl Encode, status: CommandStatus, number: u32) {
        let mut out = BytesMut::new();
        body.encode_with_status(status, number, &mut out).unwrap();
        self.say_octets(&out).await;
    }

    pub async fn say_header(&mut self, command_id: CommandId, status: CommandStatus, number: u32) {
        let mut out = BytesMut::new();
        Header::bare(command_id, status, number).encode(&mut out);
        self.say_octets(&out).await;
    }

    pub async fn say_octets(&mut self, octets: &[u8]) {
        within(self.stream.write_all(octets)).await.unwrap();
    }
}
