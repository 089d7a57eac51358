//! What a script says besides faults, as the other side sees it; and the scripts that are ready.

use crate::esme::{Esme, smsc, smsc_with};
use crate::within;
use bellwire::codec::smpp::{BindMode, Body, CommandId, CommandStatus, Header, Pdu};
use bellwire::sim::smsc::{Kind, Recorded};
use bellwire::sim::{FaultScript, Smsc, SmscSettings};
use parking_lot::Mutex;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

fn ready() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/simulator");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut scripts: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(path).unwrap()))
        .collect();
    scripts.sort();
    scripts
}

/// Submits until `wanted` messages were accepted, coming back whenever the connection is gone.
async fn push_through(smsc: &Smsc, wanted: u64) {
    let mut number = 1;
    while smsc.stats().accepted < wanted {
        let mut esme = Esme::connect(smsc.address()).await;
        if esme.try_bind().await != Some(CommandStatus::OK) {
            continue;
        }
        while smsc.stats().accepted < wanted {
            number += 1;
            if !esme.exchange(number).await {
                break;
            }
        }
    }
}

#[tokio::test]
async fn every_script_that_is_ready_is_understood_and_takes_messages() {
    let names: Vec<String> = ready().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["calm", "flaky", "hostile", "off-handsets", "throttled"]);
    let mut runs = JoinSet::new();
    for (name, text) in ready() {
        let script: FaultScript = text.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(script.explain().lines().count() > 4, "{name}");
        runs.spawn(async move {
            let (smsc, _) = smsc_with(SmscSettings { script, ..SmscSettings::default() }).await;
            within(push_through(&smsc, 60)).await;
        });
    }
    runs.join_all().await;
}

#[test]
fn the_page_says_what_is() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/SIMULATOR.md")).unwrap();
    let blocks: Vec<&str> =
        page.split("```toml\n").skip(1).filter_map(|rest| rest.split_once("```")).map(|(block, _)| block).collect();
    assert!(blocks.len() >= 7);
    for block in blocks {
        // What needs a rate has one, and what is commented out is as right.
        let rate = if block.contains("[rate]") { "" } else { "\n[rate]\nper_second = 1\n" };
        let all = format!("{block}{rate}");
        assert!(all.parse::<FaultScript>().is_ok(), "{}\n{all}", all.parse::<FaultScript>().unwrap_err());
    }
    for kind in Kind::ALL {
        assert!(page.contains(&format!("\n| `{}` |", kind.name())), "{}", kind.name());
    }
    for (name, _) in ready() {
        assert!(page.contains(&format!("[{name}](simulator/{name}.toml)")), "{name}");
    }
}

#[tokio::test]
async fn a_handset_that_is_off_is_delivered_to_when_it_is_on() {
    let (smsc, messages) = smsc("[destinations]\noff = \"15551234567\"\non_after = \"60ms\"\nalert = \"always\"").await;
    let mut esme = Esme::bound(smsc.address()).await;
    esme.submit(1..=2).await;
    let ids = [esme.answer(1).await, esme.answer(2).await];
    assert_eq!((messages.lock().len(), smsc.waiting()), (0, 2));
    let (header, pdu) = esme.next().await.unwrap();
    assert_eq!(header.command_id, CommandId::ALERT_NOTIFICATION);
    let Body::AlertNotification(alert) = Pdu::decode(&pdu).unwrap().body else { unreachable!() };
    assert_eq!((alert.source.addr, alert.esme.addr), (&b"15551234567"[..], &b"12345"[..]));
    assert_eq!([esme.receipt().await.0, esme.receipt().await.0], ids);
    assert_eq!((messages.lock().len(), smsc.waiting()), (2, 0));
    assert_eq!(smsc.stats().alerts, 1);
}

#[tokio::test]
async fn receipts_can_be_for_receivers_only() {
    let (smsc, _) = smsc("[receipts]\nvia = \"receiver\"").await;
    let mut sender = Esme::bound(smsc.address()).await;
    sender.submit([1]).await;
    let id = sender.answer(1).await;
    let mut receiver = Esme::connect(smsc.address()).await;
    assert_eq!(receiver.bind(BindMode::Receiver, "esme", "").await, CommandStatus::OK);
    assert_eq!(receiver.receipt().await, (id, 2));
    sender.enquire(2).await;
    sender.expect(CommandId::ENQUIRE_LINK_RESP, 2, CommandStatus::OK).await;
}

