//! What holds for any octets that an SMSC may send: called by the property tests and by the fuzz target.

use super::{Session, SessionSettings, Sink, State};
use crate::codec::smpp::{
    self, Address, BindMode, BindResp, CommandId, CommandStatus, Encode, Header, InterfaceVersion, PDU_MAX_OCTETS,
    Receipt, Tlvs,
};
use crate::engine::clock::Now;
use crate::engine::pacing::PacingSettings;
use crate::engine::receipts::{Errand, ErrandAnswer, ErrandSettings, MessageIds, PushOf, Receipts};
use crate::engine::subscription::Answer;
use crate::engine::tally::{ErrandKind, Tally};
use crate::engine::verdict::{Judge, Verdict};
use crate::model::SubscriptionId;
use bytes::BytesMut;
use std::time::Duration;

/// Submits that are on their way when the octets come; they have the numbers from [`FIRST_NUMBER`] on.
const SUBMITS: usize = 8;
/// Errands behind them: a query and a cancellation.
const ERRANDS: usize = 2;
/// The bind had the first.
pub const FIRST_NUMBER: u32 = 2;

/// What a bound session did about octets.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// The headers of what it wrote, in order.
    pub said: Vec<Header>,
    /// What its sink was told, in words and in order.
    pub told: Vec<String>,
    /// Why it ended, if it did.
    pub end: Option<String>,
    answers: [u32; SUBMITS],
    errands: [u32; ERRANDS],
}

impl Sink<usize> for Played {
    fn handle_answer(&mut self, _: Now, item: usize, _: Duration, answer: Answer<'_>) -> Verdict {
        self.told.push(format!("{item}: {answer:?}"));
        if let Some(answers) = self.answers.get_mut(item) {
            *answers += 1;
        }
        match answer {
            Answer::Refused { verdict, .. } => verdict,
            Answer::Accepted { .. } | Answer::Unknown { .. } => Verdict::Accept,
        }
    }

    fn handle_receipt(&mut self, _: Now, receipt: &Receipt<'_>) {
        self.told.push(format!("{receipt:?}"));
    }

    fn handle_errand(&mut self, _: Now, errand: Errand, answer: ErrandAnswer) {
        self.told.push(format!("{errand:?} {answer:?}"));
        self.errands[errand.kind as usize] += 1;
    }
}

/// Gives `stream` to a bound session in pieces of these sizes, and what is left in one; then the connection is lost.
pub fn play(stream: &[u8], piece_octets: &[u8]) -> Played {
    let (mut played, mut out, mut received) = (Played::default(), BytesMut::new(), Vec::new());
    let now = Now { monotonic: Duration::from_secs(1000), unix_ms: 1_790_000_000_000 };
    let mut session = bound(now);
    let mut sizes = piece_octets.iter().map(|size| usize::from(*size).max(1)).chain(std::iter::repeat(usize::MAX));
    let mut rest = stream;
    while !rest.is_empty() && played.end.is_none() {
        let (piece, after) = rest.split_at(sizes.next().unwrap_or(usize::MAX).min(rest.len()));
        rest = after;
        received.extend_from_slice(piece);
        match session.handle_input(now, &received, &mut out, &mut played) {
            Ok(taken) => drop(received.drain(..taken)),
            Err(error) => played.end = Some(error.to_string()),
        }
    }
    if let Some(error) = session.take_ending() {
        played.end.get_or_insert(error.to_string());
    }
    session.handle_lost(now, &mut played);
    played.said = headers(&out);
    played
}

