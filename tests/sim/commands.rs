//! `encode`, `decode` and `sim` as a shell sees them.

use crate::esme::Esme;
use bellwire::sim::{Event, Ticker};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

const STREAM: &str = "data: YHOO\ndata: +2\ndata: 10\n\nid: 7\nevent: halt\ndata: MSFT\n\n";

fn bellwire(arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bellwire"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that reads nothing closes its input.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn encoded(arguments: &[&str], input: &str) -> String {
    let (code, printed, complaint) = bellwire(&[&["encode"], arguments].concat(), input);
    assert_eq!((code, complaint.as_str()), (0, ""));
    printed
}

#[test]
fn what_is_encoded_is_decoded_in_every_form() {
    for form in [
        &["--to", "+15551234567"][..],
        &["--as", "short_message"],
        &["--as", "short_message", "--width", "16bit"],
        &["--as", "push", "--application", "7"],
        &["--as", "push", "--application", "0x9065"],
    ] {
        let (code, words, complaint) = bellwire(&["decode", "-"], &encoded(form, STREAM));
        assert_eq!((code, complaint.as_str()), (0, ""), "{form:?}");
        for words_of_it in ["data: \"YHOO\\n+2\\n10\"", "type: \"halt\"", "id: \"7\"", "text/event-stream"] {
            assert!(words.contains(words_of_it), "{form:?} {words}");
        }
    }
}

#[test]
fn a_stream_has_its_key_in_the_ids_of_compact_pushes_and_in_the_port_of_data() {
    let decoded = |form: &[&str]| {
        let hex = encoded(&[form, &["--stream-key", "1a"]].concat(), STREAM);
        let (code, words, complaint) = bellwire(&["decode", "-"], &hex);
        assert_eq!((code, complaint.as_str()), (0, ""), "{form:?}");
        let (code, printed, complaint) = match form.contains(&"--to") {
            true => bellwire(&["sim", "handset"], &hex),
            false => (0, String::new(), String::new()),
        };
        assert_eq!(code, 0, "{complaint}");
        (words, printed)
    };
    let (words, printed) = decoded(&["--to", "15551234567", "--profile", "compact"]);
    for line in ["id: \"1a.~0.1\"\n", "stream key: 1a\n", "id of the proxy: numbering 0, event 1\n", "id: \"1a.7\"\n"] {
        assert!(words.contains(line), "{line:?} in\n{words}");
    }
    assert!(printed.contains(" stream 1a\ndata: YHOO\n") && printed.contains("\nid: 7\n"), "{printed}");
    let (words, printed) = decoded(&["--to", "15551234567", "--profile", "data"]);
    assert!(words.contains("ports: to 16500, from 16546\n") && words.contains("event stream without WSP\n"), "{words}");
    assert!(words.contains("id: \"7\"\n") && !words.contains("stream key"), "{words}");
    assert!(printed.contains(" stream 1a\ndata: YHOO\n") && printed.contains("\nid: 7\n"), "{printed}");
    assert!(decoded(&["--as", "push", "--profile", "data"]).0.starts_with("event stream without WSP\n"));
}

#[test]
fn the_example_of_the_w3c_page_is_said_in_words() {
    let hex = encoded(&["--to", "15551234567"], "data: YHOO\ndata: +2\ndata: 10\n\n");
    let (code, words, _) = bellwire(&["decode", hex.trim()], "");
    assert_eq!(code, 0);
    for line in [
        "submit_sm\n",
        "  destination_addr: \"15551234567\"\n",
        "  user data header\n    ports: to 2948, from 9200\n",
        "    push\n      transaction id: 1\n      Content-Type: text/event-stream\n      charset: 106 UTF-8\n",
        "      X-Wap-Application-Id: \"urn:oma:xml:push\"\n      body: 27 octets\n",
        "      event\n        type: \"message\"\n        data: \"YHOO\\n+2\\n10\"\n        id: \"\"\n",
    ] {
        assert!(words.contains(line), "{line:?} in\n{words}");
    }
}

#[test]
fn encoded_messages_are_received_by_handsets() {
    let events = Ticker::sequence(1, 40);
    let mut stream = String::new();
    events.iter().for_each(|event| event.write(&mut stream));
    let hex = encoded(&["--to", "15551234567"], &stream);
    assert!(hex.lines().count() > 3);
    // Backwards, so that segments are joined in another order; pushes come backwards too.
    let backwards: String = hex.lines().rev().flat_map(|line| [line, "\n", line, "\n"]).collect();
    let (code, printed, stats) = bellwire(&["sim", "handset"], &backwards);
    assert_eq!(code, 0, "{stats}");
    let parsed = bellwire::codec::sse::Parser::new(Default::default()).feed(printed.clone().into());
    let mut received: Vec<Event> = parsed.iter().map(Event::from).collect();
    received.sort_by_key(|event| event.id.parse::<u64>().unwrap());
    assert_eq!(received, events);
    assert!(printed.contains(": +15…67 urn:oma:xml:push tid ") && !printed.contains("15551234567"));
    assert!(stats.contains("\"events\":40") && stats.contains("\"malformed\":0"), "{stats}");
}

#[test]
fn a_line_may_name_source_and_destination() {
    let hex = encoded(&["--as", "short_message"], STREAM);
    let (code, printed, _) = bellwire(&["sim", "handset", "--show-numbers"], &format!("12345 15551234567 {hex}"));
    assert_eq!(code, 0);
    assert!(printed.starts_with(": 15551234567 urn:oma:xml:push tid 1\ndata: YHOO\n"), "{printed}");
}

