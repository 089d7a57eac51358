use super::super::fault::{Fault, LinkFault};
use super::super::latency::Latency;
use super::*;
use crate::codec::smpp::{CommandStatus, InterfaceVersion};
use std::time::Duration;

const MS: fn(u64) -> Duration = Duration::from_millis;

fn read(text: &str) -> FaultScript {
    text.parse().unwrap()
}

fn wrong(text: &str) -> String {
    text.parse::<FaultScript>().unwrap_err().to_string()
}

#[test]
fn what_a_script_says_is_understood() {
    let script = read(
        "\
seed = 0x10
clock = \"2026-01-31T12:00:00Z\"

[receipts]
form = \"tlv\"
ids = \"decimal\"
delay = \"50ms\"

[[fault]]
kind = \"throttle\"
at = 5
count = 10

[[fault]]
kind = \"close\"
at = [7, 9]
accept = false

[[fault]]
kind = \"refuse\"
statuses = [8, 0x45]
probability = 0.5
from = 3
to = 30",
    );
    assert_eq!((script.seed, script.clock), (Some(16), Some(1_769_860_800)));
    assert_eq!((script.receipts.form, script.latency.receipt), (ReceiptForm::Tlv, Latency::Fixed(MS(50))));
    assert!(script.ids.receipt.is_some());
    let [throttle, close, refuse] = script.rules.as_slice() else { panic!("three rules") };
    assert_eq!((&throttle.fault, throttle.count), (&Fault::Refuse(CommandStatus::THROTTLED), 10));
    assert_eq!(close.fault, Fault::Link { fault: LinkFault::Close, accept: false });
    assert_eq!(close.at, [7, 9]);
    assert_eq!(refuse.fault, Fault::RefuseOneOf([CommandStatus::SYSERR, CommandStatus::SUBMITFAIL].into()));
    assert_eq!(refuse.within, 3..=30);
}

