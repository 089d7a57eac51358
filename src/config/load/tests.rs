//! What is refused, in which words; which layer wins; and that an explained configuration means the same.

mod wrong;

use super::*;
use crate::config::{BindMode, BudgetsConfig, KeyMaterial, ReferenceWidth, ResendUnknown, Secret};
use crate::model::{ApplicationId, Order};
use crate::proxy::identity::Algorithm;
use proptest::prelude::*;
use std::time::Duration;
use wrong::WRONG;

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
    assert_eq!((smsc.links.get(), smsc.pacing.window.get(), smsc.pacing.rate), (1, 100, None));
    assert_eq!(smsc.routing.prefixes, [""]);
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
    assert_eq!((smsc.data_coding, smsc.payload.reference_width), (0xF5, ReferenceWidth::Sixteen));
    assert_eq!(smsc.routing.prefixes, ["1555", "44"]);
    assert_eq!(config.push.application, ApplicationId::Code(0x9065));
    assert_eq!(config.policy.order, Order::Pipelined);
    assert_eq!(config.access.credentials[0].bearer.reveal(), "token");
}

#[test]
fn all_that_may_ask_over_http_is_meant() {
    let access = parsed(EVERYTHING).unwrap().access;
    assert_eq!((access.token.audience.as_str(), access.token.skew), ("bellwire", Duration::from_secs(90)));
    assert_eq!(access.token.jwks_file, Some("/etc/bellwire/jwks.json".into()));
    let [shared, public] = &access.token.keys[..] else { panic!("two keys") };
    assert_eq!((shared.kid.as_deref(), shared.algorithm), (Some("2026-11"), Algorithm::Hs256));
    assert_eq!(shared.material, KeyMaterial::Secret(Secret::new("0123456789abcdefghijklmnopqrstuv")));
    assert_eq!((public.kid.as_deref(), public.algorithm), (None, Algorithm::Es384));
    assert_eq!(public.material, KeyMaterial::PemFile("/etc/bellwire/issuer.pem".into()));
    assert_eq!(access.gateway.header.unwrap(), "x-msisdn");
    assert!(access.gateway.from[0].contains("10.1.2.3".parse().unwrap()));
    assert_eq!(access.origins, ["https://app.example", "http://localhost:3000"]);
    assert_eq!(access.prefixes, ["49", "1555"]);
    assert_eq!(access.suppressed, ["+15551234567".parse().unwrap(), "4915112345678".parse().unwrap()]);
}

#[test]
fn budgets_are_on_by_default_and_a_tenant_has_what_all_have_but_for_what_it_says() {
    let all = parsed(LEAST).unwrap().budgets.all;
    assert!([all.handset, all.source, all.tenant].iter().all(|one| one.per_minute > 0 && one.per_day > 0));
    let BudgetsConfig { all, tenants } = parsed(EVERYTHING).unwrap().budgets;
    assert_eq!((all.handset.per_minute, all.handset.per_day, all.tenant.per_minute), (60, 0, 9));
    let [(name, acme)] = &tenants[..] else { panic!("one tenant") };
    assert_eq!((name.as_str(), acme.source.per_minute, acme.source.announce_at), ("acme.eu", 7, 50));
    assert_eq!((acme.handset, acme.tenant), (all.handset, all.tenant));
}

#[test]
fn nobody_is_believed_by_default() {
    let access = parsed(LEAST).unwrap().access;
    assert!(access.token.keys.is_empty() && access.token.jwks_file.is_none());
    assert_eq!(access.token.skew, Duration::from_secs(60));
    assert_eq!((access.gateway.header, access.gateway.from.len()), (None, 0));
    assert!(access.origins.is_empty() && access.prefixes.is_empty() && access.suppressed.is_empty());
}