/// However the octets are cut, the session does the same; every request is answered, once and in order; and every
/// submit has one fate.
pub fn check_session(stream: &[u8], piece_octets: &[u8]) {
    let whole = play(stream, &[]);
    assert_eq!(play(stream, piece_octets), whole, "cuts make a difference");
    assert_eq!(whole.answers, [1; SUBMITS], "every submit is answered or lost, once");
    assert_eq!(whole.errands, [1; ERRANDS], "every errand is, too");
    let mut asked = requests(stream).into_iter();
    // It unbinds by itself when a submit is answered as if there were no session; that answers nothing.
    let unbinds = whole.said.iter().filter(|header| header.command_id == CommandId::UNBIND).count();
    assert!(unbinds <= usize::from(whole.end.is_some()), "it says goodbye once");
    for answer in whole.said.iter().filter(|header| header.command_id != CommandId::UNBIND) {
        let Some(request) = asked.next() else {
            assert_eq!(*answer, Header::nack(CommandStatus::INVCMDLEN, 0), "only a stream out of step is told so");
            continue;
        };
        assert_eq!(answer.sequence_number, request.sequence_number, "answers come in order");
        let is_response = [request.command_id.response(), CommandId::GENERIC_NACK].contains(&answer.command_id);
        assert!(is_response, "{answer:?} is no answer to {request:?}");
    }
    assert!(whole.end.is_some() || asked.next().is_none(), "every request is answered");
}

fn bound(now: Now) -> Session<usize> {
    let settings = SessionSettings {
        mode: BindMode::Transceiver,
        system_id: "esme".into(),
        password: "secret".into(),
        system_type: String::new(),
        version: InterfaceVersion::V3_4,
        needs_tlvs: false,
        window: SUBMITS + ERRANDS,
        pacing: PacingSettings::default(),
        judge: Judge::default(),
        enquire_link: Duration::from_secs(30),
        response_timeout: Duration::from_secs(10),
        bind_timeout: Duration::from_secs(5),
        resend_unknown: true,
    };
    let (mut answer, mut out, mut nobody) = (BytesMut::new(), BytesMut::new(), Played::default());
    let mut session = match Session::new(settings, now, &mut out) {
        Ok(session) => session,
        Err(error) => panic!("these settings fit: {error}"),
    };
    let response = BindResp { mode: BindMode::Transceiver, system_id: b"smsc", tlvs: Tlvs::NONE };
    assert!(response.encode(FIRST_NUMBER - 1, &mut answer).is_ok());
    assert_eq!(session.handle_input(now, &answer, &mut out, &mut nobody), Ok(answer.len()));
    assert_eq!(session.state(), State::Bound);
    for item in 0..SUBMITS {
        let number = session.next_sequence_number();
        assert_eq!(number, FIRST_NUMBER + item as u32);
        session.track(now, number, item);
    }
    for errand in errands(now) {
        assert!(session.write_errand(now, errand, Address::default(), &mut out).is_ok());
    }
    session
}

/// Something to be asked about a message.
fn errands(now: Now) -> Vec<Errand> {
    let (mut receipts, mut tally, second) = (Receipts::new(Duration::MAX, 1), Tally::default(), Duration::from_secs(1));
    receipts.set_up(0, 2 * second, MessageIds::Literal);
    receipts.set_up_errands(0, ErrandSettings { withdraws: true, query_after: Some(second) });
    let of = PushOf { subscription: SubscriptionId::from_octets([1; 16]), first: 0, events: 1 };
    let fate = receipts.open(1);
    receipts.handle_accepted(now.monotonic, fate, (0, b"id"), &of, &mut tally);
    receipts.handle_released(now.monotonic, fate, of.events, &mut tally);
    receipts.handle_timeout(now.monotonic + second, 0, &mut tally);
    receipts.withdraw(fate);
    let errands: Vec<_> = std::iter::from_fn(|| receipts.take_errand(0)).collect();
    assert!(matches!(&errands[..], [query, cancel]
        if (query.kind, cancel.kind) == (ErrandKind::Query, ErrandKind::Cancel)));
    errands
}

/// The headers of whole PDUs; there is nothing else in what a session writes.
fn headers(mut out: &[u8]) -> Vec<Header> {
    let mut all = Vec::new();
    while let Ok(Some(octets)) = smpp::frame(out, PDU_MAX_OCTETS) {
        all.extend(Header::decode(out));
        out = out.get(octets..).unwrap_or_default();
    }
    assert!(out.is_empty(), "whole PDUs are written");
    all
}

/// What wants an answer in `stream`.
fn requests(mut stream: &[u8]) -> Vec<Header> {
    let mut all = Vec::new();
    while let Ok(Some(octets)) = smpp::frame(stream, PDU_MAX_OCTETS) {
        all.extend(Header::decode(stream).filter(|header| header.command_id.wants_response()));
        stream = stream.get(octets..).unwrap_or_default();
    }
    all
}