#[test]
fn each_shape_of_latency_is_understood() {
    let script = read(
        "\
[latency]
answer = { uniform = [\"1ms\", \"9ms\"] }
receipt = { lognormal = { median = \"20ms\", p99 = \"400ms\" } }
delivery = { normal = { mean = \"50ms\", deviation = \"10ms\" } }
bind = { exponential = \"20ms\" }
in_order = true",
    );
    let LatencyScript { answer, receipt, delivery, bind, in_order } = script.latency;
    assert_eq!(answer, Latency::Uniform { from: MS(1), to: MS(9) });
    assert_eq!(receipt, Latency::LogNormal { median: MS(20), p99: MS(400) });
    assert_eq!(delivery, Latency::Normal { mean: MS(50), deviation: MS(10) });
    assert_eq!((bind, in_order), (Latency::Exponential { mean: MS(20) }, true));
}

#[test]
fn limits_and_doors_are_understood() {
    let script = read(
        "\
[rate]
per_second = 500
burst = 50
status = 0x45
per = \"link\"
[window]
outstanding = 10
over = \"close\"
[congestion]
of_rate = true
[destinations]
queue = 5
off = [\"15551234567\"]
off_share = 0.1
on_after = \"30s\"
alert = \"always\"
[binds]
interface_version = \"5.0\"
max = 2
ban_after = 3
[[account]]
system_id = \"esme\"
password = \"secret\"
[[outbind]]
connect = \"127.0.0.1:2776\"",
    );
    let rate = script.rate.unwrap();
    assert_eq!((rate.per_second, rate.burst, rate.per, rate.status), (500.0, 50.0, Scope::Link, CommandStatus(0x45)));
    assert_eq!(script.window, Some(WindowScript { outstanding: 10, over: Over::Close }));
    assert_eq!(script.congestion, Congestion::OfRate);
    assert_eq!((script.destinations.queue, script.destinations.on_after), (Some(5), Some(MS(30_000))));
    assert!(script.destinations.off.contains(&b"15551234567"[..]));
    assert_eq!((script.binds.interface_version, script.binds.max), (InterfaceVersion::V5_0, Some(2)));
    assert_eq!((script.accounts.len(), script.outbinds.len()), (1, 1));
    assert!(!format!("{script:?}").contains("secret"));
}

#[test]
fn what_makes_no_sense_is_told_with_line_key_value_and_what_is_allowed() {
    for (text, told) in [
        ("[[fault]]\nkind = \"silent\"", "line 1: fault[1]: none of at, every and probability says when"),
        ("\n[[fault]]\nat = 1", "line 2: fault[1]: kind is missing"),
        ("[[fault]]\nkind = \"delay\"\nat = 1", "line 1: fault[1]: delay is missing"),
        (
            "[[fault]]\nkind = \"silent\"\nprobability = 1.5",
            "line 3: fault[1].probability = 1.5 is not allowed: a number from 0 to 1 is",
        ),
        (
            "[[fault]]\nkind = \"silent\"\nevery = 0",
            "line 3: fault[1].every = 0 is not allowed: a whole number from 1 is",
        ),
        (
            "[[fault]]\nkind = \"shuffle\"\nat = 1\nwithin = 1",
            "line 4: fault[1].within = 1 is not allowed: a whole number from 2 to 1024 is",
        ),
        (
            "[receipts]\nform = \"letter\"",
            "line 2: receipts.form = \"letter\" is not allowed: one of tlv, text, both, none is",
        ),
        (
            "[receipts]\n\ndelay = \"1 fortnight\"",
            "line 3: receipts.delay = \"1 fortnight\" is not allowed: a duration such as \"250ms\" or \"2s\" is",
        ),
        ("rate = 5", "line 1: rate = 5 is not allowed: a table is"),
        ("[rate]\nburst = 5", "line 1: rate: per_second is missing"),
        ("[congestion]\nof_rate = true", "line 1: congestion: of_rate needs a [rate]"),
        (
            "[window]\noutstanding = 1\nover = \"close\"\nstatus = 8",
            "line 4: window.status: only over = \"refuse\" has a status",
        ),
        (
            "[destinations]\non_after = \"1s\"",
            "line 1: destinations: no handset is off: neither off nor off_share is written",
        ),
    ] {
        assert_eq!(wrong(text), told);
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let told = wrong("[[fault]]\nkind = \"silent\"\nat = 1\ndelay = \"1s\"\n[raet]\n[rate]\nper_second = -1\n");
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines[0].starts_with("line 4: fault[1].delay: unknown key, known here are kind, at,"), "{told}");
    assert!(lines[0].ends_with(", per_destination, accept"), "{told}");
    assert!(lines[1].starts_with("line 5: raet: unknown key, known here are seed,"), "{told}");
    assert!(lines[2].starts_with("line 7: rate.per_second = -1 is not allowed"), "{told}");
    assert_eq!(lines.len(), 3);
}

#[test]
fn a_latency_of_no_shape_is_refused() {
    for latency in [
        "5",
        "\"later\"",
        "{ uniform = [\"9ms\", \"1ms\"] }",
        "{ uniform = [\"9ms\"] }",
        "{ normal = { mean = \"1s\" } }",
        "{ lognormal = { median = \"0s\", p99 = \"1s\" } }",
        "{ lognormal = { median = \"1s\", p99 = \"1s\", mean = \"1s\" } }",
        "{ cauchy = \"1s\" }",
        "\"25h\"",
    ] {
        let told = wrong(&format!("[latency]\nanswer = {latency}"));
        assert!(told.starts_with("line 2: latency.answer = ") && told.contains("lognormal"), "{told}");
    }
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    let told = wrong("[receipts]\nform = \n");
    assert!(told.starts_with("line 2: "), "{told}");
}

#[test]
fn a_script_is_said_in_words() {
    let script = read(
        "[rate]\nper_second = 500\n[[fault]]\nkind = \"refuse\"\nstatus = 0x45\nat = [3, 4]\nprobability = 0.01\ncount = 2",
    );
    let words = script.explain();
    for line in [
        "binds: everybody may\n",
        "answers: at once\n",
        "rate: 500 a second for everybody together, 500 at once; the others are refused with 0x58 ESME_RTHROTTLED\n",
        "ids: the first message is 00000001, in receipts 00000001\n",
        "fault refuse: refuses with a status of the script (0x45 ESME_RSUBMITFAIL); at submit 3, 4 and by chance at 1 % of \
         submits, each time for 2 in a row\n",
    ] {
        assert!(words.contains(line), "{line} in\n{words}");
    }
}
