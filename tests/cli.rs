//! The command as a shell sees it: exit codes, and what goes to which output.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::io::Write;
use std::process::{Command, Output, Stdio};
use tempfile::NamedTempFile;

const LEAST: &str = "[[smsc]]\nname = \"main\"\naddress = \"127.0.0.1:2775\"\n";

fn bellwire(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bellwire"));
    command.args(arguments).env_clear().envs(environment.iter().copied()).output().unwrap()
}

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::with_suffix(".toml").unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn checked(text: &str, more: &[&str], environment: &[(&str, &str)]) -> (i32, String, String) {
    let file = file(text);
    let path = file.path().to_str().unwrap();
    let output = bellwire(&[&["check-config", "--config", path], more].concat(), environment);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(path, "FILE");
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_legal_configuration_is_printed_with_its_defaults() {
    let (code, printed, complaint) = checked(LEAST, &[], &[]);
    assert_eq!((code, complaint.as_str()), (0, ""));
    assert!(printed.contains("[[smsc]]\nname = \"main\"\naddress = \"127.0.0.1:2775\"\n"), "{printed}");
    assert!(printed.contains("[policy]\nbatch_window = \"0s\"\n"), "{printed}");
}

#[test]
fn what_is_printed_is_a_configuration_again() {
    let (_, printed, _) = checked(LEAST, &["--set", "smsc.main.password=secret"], &[]);
    assert!(printed.contains("password = \"********\"") && !printed.contains("secret"), "{printed}");
    let (code, again, _) = checked(&printed, &[], &[]);
    assert_eq!((code, again), (0, printed));
}

#[test]
fn environment_and_arguments_take_precedence() {
    let environment = [("BELLWIRE_OPS__LISTEN", "127.0.0.1:9191"), ("BELLWIRE_GRPC__LISTEN", "127.0.0.1:5151")];
    let (code, printed, _) = checked(LEAST, &["--set", "grpc.listen=127.0.0.1:5252"], &environment);
    assert_eq!(code, 0);
    assert!(printed.contains("listen = \"127.0.0.1:9191\"") && printed.contains("listen = \"127.0.0.1:5252\""));
}

#[test]
fn a_wrong_configuration_exits_with_64_and_names_the_place() {
    let (code, printed, complaint) = checked(&format!("{LEAST}window = 0\nlinsk = 1\n"), &[], &[]);
    assert_eq!((code, printed.as_str()), (64, ""));
    let lines: Vec<&str> = complaint.lines().collect();
    assert_eq!(lines[0], "FILE:4:10: smsc.main.window: value 0 is not allowed: a whole number from 1 to 10000");
    assert!(lines[1].starts_with("FILE:5:1: smsc.main.linsk: unknown key"), "{complaint}");
    assert_eq!(lines.len(), 2);
}

#[test]
fn usage_errors_exit_with_64() {
    for arguments in [
        &[][..],
        &["fly"],
        &["check-config"],
        &["check-config", "--config", "/nowhere/bellwire.toml"],
        &["check-config", "--config", "x", "--log", "bellwire=loud"],
        &["check-config", "--config", "x", "--log-format", "xml"],
    ] {
        let output = bellwire(arguments, &[]);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn help_and_version_exit_with_0_and_help_has_an_example() {
    let help = bellwire(&["check-config", "--help"], &[]);
    assert_eq!(help.status.code(), Some(0));
    assert!(String::from_utf8(help.stdout).unwrap().contains("Example:\n  bellwire check-config --config"));
    let version = bellwire(&["--version"], &[]);
    assert_eq!(version.status.code(), Some(0));
    assert_eq!(String::from_utf8(version.stdout).unwrap(), concat!("bellwire ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn a_backup_is_restored_into_an_empty_directory_only() {
    let (backup, folder) = (file("no backup"), tempfile::tempdir().unwrap());
    let (path, folder_path) = (backup.path().to_str().unwrap(), folder.path().to_str().unwrap());
    let refused = |arguments: &[&str]| {
        let output = bellwire(&[&["restore"], arguments].concat(), &[]);
        assert!(output.stdout.is_empty());
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, complaint) = refused(&["/nowhere/a.backup", "--data-dir", folder_path]);
    assert!(code == Some(64) && complaint.starts_with("/nowhere/a.backup: No such file"), "{complaint}");
    assert_eq!(refused(&[path]).0, Some(64), "where to is not said");
    let (code, complaint) = refused(&[path, "--data-dir", folder_path]);
    assert!(code == Some(1) && complaint.starts_with(&format!("cannot restore {path}: ")), "{complaint}");
    std::fs::write(folder.path().join("anything"), "").unwrap();
    let (code, complaint) = refused(&[path, "--data-dir", folder_path]);
    assert_eq!((code, complaint), (Some(64), format!("{folder_path} is not empty: move away what is in it\n")));
}

/// Listens nowhere that anybody else does, and keeps nothing.
const ALONE: &str = "[node]\ndata_dir = \"\"\n[http]\nlisten = \"\"\n[grpc]\nlisten = \"127.0.0.1:0\"\n[ops]\nlisten = \"127.0.0.1:0\"\n";

#[test]
fn a_file_for_tls_that_is_of_no_use_is_named_with_its_key_at_the_start() {
    for (key, path) in [("ca_file", "/nowhere/ca.pem"), ("client_key", "/nowhere/client.key")] {
        let mut keys = format!("tls = true\n{key} = \"{path}\"\n");
        let certificate = file("");
        if key == "client_key" {
            let made = rcgen::generate_simple_self_signed(["bellwire".to_owned()]).unwrap();
            std::fs::write(certificate.path(), made.cert.pem()).unwrap();
            keys += &format!("client_certificate = {:?}\n", certificate.path());
        }
        let file = file(&format!("{ALONE}{LEAST}{keys}"));
        let output = bellwire(&["serve", "--config", file.path().to_str().unwrap()], &[]);
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && complaint.contains(&format!("smsc.main.{key}: {path}: ")), "{complaint}");
    }
}

#[test]
fn a_router_stops_when_its_input_ends_if_told_so() {
    let file = file(&format!("{ALONE}{LEAST}"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_bellwire"));
    command.args(["serve", "--stop-on-eof", "--config", file.path().to_str().unwrap()]).env_clear();
    // Nothing is written, and the input is closed before the output is read.
    let output = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let logged = String::from_utf8(output.stderr).unwrap();
    assert!(logged.contains("end of input"), "{logged}");
}