#[tokio::test]
async fn all_connections_can_be_told_to_unbind_or_ended() {
    let (smsc, _) = smsc(
        "[receipts]\nform = \"none\"\n[[fault]]\nkind = \"unbind_all\"\nat = 1\n[[fault]]\nkind = \"close_all\"\nat = 2",
    )
    .await;
    let mut one = Esme::bound(smsc.address()).await;
    let mut other = Esme::bound(smsc.address()).await;
    one.submit([1]).await;
    one.answer(1).await;
    for esme in [&mut one, &mut other] {
        assert_eq!(esme.next().await.unwrap().0.command_id, CommandId::UNBIND);
    }
    one.submit([2]).await;
    one.answer(2).await;
    assert!(one.next().await.is_none() && other.next().await.is_none());
}

#[tokio::test]
async fn who_is_wrong_too_often_is_cut_off() {
    let (smsc, _) = smsc("[binds]\nban_after = 2\n[[account]]\nsystem_id = \"esme\"\npassword = \"secret\"").await;
    let mut esme = Esme::connect(smsc.address()).await;
    for _ in 0..2 {
        assert_eq!(esme.bind(BindMode::Transceiver, "esme", "guess").await, CommandStatus::INVPASWD);
    }
    assert_eq!(esme.try_bind().await, None);
    assert_eq!(Esme::connect(smsc.address()).await.try_bind().await, None);
    assert_eq!(smsc.stats().binds_refused, 4);
}

#[tokio::test]
async fn the_smsc_can_call() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (smsc, _) = smsc(&format!("[[outbind]]\nconnect = \"{address}\"\npassword = \"hi\"\nagain = \"1ms\"")).await;
    for calls in 1..=2 {
        let mut esme = Esme::of(within(listener.accept()).await.unwrap().0);
        let (header, pdu) = esme.next().await.unwrap();
        assert_eq!(header.command_id, CommandId::OUTBIND);
        let Body::Outbind(outbind) = Pdu::decode(&pdu).unwrap().body else { unreachable!() };
        assert_eq!((outbind.system_id, outbind.password), (&b"bellwire-sim"[..], &b"hi"[..]));
        assert_eq!(esme.bind(BindMode::Receiver, "esme", "").await, CommandStatus::OK);
        assert_eq!(smsc.stats().binds, calls);
    }
}

#[tokio::test]
async fn what_came_and_went_is_recorded() {
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let port = {
        let lines = lines.clone();
        Box::new(move |recorded: &Recorded<'_>| lines.lock().push(recorded.to_json()))
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let smsc = Smsc::start_recorded(listener, SmscSettings::default(), Box::new(|_| {}), Some(port)).unwrap();
    let mut esme = Esme::bound(smsc.address()).await;
    esme.submit([7]).await;
    esme.answer(7).await;
    esme.send(|out| Header::bare(CommandId::UNBIND, CommandStatus::OK, 9).encode(out)).await;
    within(async { while esme.next().await.is_some() {} }).await;
    let told: Vec<(String, String)> = lines
        .lock()
        .iter()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| (line["way"].as_str().unwrap().to_owned(), line["command"].as_str().unwrap().to_owned()))
        .collect();
    let told: Vec<String> = told.into_iter().map(|(way, command)| format!("{way} {command}")).collect();
    assert_eq!(
        told,
        [
            "in bind_transceiver",
            "out bind_transceiver_resp",
            "in submit_sm",
            "out submit_sm_resp",
            "out deliver_sm",
            "in unbind",
            "out unbind_resp"
        ]
    );
}

#[tokio::test]
async fn the_same_seed_decides_the_same_over_a_socket() {
    const SCRIPT: &str = "\
[receipts]
form = \"none\"
[[fault]]
kind = \"refuse\"
statuses = [8, 0x14, 0x45, 0x58]
probability = 0.3
[[fault]]
kind = \"shuffle\"
probability = 0.2
[[fault]]
kind = \"same_id\"
probability = 0.1";
    let run = async |seed| {
        let settings = SmscSettings { seed, script: SCRIPT.parse().unwrap(), ..SmscSettings::default() };
        let (smsc, _) = smsc_with(settings).await;
        let mut esme = Esme::bound(smsc.address()).await;
        let mut answers = Vec::new();
        for numbers in [2..=120, 121..=300] {
            let wanted = numbers.clone().count();
            esme.submit(numbers).await;
            for _ in 0..wanted {
                answers.push(esme.next().await.unwrap().1);
            }
        }
        // Those that were gathered last come when nothing has joined them for a while: when, is up to the clock.
        answers.sort();
        answers
    };
    assert_eq!(run(7).await, run(7).await);
    assert_ne!(run(7).await, run(8).await);
}
