//! What is asked of SMSCs about messages that they hold, and how events end by it.

use crate::bench::{Bench, RESPONSE_TIMEOUT, bare, pdu, submit_resp};
use crate::rig::{Rig, WRONG_NUMBER};
use bellwire::codec::smpp::{
    Address, Body, CancelSm, CancelSmResp, CommandId, CommandStatus, MessageState, Pdu, QuerySm, QuerySmResp, Tlvs,
};
use bellwire::engine::receipts::{Errand, ErrandAnswer, ErrandSettings};
use bellwire::engine::tally::{ErrandKind, ErrandResult};
use bellwire::model::{Coalesce, DropReason, Order, Outcome, Policy, Receipts};
use proptest::prelude::*;
use std::time::Duration;

const CANCELLED: ErrandAnswer = ErrandAnswer::Done(MessageState::DELETED);
const MINUTE: Duration = Duration::from_secs(60);

fn rig(policy: Policy) -> Rig {
    let mut rig = Rig::new(Policy { receipts: Receipts::All, ..policy });
    rig.receipts.set_up_errands(0, ErrandSettings { withdraws: true, query_after: None });
    rig
}

fn coalescing(coalesce: &str) -> Policy {
    Policy { coalesce: coalesce.parse::<Coalesce>().unwrap(), ..Policy::default() }
}

/// Sends what is to be sent, and accepts it; under which names.
fn send(rig: &mut Rig) -> Vec<String> {
    let written = rig.poll();
    written.iter().map(|one| rig.accept(one)).collect()
}

fn errands(rig: &mut Rig) -> Vec<Errand> {
    std::iter::from_fn(|| rig.receipts.take_errand(0)).collect()
}

fn names(errands: &[Errand]) -> Vec<String> {
    errands.iter().map(|errand| String::from_utf8(errand.message_id().to_vec()).unwrap()).collect()
}

fn answer(rig: &mut Rig, errand: Errand, answer: ErrandAnswer) {
    rig.receipts.handle_errand(rig.now.monotonic, 0, errand, answer, &mut rig.tally);
}

fn results(rig: &Rig, kind: ErrandKind) -> [u64; ErrandResult::LABELS.len()] {
    rig.tally.errands[kind as usize]
}

#[test]
fn what_an_smsc_holds_of_a_subscription_that_ends_is_taken_back() {
    for reason in [DropReason::Deactivated, DropReason::Lapsed, DropReason::Suppressed] {
        let mut rig = rig(Policy { max_events: 1, order: Order::Pipelined, ..Policy::default() });
        (1..=3).for_each(|number| rig.tick(number));
        let ids = send(&mut rig);
        rig.hear(rig.now.monotonic, ids[0].as_bytes(), MessageState::DELIVERED);
        rig.close(reason);
        let errands = errands(&mut rig);
        assert_eq!(names(&errands), ids[1..]);
        assert!(errands.iter().all(|errand| errand.kind == ErrandKind::Cancel));
        let [second, third] = errands.try_into().unwrap();
        answer(&mut rig, second, CANCELLED);
        answer(&mut rig, third, ErrandAnswer::Refused);
        assert_eq!((rig.dropped(DropReason::Withdrawn), rig.all_settled()), (1, 2));
        rig.hear(rig.now.monotonic, ids[1].as_bytes(), MessageState::DELETED);
        rig.hear(rig.now.monotonic, ids[2].as_bytes(), MessageState::DELIVERED);
        assert_eq!((rig.settled(Outcome::Delivered), rig.all_settled()), (2, 3), "the receipt decides");
        assert_eq!((results(&rig, ErrandKind::Cancel), rig.receipts.waiting()), ([1, 1, 0, 0], 0));
    }
}

#[test]
fn nothing_is_taken_back_when_the_router_stops_or_the_smsc_is_not_to_be_asked() {
    for (withdraws, reason) in
        [(true, DropReason::Shutdown), (true, DropReason::Quarantined), (false, DropReason::Deactivated)]
    {
        let mut rig = rig(Policy::default());
        rig.receipts.set_up_errands(0, ErrandSettings { withdraws, query_after: None });
        rig.tick(1);
        send(&mut rig);
        rig.close(reason);
        assert!(errands(&mut rig).is_empty());
    }
}

