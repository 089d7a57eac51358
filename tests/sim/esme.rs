//! The other side of a played SMSC, on a raw socket.

use crate::within;
use bellwire::codec::smpp::{
    self, Address, Bind, BindMode, Body, CommandId, CommandStatus, DeliverSmResp, Encode, EsmClass, Header,
    InterfaceVersion, Pdu, RegisteredDelivery, SubmitSm,
};
use bellwire::sim::{FaultScript, Smsc, SmscSettings};
use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What handsets got: destination and text.
pub type Messages = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

pub async fn smsc_with(settings: SmscSettings) -> (Smsc, Messages) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let messages = Messages::default();
    let taken = messages.clone();
    let port = Box::new(move |message: &bellwire::sim::Delivered<'_>| {
        let destination = String::from_utf8(message.destination.to_vec()).unwrap();
        taken.lock().push((destination, message.short_message.to_vec()));
    });
    (Smsc::start(listener, settings, port).unwrap(), messages)
}

pub async fn smsc(script: &str) -> (Smsc, Messages) {
    let script: FaultScript = script.parse().unwrap();
    smsc_with(SmscSettings { script, ..SmscSettings::default() }).await
}

pub struct Esme {
    socket: TcpStream,
    input: BytesMut,
}

impl Esme {
    pub async fn connect(address: SocketAddr) -> Self {
        Self::of(within(TcpStream::connect(address)).await.unwrap())
    }

    pub fn of(socket: TcpStream) -> Self {
        Self { socket, input: BytesMut::new() }
    }

    /// A transceiver that was let in.
    pub async fn bound(address: SocketAddr) -> Self {
        let mut esme = Self::connect(address).await;
        assert_eq!(esme.bind(BindMode::Transceiver, "esme", "secret").await, CommandStatus::OK);
        esme
    }

    pub async fn bind(&mut self, mode: BindMode, system_id: &str, password: &str) -> CommandStatus {
        let bind = Bind {
            mode,
            system_id: system_id.as_bytes(),
            password: password.as_bytes(),
            system_type: b"",
            interface_version: InterfaceVersion::V3_4,
            address_range: Address::default(),
        };
        self.send(|out| assert!(bind.encode(1, out).is_ok())).await;
        let (header, _) = self.next().await.unwrap();
        assert_eq!(header.command_id, mode.command_id().response());
        header.command_status
    }

    pub async fn send(&mut self, write: impl FnOnce(&mut BytesMut)) {
        let mut out = BytesMut::new();
        write(&mut out);
        within(self.socket.write_all(&out)).await.unwrap();
    }

    /// Sends messages with these sequence numbers, all to one number, in one write; a receipt is asked for.
    pub async fn submit(&mut self, numbers: impl IntoIterator<Item = u32>) {
        self.send(|out| numbers.into_iter().for_each(|number| put_submit(number, out))).await;
    }

    pub async fn enquire(&mut self, number: u32) {
        self.send(|out| Header::bare(CommandId::ENQUIRE_LINK, CommandStatus::OK, number).encode(out)).await;
    }

    /// The next PDU, or `None` when the other side has ended.
    pub async fn next(&mut self) -> Option<(Header, Bytes)> {
        within(self.read()).await.unwrap()
    }

