//! What is refused, in which words; which layer wins; and that an explained configuration means the same.

use super::*;
use crate::config::{BindMode, ReferenceWidth, ResendUnknown, Secret};
use crate::model::{ApplicationId, Order};
use proptest::prelude::*;
use std::time::Duration;

const LEAST: &str = "[[smsc]]\nname = \"main\"\naddress = \"127.0.0.1:2775\"\n";

fn parsed(text: &str) -> Result<Config, ConfigErrors> {
    Config::parse("bellwire.toml", text, [], &[])
}

fn layered(text: &str, environment: &[(&str, &str)], sets: &[&str]) -> Result<Config, ConfigErrors> {
    let environment = environment.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    let sets: Vec<String> = sets.iter().map(|set| set.to_string()).collect();
    Config::parse("bellwire.toml", text, environment, &sets)
}

fn refused(text: &str) -> String {
    parsed(text).unwrap_err().to_string()
}

#[test]
fn defaults_fill_the_least_configuration() {
    let config = parsed(LEAST).unwrap();
    assert_eq!(config.grpc.listen, "127.0.0.1:50051".parse().unwrap());
    assert_eq!(config.ops.listen, "127.0.0.1:9090".parse().unwrap());
    assert_eq!(config.policy, Policy::default());
    assert_eq!(config.push, PushSettings::default());
    assert_eq!(config.upstream.idle_timeout, Duration::from_secs(300));
    assert_eq!(config.admission.octets, 64 << 20);
    let smsc = &config.smsc[0];
    assert_eq!((smsc.links.get(), smsc.window.get(), smsc.rate), (1, 100, None));
    assert_eq!(smsc.routes, [""]);
    assert_eq!((smsc.bind, smsc.resend_unknown), (BindMode::Transceiver, ResendUnknown::Once));
}

#[test]
fn everything_written_is_meant() {
    let config = parsed(EVERYTHING).unwrap();
    assert_eq!(config.node.grace, Duration::from_secs(30));
    assert!(config.ops.ready_requires_link);
    let smsc = &config.smsc[1];
    assert_eq!(smsc.address.to_string(), "[2001:db8::1]:2776");
    assert_eq!(smsc.password, Secret::new("pa\"ss"));
    assert_eq!((smsc.source.ton, smsc.source.npi), (5, 0));
    assert_eq!((smsc.data_coding, smsc.reference_width), (0xF5, ReferenceWidth::Sixteen));
    assert_eq!(smsc.routes, ["1555", "44"]);
    assert_eq!(config.push.application, ApplicationId::Code(0x9065));
    assert_eq!(config.policy.order, Order::Pipelined);
    assert_eq!(config.access.credentials[0].bearer.reveal(), "token");
}

#[test]
fn each_wrong_value_is_named_with_its_place_and_its_range() {
    for (text, message) in WRONG {
        let errors = refused(&format!("{LEAST}{text}\n"));
        assert!(errors.contains(&format!("bellwire.toml:{message}")), "{text}\n{errors}");
        assert_eq!(errors.lines().count(), 1, "{text}\n{errors}");
    }
}

#[test]
fn an_smsc_is_needed() {
    assert_eq!(
        refused(""),
        "bellwire.toml:1:1: smsc: missing, needed is at least one [[smsc]] with a name and an address"
    );
    assert!(
        refused("smsc = 3\n").starts_with("bellwire.toml:1:8: smsc: value a number is not allowed: an array of tables")
    );
    assert!(
        refused("[smsc]\nname = \"a\"\n").contains("smsc: value a table is not allowed: an array of tables, [[smsc]]")
    );
}

#[test]
fn all_errors_are_told_at_once() {
    let errors = refused("[ops]\nlisten = 1\nlisten2 = 2\n[policy]\norder = \"\"\n");
    assert_eq!(errors.lines().count(), 4, "{errors}");
    let errors = refused("a = \nb = \n");
    assert_eq!(errors.lines().count(), 2, "{errors}");
}