#[test]
fn a_number_with_a_slip_is_not_shown() {
    let errors = refused(&format!("{LEAST}[access]\nsuppressed = [\"15551234567\", \"+49 1511 2345678\"]\n"));
    assert_eq!(
        errors,
        "bellwire.toml:5:30: access.suppressed: value of 16 characters (not shown) is not allowed: a number in E.164 form \
         has digits only, found ' '"
    );
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
fn smscs_that_stand_in_for_each_other_send_the_same_octets() {
    let two = |first: &str, second: &str| {
        format!("{LEAST}routes = [\"44\", \"49\"]\n{first}[[smsc]]\nname = \"second\"\naddress = \"b:1\"\n{second}")
    };
    let errors = refused(&two("source_address = \"12345\"\n", "routes = [\"1\", \"49\"]\n"));
    assert!(
        errors.contains(
            "smsc.second.source_address: value \"\" is not allowed: smsc \"main\" and \"second\" both list the route \
             \"49\", so each stands in for the other and has to send the same octets; \"main\" has \"12345\""
        ),
        "{errors}"
    );
    let errors = refused(&two("reference_width = \"16bit\"\n", "routes = [\"49\"]\n"));
    assert!(errors.contains("smsc.second.reference_width: value \"8bit\""), "{errors}");
    for routes in ["", "routes = [\"4\"]\n", "routes = [\"449\", \"1\"]\n"] {
        parsed(&two("source_address = \"12345\"\n", routes)).unwrap();
    }
    parsed(&two("source_address = \"12345\"\n", "routes = [\"44\"]\nsource_address = \"12345\"\ncost = 5\n")).unwrap();
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
    assert_eq!((config.ops.listen.port(), config.smsc[0].pacing.window.get()), (2, 6));
    let config = layered(&text, &environment, &["ops.listen=127.0.0.1:3", "smsc.0.window=7", "smsc.main.links=2"]);
    let config = config.unwrap();
    assert_eq!((config.ops.listen.port(), config.smsc[0].pacing.window.get(), config.smsc[0].links.get()), (3, 7, 2));
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
    assert_eq!(config.smsc[0].routing.prefixes, ["44", "49"]);
    assert_eq!(config.smsc[1].data_coding, 0xF5);
    assert!(config.ops.ready_requires_link);
    assert_eq!(config.access.credentials.len(), 1);
    let environment = [
        ("BELLWIRE_ACCESS__TOKEN__AUDIENCE", "bellwire"),
        ("BELLWIRE_ACCESS__TOKEN__KEY__0__SECRET", "0123456789abcdefghijklmnopqrstuv"),
        ("BELLWIRE_ACCESS__GATEWAY__HEADER", "X-MSISDN"),
        ("BELLWIRE_ACCESS__GATEWAY__FROM", "10.1.0.0/16, 2001:db8::/32"),
        ("BELLWIRE_ACCESS__PREFIXES", ""),
    ];
    let access = layered(LEAST, &environment, &[]).unwrap().access;
    assert_eq!((access.token.keys.len(), access.gateway.from.len(), access.prefixes.len()), (1, 2, 0));
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
        config
            .smsc
            .iter_mut()
            .filter_map(|smsc| smsc.connection.outbind.as_mut())
            .for_each(|one| mask(&mut one.password));
        config.access.credentials.iter_mut().for_each(|credential| mask(&mut credential.bearer));
        for key in &mut config.access.token.keys {
            if let KeyMaterial::Secret(secret) = &mut key.material {
                *secret = Secret::new(&secret.masked().repeat(8));
            }
        }
        assert_eq!(again, config);
        assert_eq!(again.explain(), config.explain());
    }
}

#[test]
fn secrets_are_not_shown_anywhere() {
    let config = parsed(EVERYTHING).unwrap();
    for shown in [config.explain(), format!("{config:?}")] {
        assert!(!shown.contains("0123456789abcdef"), "{shown}");
        assert!(!shown.contains("pa\"ss") && !shown.contains("pa\\\"ss") && !shown.contains("token\""), "{shown}");
        assert!(shown.contains(Secret::MASK));
    }
    let errors = refused(&format!("{LEAST}password = \"much too long\"\n"));
    assert!(
        errors.contains("smsc.main.password: value of 13 octets (not shown) is not allowed: at most 8"),
        "{errors}"
    );
    assert!(!errors.contains("much"));
    let errors = refused(&format!("{LEAST}[[access.token.key]]\nsecret = \"much too short\"\n"));
    assert!(!errors.contains("much"), "{errors}");
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
    tls = true
    ca_file = "ca.pem"
    client_certificate = "client.pem"
    client_key = "client.key"
    server_name = "smsc.example"
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
    payload = "sar"
    reference_width = "16bit"
    reference_range = [300, 500]
    service_type = "WAP"
    version = "3.3"
    bind_attempts = 5
    bind_retry = "1h"
    bind_spread = "1s"
    outbind = "127.0.0.1:2776"
    outbind_system_id = "smsc"
    outbind_password = "out"
    priority = 3
    cost = 12
    failover_after = "0s"
    return_after = "2m"
    routes = ["1555", "44"]
    enquire_link = "1m 30s"
    response_timeout = "5s"
    bind_timeout = "1s"
    resend_unknown = "never"
    receipt_timeout = "2days"
    message_ids = "resp_hex"
    withdraw = "cancel"
    query_after = "10m"
    crowding_handsets = 0
    crowding_within = "2s"
    [push]
    profile = "compact"
    application_id = 0x9065
    destination_port = 2949
    source_port = 9201
    data_port = 16501
    data_source_port = 16600
    unreceipted_per_handset = 1000
    [policy]
    batch_window = "250ms"
    max_events = 10
    max_segments = 1
    order = "pipelined"
    ttl = "0s"
    overflow = "split"
    content = "wake"
    ids = "all"
    receipts = "sample"
    priority = "urgent"
    at_limit = "notify"
    types = ["price", "a,b"]
    coalesce = "field:symbol"
    [access]
    allow_private_sources = true
    origins = ["https://app.example", "http://localhost:3000"]
    prefixes = ["49", "1555"]
    suppressed = ["+15551234567", "4915112345678"]
    [access.token]
    audience = "bellwire"
    skew = "90s"
    jwks_file = "/etc/bellwire/jwks.json"
    [[access.token.key]]
    kid = "2026-11"
    secret = "0123456789abcdefghijklmnopqrstuv"
    [[access.token.key]]
    algorithm = "ES384"
    pem_file = "/etc/bellwire/issuer.pem"
    [access.gateway]
    header = "X-MSISDN"
    from = ["10.1.0.0/16", "192.0.2.7", "2001:db8::/32"]
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
    [budgets]
    announce_at = 50
    handset_per_day = 0
    tenant_per_minute = 9
    [[budgets.tenant]]
    name = "acme.eu"
    source_per_minute = 7
    [admission]
    octets = 1048576
"#;