    async fn read(&mut self) -> std::io::Result<Option<(Header, Bytes)>> {
        loop {
            let framed = smpp::frame(&self.input, smpp::PDU_MAX_OCTETS).map_err(std::io::Error::other)?;
            if let Some(octets) = framed {
                let pdu = self.input.split_to(octets).freeze();
                return Ok(Some((Header::decode(&pdu).unwrap(), pdu)));
            }
            if self.socket.read_buf(&mut self.input).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Why the stream cannot be read on.
    pub async fn fault(&mut self) -> std::io::Error {
        within(async {
            loop {
                match self.read().await {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("the stream ended as it should"),
                    Err(error) => return error,
                }
            }
        })
        .await
    }

    /// The next PDU with the command, sequence number and status that it should have.
    pub async fn expect(&mut self, command_id: CommandId, number: u32, status: CommandStatus) -> Bytes {
        let (header, pdu) = self.next().await.expect("the connection should be there");
        assert_eq!((header.command_id, header.sequence_number, header.command_status), (command_id, number, status));
        pdu
    }

    /// The next answer to a submit, which should be the one with this number, and the message id in it.
    pub async fn answer(&mut self, number: u32) -> String {
        let pdu = self.expect(CommandId::SUBMIT_SM_RESP, number, CommandStatus::OK).await;
        let Body::SubmitSmResp(resp) = Pdu::decode(&pdu).unwrap().body else { unreachable!() };
        String::from_utf8(resp.message_id.to_vec()).unwrap()
    }

    /// The next PDU, which should be a receipt: message id and state in its optional parameters. It is answered.
    pub async fn receipt(&mut self) -> (String, u8) {
        let (number, id, state) = self.receipt_unanswered().await;
        self.send(|out| assert!(DeliverSmResp::default().encode(number, out).is_ok())).await;
        (id, state)
    }

    pub async fn receipt_unanswered(&mut self) -> (u32, String, u8) {
        let (header, pdu) = self.next().await.expect("the connection should be there");
        let Body::DeliverSm(deliver) = Pdu::decode(&pdu).unwrap().body else { panic!("{header:?}") };
        let receipt = smpp::Receipt::decode(&deliver).unwrap();
        let id = String::from_utf8(receipt.message_id.unwrap().to_vec()).unwrap();
        (header.sequence_number, id, receipt.state.unwrap().0)
    }

    /// Whether nothing comes for a while. Only for what must not come: everything else is waited for.
    pub async fn is_silent(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(150), self.read()).await.is_err()
    }
}

pub fn put_submit(number: u32, out: &mut BytesMut) {
    put_submit_to("15551234567", number, out);
}

fn put_submit_to(destination: &str, number: u32, out: &mut BytesMut) {
    let text = format!("message {number}");
    let submit = SubmitSm {
        source: Address::international(b"12345"),
        destination: Address::international(destination.as_bytes()),
        esm_class: EsmClass::DEFAULT,
        registered_delivery: RegisteredDelivery::FINAL,
        short_message: text.as_bytes(),
        ..SubmitSm::default()
    };
    submit.encode(number, out).unwrap();
}

impl Esme {
    /// Passes over receipts up to the answer to an enquire_link.
    pub async fn expect_after_receipts(&mut self, number: u32) {
        loop {
            let (header, _) = self.next().await.expect("the connection should be there");
            match header.command_id {
                CommandId::DELIVER_SM => {}
                CommandId::ENQUIRE_LINK_RESP => return assert_eq!(header.sequence_number, number),
                other => panic!("{other}"),
            }
        }
    }
}

/// For SMSCs that may end the connection at any time.
impl Esme {
    /// Binds as transceiver; `None` if no answer comes.
    pub async fn try_bind(&mut self) -> Option<CommandStatus> {
        let bind = Bind {
            mode: BindMode::Transceiver,
            system_id: b"esme",
            password: b"secret",
            system_type: b"",
            interface_version: InterfaceVersion::V3_4,
            address_range: Address::default(),
        };
        let mut out = BytesMut::new();
        bind.encode(1, &mut out).unwrap();
        self.socket.write_all(&out).await.ok()?;
        let header = self.whatever().await?;
        (header.command_id == CommandId::BIND_TRANSCEIVER_RESP).then_some(header.command_status)
    }

    /// Submits one message, to a handset of its own, and waits for its answer, answering what comes meanwhile; `false` when the connection is of no
    /// use any more.
    pub async fn exchange(&mut self, number: u32) -> bool {
        let mut out = BytesMut::new();
        put_submit_to(&format!("1555{number:07}"), number, &mut out);
        if self.socket.write_all(&out).await.is_err() {
            return false;
        }
        while let Some(header) = self.whatever().await {
            match header.command_id {
                CommandId::SUBMIT_SM_RESP | CommandId::GENERIC_NACK if header.sequence_number == number => return true,
                CommandId::DELIVER_SM => {
                    let mut out = BytesMut::new();
                    DeliverSmResp::default().encode(header.sequence_number, &mut out).unwrap();
                    if self.socket.write_all(&out).await.is_err() {
                        return false;
                    }
                }
                CommandId::UNBIND => return false,
                _ => {}
            }
        }
        false
    }

    /// The next PDU, whatever it is; `None` when none comes in time, or none ever.
    async fn whatever(&mut self) -> Option<Header> {
        tokio::time::timeout(Duration::from_millis(1_000), self.read()).await.ok()?.ok()?.map(|(header, _)| header)
    }
}