#[test]
fn arguments_lie_over_the_environment_over_the_file() {
    let text = format!("{LEAST}window = 5\n[ops]\nlisten = \"127.0.0.1:1\"\n");
    let environment = [("BELLWIRE_OPS__LISTEN", "127.0.0.1:2"), ("BELLWIRE_SMSC__MAIN__WINDOW", "6")];
    assert_eq!(layered(&text, &[], &[]).unwrap().ops.listen.port(), 1);
    let config = layered(&text, &environment, &[]).unwrap();
    assert_eq!((config.ops.listen.port(), config.smsc[0].window.get()), (2, 6));
    let config = layered(&text, &environment, &["ops.listen=127.0.0.1:3", "smsc.0.window=7", "smsc.main.links=2"]);
    let config = config.unwrap();
    assert_eq!((config.ops.listen.port(), config.smsc[0].window.get(), config.smsc[0].links.get()), (3, 7, 2));
}

#[test]
fn the_environment_alone_is_enough_in_any_order() {
    let environment = [
        ("BELLWIRE_SMSC__1__ADDRESS", "smsc.example.net:2775"),
        ("BELLWIRE_SMSC__1__NAME", "second"),
        ("BELLWIRE_SMSC__0__SYSTEM_ID", "12345"),
        ("BELLWIRE_SMSC__0__ROUTES", "44, 49"),
        ("BELLWIRE_SMSC__0__ADDRESS", "10.0.0.1:2775"),
        ("BELLWIRE_SMSC__0__NAME", "first"),
        ("BELLWIRE_OPS__READY_REQUIRES_LINK", "true"),
        ("BELLWIRE_ACCESS__CREDENTIAL__0__NAME", "feed"),
        ("BELLWIRE_ACCESS__CREDENTIAL__0__BEARER", "token"),
    ];
    let config = layered("", &environment, &["smsc.second.data_coding=0xF5"]).unwrap();
    assert_eq!((config.smsc[0].system_id.as_str(), config.smsc[1].name.as_str()), ("12345", "second"));
    assert_eq!(config.smsc[0].routes, ["44", "49"]);
    assert_eq!(config.smsc[1].data_coding, 0xF5);
    assert!(config.ops.ready_requires_link);
    assert_eq!(config.access.credentials.len(), 1);
}

#[test]
fn variables_of_others_are_left_alone() {
    let environment = [("BELLWIRE_PORT_50051_TCP", "tcp://10.0.0.1"), ("BELLWIRE_LOG", "x"), ("OPS__LISTEN", "x")];
    assert_eq!(layered(LEAST, &environment, &[]), parsed(LEAST));
}