#[test]
fn what_cannot_be_done_has_its_exit_code() {
    let long = format!("data: {}\n\n", "x".repeat(1_000));
    for (arguments, input, code) in [
        (&["decode", "zz"][..], "", 64),
        (&["decode", "060"], "", 64),
        (&["decode", "FFFF"], "", 1),
        (&["encode"], STREAM, 64),
        (&["encode", "--to", "nobody"], STREAM, 64),
        (&["encode", "--as", "push"], "data: open", 1),
        (&["encode", "--as", "push"], &long, 1),
        (&["sim", "handset"], "hello", 1),
        (&["sim", "smsc", "--script", "/nowhere/faults.toml"], "", 64),
        (&["sim", "ticker", "--rate", "-1"], "", 64),
    ] {
        let (exit, printed, complaint) = bellwire(arguments, input);
        assert_eq!((exit, printed.as_str()), (code, ""), "{arguments:?} {complaint}");
        assert!(!complaint.is_empty());
    }
}

/// A part that runs until it is told to end, and where it listens.
fn started(arguments: &[&str]) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bellwire"))
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    let place = line.trim().rsplit(' ').next().unwrap();
    let address = place.trim_start_matches("http://").trim_end_matches("/stocks");
    (child, address.to_owned())
}

/// What is left on standard output and standard error of a part that gets SIGTERM.
#[cfg(unix)]
fn ended(mut child: Child) -> [String; 2] {
    let told = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(told.success() && child.wait().unwrap().success());
    let [mut out, mut err] = [String::new(), String::new()];
    child.stdout.unwrap().read_to_string(&mut out).unwrap();
    child.stderr.unwrap().read_to_string(&mut err).unwrap();
    [out, err]
}

#[cfg(unix)]
#[test]
fn a_ticker_says_what_it_sent_when_it_is_ended() {
    let (child, address) =
        started(&["sim", "ticker", "--listen", "127.0.0.1:0", "--rate", "0", "--events", "3", "--end"]);
    let mut socket = std::net::TcpStream::connect(address).unwrap();
    socket.write_all(b"GET /stocks HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("\nid: 2\n\n"), "{answer}");
    let [printed, _] = ended(child);
    assert_eq!(printed, "{\"streams\":1,\"resumed\":0,\"refused\":0,\"events\":3}\n");
}

#[cfg(unix)]
#[tokio::test]
async fn an_smsc_prints_what_it_takes_and_counts_it() {
    let mut script = tempfile::NamedTempFile::new().unwrap();
    script.write_all(b"[[fault]]\nkind = \"silent\"\nat = 2\naccept = false\n").unwrap();
    let path = script.path().to_str().unwrap();
    let arguments = ["sim", "smsc", "--listen", "127.0.0.1:0", "--script", path, "--dlr", "none", "--messages"];
    let (child, address) = started(&arguments);
    let mut esme = Esme::bound(address.parse().unwrap()).await;
    esme.submit(1..=3).await;
    esme.answer(1).await;
    esme.answer(3).await;
    let [printed, counted] = ended(child);
    assert_eq!(printed, "12345 15551234567 6D6573736167652031\n12345 15551234567 6D6573736167652033\n");
    let counted: serde_json::Value = serde_json::from_str(&counted).unwrap();
    assert_eq!((&counted["submits"], &counted["accepted"]), (&3.into(), &2.into()));
}

#[test]
fn a_script_is_checked_without_playing_it() {
    let mut script = tempfile::NamedTempFile::new().unwrap();
    script.write_all(b"[rate]\nper_second = 5\n[[fault]]\nkind = \"silent\"\nat = 2\n").unwrap();
    let path = script.path().to_str().unwrap().to_owned();
    let path = path.as_str();
    let (code, words, complaint) = bellwire(&["sim", "smsc", "--script", path, "--seed", "9", "--check"], "");
    assert_eq!((code, complaint.as_str()), (0, ""));
    for line in ["seed 9\n", "rate: 5 a second", "fault silent: never answers; at submit 2\n"] {
        assert!(words.contains(line), "{line} in\n{words}");
    }
    script.write_all(b"acept = true\n").unwrap();
    let (code, _, complaint) = bellwire(&["sim", "smsc", "--script", path, "--check"], "");
    assert_eq!(code, 64);
    assert!(complaint.contains("line 6: fault[1].acept: unknown key, known here are kind"), "{complaint}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_run_is_recorded_and_summed_up() {
    let mut script = tempfile::NamedTempFile::new().unwrap();
    script.write_all(b"[[fault]]\nkind = \"throttle\"\nat = 2\n").unwrap();
    let record = tempfile::NamedTempFile::new().unwrap();
    let [script, record] = [&script, &record].map(|file| file.path().to_str().unwrap());
    let arguments =
        ["sim", "smsc", "--listen", "127.0.0.1:0", "--script", script, "--dlr", "none", "--json", "--record", record];
    let (child, address) = started(&arguments);
    let mut esme = Esme::bound(address.parse().unwrap()).await;
    esme.submit(1..=2).await;
    esme.answer(1).await;
    esme.next().await.unwrap();
    let [printed, _] = ended(child);
    let summary: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((&summary["seed"], &summary["faults"]["throttle"]), (&1.into(), &1.into()));
    assert_eq!(summary["connections"][0]["submits"], 2);
    let lines = std::fs::read_to_string(record).unwrap();
    let statuses: Vec<u64> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|line| line["command"] == "submit_sm_resp")
        .map(|line| line["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses, [0, 0x58]);
}