#[test]
fn a_push_on_its_way_when_its_subscription_ends_is_taken_back_once_it_is_accepted() {
    let mut rig = rig(Policy::default());
    rig.feed(&[("quote", &"x".repeat(250), "1")]);
    let written = rig.poll();
    rig.accept(&written[0]);
    rig.close(DropReason::Deactivated);
    assert!(errands(&mut rig).is_empty(), "it has not ended");
    rig.accept(&written[1]);
    rig.accept(&written[2]);
    let errands = errands(&mut rig);
    assert_eq!(errands.len(), 3, "each of its segments");
    for errand in errands {
        answer(&mut rig, errand, CANCELLED);
    }
    assert_eq!((rig.dropped(DropReason::Withdrawn), rig.all_settled(), rig.receipts.waiting()), (1, 1, 0));
}

#[test]
fn a_later_push_takes_back_the_one_that_it_supersedes() {
    let mut rig = rig(coalescing("latest"));
    rig.tick(1);
    let first = send(&mut rig);
    rig.tick(2);
    let second = send(&mut rig);
    let errand = rig.receipts.take_errand(0).unwrap();
    assert_eq!(errand.message_id(), first[0].as_bytes());
    answer(&mut rig, errand, CANCELLED);
    assert_eq!((rig.settled(Outcome::Coalesced), rig.all_settled()), (1, 1));
    rig.hear(rig.now.monotonic, second[0].as_bytes(), MessageState::DELIVERED);
    assert_eq!((rig.settled(Outcome::Delivered), rig.all_settled()), (1, 2));
    rig.tick(3);
    send(&mut rig);
    assert!(errands(&mut rig).is_empty(), "what was delivered is not held any more");
}

#[test]
fn a_push_is_superseded_when_something_later_is_about_each_of_its_events() {
    let mut rig = rig(coalescing("type"));
    rig.feed(&[("a", "1", ""), ("b", "1", "")]);
    let first = send(&mut rig);
    rig.feed(&[("a", "2", ""), ("c", "2", "")]);
    let second = send(&mut rig);
    assert!(errands(&mut rig).is_empty(), "nothing later is about b");
    rig.feed(&[("b", "3", "")]);
    send(&mut rig);
    let errands = errands(&mut rig);
    assert_eq!(names(&errands), first);
    for errand in errands {
        answer(&mut rig, errand, CANCELLED);
    }
    assert_eq!(rig.settled(Outcome::Coalesced), 2);
    rig.hear(rig.now.monotonic, second[0].as_bytes(), MessageState::DELIVERED);
    assert_eq!(rig.settled(Outcome::Delivered), 2);
}