#[test]
fn errors_name_the_variable_or_argument() {
    for (environment, set, message) in [
        (("BELLWIRE_OPS__LISTEN", "x"), "", "environment BELLWIRE_OPS__LISTEN: ops.listen: value \"x\" is not allowed"),
        (("BELLWIRE_OPS__LISTEM", "x"), "", "environment BELLWIRE_OPS__LISTEM: ops.listem: unknown key"),
        (
            ("BELLWIRE_SMSC__OTHER__RATE", "1"),
            "",
            "environment BELLWIRE_SMSC__OTHER__RATE: no entry has the name \"other\"",
        ),
        (("", ""), "smsc.main.window=0", "--set smsc.main.window: smsc.main.window: value \"0\" is not allowed"),
        (("", ""), "smsc.7.window=1", "--set smsc.7.window: entry 7 does not exist, there are 1"),
        (("", ""), "ops.listen.port=1", "--set ops.listen.port: ops.listen: value a table is not allowed: an IP"),
        (("", ""), "ops=1", "--set ops: ops: value a text is not allowed: a table, [ops]"),
        (("", ""), "ops.listen", "--set ops.listen: expected section.key=value"),
    ] {
        let sets: Vec<&str> = [set].into_iter().filter(|set| !set.is_empty()).collect();
        let errors = layered(LEAST, &[environment], &sets).unwrap_err().to_string();
        assert!(errors.starts_with(message), "{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
}

#[test]
fn an_explained_configuration_means_the_same() {
    for text in [LEAST, EVERYTHING] {
        let mut config = parsed(text).unwrap();
        let again = parsed(&config.explain()).unwrap();
        let mask = |secret: &mut Secret| *secret = Secret::new(secret.masked());
        config.smsc.iter_mut().for_each(|smsc| mask(&mut smsc.password));
        config.access.credentials.iter_mut().for_each(|credential| mask(&mut credential.bearer));
        assert_eq!(again, config);
        assert_eq!(again.explain(), config.explain());
    }
}

#[test]
fn secrets_are_not_shown_anywhere() {
    let config = parsed(EVERYTHING).unwrap();
    for shown in [config.explain(), format!("{config:?}")] {
        assert!(!shown.contains("pa\"ss") && !shown.contains("pa\\\"ss") && !shown.contains("token\""), "{shown}");
        assert!(shown.contains(Secret::MASK));
    }
    let errors = refused(&format!("{LEAST}password = \"much too long\"\n"));
    assert!(
        errors.contains("smsc.main.password: value of 13 octets (not shown) is not allowed: at most 8"),
        "{errors}"
    );
    assert!(!errors.contains("much"));
    for misplaced in ["access.credential=token", "access.credential:token", "smsc.main.pasword=token"] {
        let errors = layered(LEAST, &[], &[misplaced]).unwrap_err().to_string();
        assert!(!errors.contains("token"), "{errors}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Config::load(Path::new("/nowhere/bellwire.toml"), [], &[]).unwrap_err();
    assert!(error.to_string().starts_with("/nowhere/bellwire.toml: "), "{error}");
}

#[test]
fn the_shape_of_a_sender_gives_its_numbering() {
    for (address, numbering) in [("", (0, 0)), ("12345", (3, 1)), ("15551234567", (1, 1)), ("Bellwire", (5, 0))] {
        let config = parsed(&format!("{LEAST}source_address = \"{address}\"\n")).unwrap();
        assert_eq!((config.smsc[0].source.ton, config.smsc[0].source.npi), numbering, "{address}");
    }
    let config = parsed(&format!("{LEAST}source_address = \"12345\"\nsource_ton = 0\nsource_npi = 0\n")).unwrap();
    assert_eq!((config.smsc[0].source.ton, config.smsc[0].source.npi), (0, 0));
}

proptest! {
    #[test]
    fn no_text_and_no_override_make_it_panic(text in "(?s).{0,200}", path in "[a-z0-9.]{0,20}", value in ".{0,20}") {
        let _ = parsed(&text);
        let sets = [format!("{path}={value}"), format!("smsc.0.{path}={value}")];
        let _ = Config::parse("bellwire.toml", EVERYTHING, [], &sets);
    }
}

/// What follows the least configuration from line 4 on, and the message: line, column, key, value, range.
const WRONG: &[(&str, &str)] = &[
    ("window = 20000", "4:10: smsc.main.window: value 20000 is not allowed: a whole number from 1 to 10000"),
    ("window = 0", "4:10: smsc.main.window: value 0 is not allowed: a whole number from 1 to 10000"),
    ("links = 65", "4:9: smsc.main.links: value 65 is not allowed: a whole number from 1 to 64"),
    ("rate = -1", "4:8: smsc.main.rate: value -1 is not allowed: a whole number from 0 to 1000000"),
    ("rate = 1.5", "4:8: smsc.main.rate: value 1.5 is not allowed"),
    ("window = \"many\"", "4:10: smsc.main.window: value \"many\" is not allowed"),
    (
        "system_id = \"0123456789abcdef\"",
        "4:13: smsc.main.system_id: value \"0123456789abcdef\" is not allowed: at most 15",
    ),
    ("bind = \"receiver\"", "4:8: smsc.main.bind: value \"receiver\" is not allowed: one of transceiver, split"),
    ("data_coding = 8", "4:15: smsc.main.data_coding: value 8 is not allowed: one of 0x04, 0xf5, 0x15"),
    ("source_address = \"+1555\"", "4:18: smsc.main.source_address: value \"+1555\" is not allowed: up to 20 digits"),
    ("routes = [\"44\", \"+1\"]", "4:17: smsc.main.routes: value \"+1\" is not allowed: a prefix of up to 15 digits"),
    (
        "enquire_link = \"30\"",
        "4:16: smsc.main.enquire_link: value \"30\" is not allowed: a duration such as \"30s\", from 1s to 10m",
    ),
    ("enquire_link = 30", "4:16: smsc.main.enquire_link: value 30 is not allowed: a duration"),
    ("wimdow = 1", "4:1: smsc.main.wimdow: unknown key, known here are name, address,"),
    ("[[smsc]]\nname = \"main\"\naddress = \"a:1\"", "5:8: smsc.main.name: value \"main\" is not allowed: 1 to 32"),
    ("[[smsc]]\naddress = \"a:1\"", "4:1: smsc.1.name: missing, needed is 1 to 32"),
    ("[[smsc]]\nname = \"b\"", "4:1: smsc.b.address: missing, needed is host:port"),
    (
        "[[smsc]]\nname = \"b\"\naddress = \"nowhere\"",
        "6:11: smsc.b.address: value \"nowhere\" is not allowed: host:port",
    ),
    (
        "[node]\ndata_dir = 7",
        "5:12: node.data_dir: value 7 is not allowed: a path, or empty to keep everything in memory",
    ),
    ("[node]\njournal = \"after\"", "5:11: node.journal: value \"after\" is not allowed: one of batch, before"),
    ("[ops]\nlisten = \"localhost\"", "5:10: ops.listen: value \"localhost\" is not allowed: an IP address and a port"),
    ("[ops]\nready_requires_link = 1", "5:23: ops.ready_requires_link: value 1 is not allowed: true or false"),
    ("[push]\nprofile = \"tiny\"", "5:11: push.profile: value \"tiny\" is not allowed: one of standard, compact"),
    ("[push]\napplication_id = \"a b\"", "5:18: push.application_id: value \"a b\" is not allowed: a 32-bit number"),
    (
        "[push]\ndestination_port = 65536",
        "5:20: push.destination_port: value 65536 is not allowed: a whole number from 1 to 65535",
    ),
    (
        "[policy]\nttl = \"29days\"",
        "5:7: policy.ttl: value \"29days\" is not allowed: a duration such as \"30s\", 0s for no limit, or 1s to 28days",
    ),
    (
        "[policy]\nbatch_window = \"25h\"",
        "5:16: policy.batch_window: value \"25h\" is not allowed: a duration such as \"30s\", 0s to 24h",
    ),
    ("[policy]\norder = \"fifo\"", "5:9: policy.order: value \"fifo\" is not allowed: one of strict, pipelined"),
    ("[policy]\nmax_segments = 0", "5:16: policy.max_segments: value 0 is not allowed: a whole number from 1 to 255"),
    ("[admission]\noctets = 1000", "5:10: admission.octets: value 1000 is not allowed: a whole number from 262144 to"),
    ("[upstream]\nmax_event = 2097152", "4:2: upstream.log_octets: missing, needed is a whole number from 2097152 to"),
    ("[[access.credential]]\nname = \"x\"", "4:1: access.credential.x.bearer: missing, needed is a token"),
    ("[kafka]\nbrokers = \"a\"", "4:2: kafka: unknown key, known here are node, http, grpc, ops, smsc,"),
    ("[grpc]\nlisten", "5:7: "),
];

const EVERYTHING: &str = r#"
    [node]
    data_dir = "/var/lib/bellwire"
    journal = "before"
    log_octets = 1048576
    log_age = "90days"
    max_unsaved = 1
    disk_reserve = 1048576
    grace = "30s"
    [grpc]
    listen = "[::1]:50052"
    [ops]
    listen = "0.0.0.0:9091"
    ready_requires_link = true
    [[smsc]]
    name = "main"
    address = "smsc.example.net:2775"
    [[smsc]]
    name = "second_2"
    address = "[2001:db8::1]:2776"
    system_id = "bellwire"
    password = 'pa"ss'
    system_type = "VMA"
    bind = "split"
    links = 64
    window = 10000
    rate = 250
    source_address = "Bell & Wire"
    dest_ton = 2
    dest_npi = 0
    data_coding = 0xF5
    reference_width = "16bit"
    service_type = "WAP"
    routes = ["1555", "44"]
    enquire_link = "1m 30s"
    response_timeout = "5s"
    bind_timeout = "1s"
    resend_unknown = "never"
    receipt_timeout = "2days"
    [push]
    profile = "compact"
    application_id = 0x9065
    destination_port = 2949
    source_port = 9201
    [policy]
    batch_window = "250ms"
    max_events = 10
    max_segments = 1
    order = "pipelined"
    ttl = "0s"
    overflow = "drop"
    receipts = "none"
    [access]
    allow_private_sources = true
    [[access.credential]]
    name = "feed"
    bearer = "token"
    [upstream]
    connect_timeout = "3s"
    idle_timeout = "45s"
    max_line = 1024
    max_event = 4096
    ca_file = "/etc/ssl/ca.pem"
    max_redirects = 0
    log_octets = 8192
    threads = 2
    [admission]
    octets = 1048576
"#;