#[test]
fn events_without_a_key_are_superseded_by_nothing() {
    let mut rig = rig(coalescing("field:k"));
    rig.feed(&[("quote", r#"{"k":1}"#, ""), ("quote", "no object", "")]);
    send(&mut rig);
    rig.feed(&[("quote", r#"{"k":1}"#, "")]);
    let second = send(&mut rig);
    assert!(errands(&mut rig).is_empty());
    rig.feed(&[("quote", r#"{"k":2}"#, "")]);
    send(&mut rig);
    assert!(errands(&mut rig).is_empty());
    rig.feed(&[("quote", r#"{"k":1}"#, "")]);
    send(&mut rig);
    assert_eq!(names(&errands(&mut rig)), second);
}

#[test]
fn segments_of_a_push_that_fails_are_taken_back_unless_it_may_have_arrived() {
    let mut rig = rig(Policy::default());
    for lost in [false, true] {
        rig.feed(&[("quote", &"x".repeat(250), "1")]);
        let written = rig.poll();
        let accepted = [rig.accept(&written[0]), rig.accept(&written[1])];
        if lost {
            rig.lose(&written[2], false);
        } else {
            rig.refuse(&written[2], WRONG_NUMBER);
        }
        let errands = errands(&mut rig);
        assert_eq!(names(&errands), if lost { &[] } else { &accepted[..] });
        for errand in errands {
            answer(&mut rig, errand, CANCELLED);
        }
    }
    assert_eq!((rig.settled(Outcome::Failed), rig.settled(Outcome::Unknown), rig.all_settled()), (1, 1, 2));
}

#[test]
fn a_receipt_that_does_not_come_is_asked_for_once_and_the_answer_is_one() {
    let mut rig = rig(Policy { max_events: 1, order: Order::Pipelined, ..Policy::default() });
    rig.receipts.set_up_errands(0, ErrandSettings { withdraws: false, query_after: Some(MINUTE) });
    (1..=4).for_each(|number| rig.tick(number));
    let ids = send(&mut rig);
    rig.hear(rig.now.monotonic, ids[1].as_bytes(), MessageState::DELIVERED);
    let wait = |rig: &mut Rig, by| {
        rig.advance(by);
        rig.receipts.handle_timeout(rig.now.monotonic, 0, &mut rig.tally);
        errands(rig)
    };
    assert!(wait(&mut rig, MINUTE - Duration::from_secs(1)).is_empty());
    let asked = wait(&mut rig, Duration::from_secs(1));
    assert_eq!(names(&asked), [&ids[0], &ids[2], &ids[3]].map(String::clone));
    assert!(wait(&mut rig, MINUTE).is_empty(), "once");
    let [first, third, fourth] = asked.try_into().unwrap();
    answer(&mut rig, first, ErrandAnswer::Done(MessageState::DELIVERED));
    answer(&mut rig, third, ErrandAnswer::Done(MessageState::ENROUTE));
    rig.hear(rig.now.monotonic, ids[3].as_bytes(), MessageState::UNDELIVERABLE);
    answer(&mut rig, fourth, ErrandAnswer::Done(MessageState::DELIVERED));
    let ends = [Outcome::Delivered, Outcome::Failed].map(|outcome| rig.settled(outcome));
    assert_eq!((ends, rig.all_settled()), ([2, 1], 3), "whoever came first");
    rig.hear(rig.now.monotonic, ids[0].as_bytes(), MessageState::DELIVERED);
    rig.receipts.handle_timeout(rig.now.monotonic + Duration::from_secs(3600), 0, &mut rig.tally);
    assert_eq!((rig.settled(Outcome::Accepted), rig.all_settled(), rig.receipts.waiting()), (1, 4, 0));
    assert_eq!(results(&rig, ErrandKind::Query), [3, 0, 0, 0]);
}

#[test]
fn errands_beyond_ten_thousand_are_dropped_and_counted() {
    let mut rig =
        Rig::new(Policy { max_events: 1, order: Order::Pipelined, receipts: Receipts::All, ..Policy::default() });
    rig.receipts = bellwire::engine::receipts::Receipts::new(Duration::from_secs(3600), 20_000);
    rig.receipts.set_up_errands(0, ErrandSettings { withdraws: true, query_after: None });
    (1..=10_005).for_each(|number| {
        rig.tick(number);
        send(&mut rig);
    });
    rig.close(DropReason::Deactivated);
    assert_eq!(errands(&mut rig).len(), 10_000);
    rig.receipts.handle_timeout(rig.now.monotonic, 0, &mut rig.tally);
    assert_eq!(results(&rig, ErrandKind::Cancel), [0, 0, 0, 5]);
}

#[test]
fn an_errand_that_is_lost_changes_nothing() {
    let mut rig = rig(Policy::default());
    rig.tick(1);
    let ids = send(&mut rig);
    rig.close(DropReason::Deactivated);
    let errand = rig.receipts.take_errand(0).unwrap();
    answer(&mut rig, errand, ErrandAnswer::Lost);
    assert_eq!((rig.all_settled(), results(&rig, ErrandKind::Cancel)), (0, [0, 0, 1, 0]));
    rig.hear(rig.now.monotonic, ids[0].as_bytes(), MessageState::DELIVERED);
    assert_eq!(rig.settled(Outcome::Delivered), 1);
}

/// Errands about two messages, a query and a cancellation.
fn two_errands() -> [Errand; 2] {
    let mut rig = rig(Policy { max_events: 1, order: Order::Pipelined, ..Policy::default() });
    rig.receipts.set_up_errands(0, ErrandSettings { withdraws: true, query_after: Some(MINUTE) });
    rig.tick(1);
    send(&mut rig);
    rig.receipts.handle_timeout(rig.now.monotonic + MINUTE, 0, &mut rig.tally);
    rig.close(DropReason::Deactivated);
    errands(&mut rig).try_into().unwrap()
}

const SOURCE: Address<'static> = Address::international(b"12345");

#[test]
fn an_errand_takes_room_in_the_window_until_it_is_answered() {
    let mut bench = Bench::bound();
    let submit = bench.submit(7);
    assert_eq!((bench.session.room(bench.now), bench.session.errand_room(bench.now)), (3, 2), "half of the room");
    let [query, cancel] = two_errands();
    bench.session.write_errand(bench.now, query, SOURCE, &mut bench.out).unwrap();
    let Body::QuerySm(asked) = Pdu::decode(&bench.out).unwrap().body else { panic!() };
    assert_eq!(asked, QuerySm { message_id: b"id-1", source: SOURCE });
    bench.out.clear();
    bench.session.write_errand(bench.now, cancel, SOURCE, &mut bench.out).unwrap();
    let Body::CancelSm(asked) = Pdu::decode(&bench.out).unwrap().body else { panic!() };
    assert_eq!(asked, CancelSm { message_id: b"id-1", source: SOURCE, ..CancelSm::default() });
    bench.out.clear();
    assert_eq!((bench.session.room(bench.now), bench.session.open()), (1, 3));
    let next = bench.submit(8);
    assert_eq!((submit, next), (2, 5), "they are counted with the submits");
    let state = QuerySmResp { message_state: MessageState::DELIVERED, message_id: b"id-1", ..QuerySmResp::REFUSED };
    bench.hear(&pdu(&state, CommandStatus::OK, 3)).unwrap();
    bench.hear(&pdu(&state, CommandStatus::OK, 3)).unwrap();
    bench.hear(&pdu(&CancelSmResp { tlvs: Tlvs::NONE }, CommandStatus::OK, 4)).unwrap();
    bench.hear(&submit_resp(0, next)).unwrap();
    bench.hear(&submit_resp(0, submit)).unwrap();
    let state = |state: MessageState| format!("{:?}", ErrandAnswer::Done(state));
    assert_eq!(
        bench.told.0,
        [
            format!("Query(id-1) {}", state(MessageState::DELIVERED)),
            format!("Cancel(id-1) {}", state(MessageState::DELETED)),
            "8 accepted as id".to_owned(),
            "7 accepted as id".to_owned(),
        ]
    );
    assert_eq!((bench.session.room(bench.now), bench.session.open()), (4, 0));
}

#[test]
fn an_errand_is_refused_by_a_status_a_nack_or_another_response() {
    let written = || {
        let mut bench = Bench::bound();
        let [_, cancel] = two_errands();
        bench.session.write_errand(bench.now, cancel, SOURCE, &mut bench.out).unwrap();
        bench
    };
    let query =
        pdu(&QuerySmResp { message_state: MessageState::DELIVERED, ..QuerySmResp::REFUSED }, CommandStatus::OK, 2);
    let refusals = [
        bare(CommandId::CANCEL_SM_RESP, 0x11, 2).to_vec(),
        bare(CommandId::GENERIC_NACK, 0x03, 2).to_vec(),
        query.to_vec(),
    ];
    for refusal in refusals {
        let mut bench = written();
        bench.hear(&refusal).unwrap();
        assert_eq!((bench.told.0, bench.session.open()), (vec!["Cancel(id-1) Refused".to_owned()], 0));
    }
    let mut bench = written();
    bench.hear(&submit_resp(0, 2)).unwrap();
    assert!(bench.told.0.is_empty(), "no submit had the number");
}

#[test]
fn an_errand_without_an_answer_is_lost_with_its_link_or_its_time() {
    for times_out in [true, false] {
        let mut bench = Bench::bound();
        for errand in two_errands() {
            bench.session.write_errand(bench.now, errand, SOURCE, &mut bench.out).unwrap();
        }
        if times_out {
            bench.advance(RESPONSE_TIMEOUT).unwrap();
        } else {
            let Bench { session, now, told, .. } = &mut bench;
            session.handle_lost(*now, told);
        }
        assert_eq!(
            (bench.told.0, bench.session.open()),
            (vec!["Query(id-1) Lost".into(), "Cancel(id-1) Lost".into()], 0)
        );
    }
}

/// Something that happens.
#[derive(Clone, Debug)]
enum Step {
    Event(u8),
    Poll,
    Accept(usize),
    Refuse(usize),
    Lose(usize),
    Receipt(usize, u8),
    Answer(usize, u8),
    Wait(u64),
    Close,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => any::<u8>().prop_map(Step::Event),
        4 => Just(Step::Poll),
        6 => any::<usize>().prop_map(Step::Accept),
        1 => any::<usize>().prop_map(Step::Refuse),
        1 => any::<usize>().prop_map(Step::Lose),
        3 => (any::<usize>(), 0..10_u8).prop_map(|(at, state)| Step::Receipt(at, state)),
        4 => (any::<usize>(), 0..12_u8).prop_map(|(at, state)| Step::Answer(at, state)),
        2 => (1..200_u64).prop_map(Step::Wait),
        1 => Just(Step::Close),
    ];
    prop::collection::vec(step, 0..120)
}

fn one_of<T>(all: &mut Vec<T>, at: usize) -> Option<T> {
    if all.is_empty() { None } else { Some(all.swap_remove(at % all.len())) }
}

proptest! {
    #[test]
    fn each_event_ends_once_whatever_is_asked_and_answered(
        steps in steps(), coalesce in prop::sample::select(vec!["none", "latest", "type", "field:k"]),
        order in prop::sample::select(vec![Order::Strict, Order::Pipelined]),
    ) {
        let mut rig = rig(Policy { order, ..coalescing(coalesce) });
        rig.receipts.set_up_errands(0, ErrandSettings { withdraws: true, query_after: Some(MINUTE) });
        let (mut written, mut ids, mut open, mut closed) = (Vec::new(), Vec::new(), Vec::new(), false);
        for step in steps {
            match step {
                Step::Event(number) if !closed => {
                    let data = format!("{{\"k\":{}}}{}", number % 3, " ".repeat(usize::from(number % 4) * 80));
                    rig.feed(&[(["a", "b"][usize::from(number % 2)], &data, "")]);
                }
                Step::Poll => written.extend(rig.poll()),
                Step::Accept(at) => ids.extend(one_of(&mut written, at).map(|one| rig.accept(&one))),
                Step::Refuse(at) => drop(one_of(&mut written, at).map(|one| rig.refuse(&one, WRONG_NUMBER))),
                Step::Lose(at) => drop(one_of(&mut written, at).map(|one| rig.lose(&one, at % 2 == 0))),
                Step::Receipt(at, state) if !ids.is_empty() => {
                    let id: &String = &ids[at % ids.len()];
                    rig.hear(rig.now.monotonic, id.as_bytes(), MessageState(state));
                }
                Step::Answer(at, state) => {
                    open.extend(errands(&mut rig));
                    let said = match state {
                        10 => ErrandAnswer::Refused,
                        11 => ErrandAnswer::Lost,
                        state => ErrandAnswer::Done(MessageState(state)),
                    };
                    one_of(&mut open, at).into_iter().for_each(|errand| answer(&mut rig, errand, said));
                }
                Step::Wait(seconds) => {
                    rig.advance(Duration::from_secs(seconds));
                    rig.receipts.handle_timeout(rig.now.monotonic, 0, &mut rig.tally);
                }
                Step::Close => {
                    let next = rig.fed();
                    rig.close_before(DropReason::Deactivated, next);
                    closed = true;
                }
                Step::Event(_) | Step::Receipt(..) => {}
            }
            prop_assert!(rig.all_settled() <= rig.fed());
        }
        while { written.extend(rig.poll()); !written.is_empty() } {
            std::mem::take(&mut written).iter().for_each(|one| drop(rig.accept(one)));
            rig.advance(MINUTE);
        }
        rig.receipts.handle_timeout(rig.now.monotonic + Duration::from_secs(4000), 0, &mut rig.tally);
        prop_assert_eq!((rig.all_settled(), rig.receipts.waiting()), (rig.fed(), 0));
        open.extend(errands(&mut rig));
        open.into_iter().for_each(|errand| answer(&mut rig, errand, CANCELLED));
        prop_assert_eq!(rig.all_settled(), rig.fed());
    }
}
