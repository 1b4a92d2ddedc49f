//! The command line: each command, its output, and its exit code.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use crate::process::{Server, portcullis, run};
use crate::stage::Stage;
use crate::wire::{ask, get};

#[test]
fn wrong_usage_and_wrong_settings_are_refused_by_name_with_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let usage = |arguments: &[&str], says: &str| {
        let said = run(&mut portcullis(folder.path(), arguments));
        assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{arguments:?}: {}", said.stderr);
        assert!(said.stderr.contains(says), "{arguments:?}: {}", said.stderr);
    };
    usage(&["--nonsense"], "--nonsense");
    usage(&["serve", "--nonsense"], "--nonsense");
    usage(&["nonsense"], "nonsense");
    usage(&["keys"], "create");
    usage(&["keys", "create", "--admin", "--workspace", "a"], "--workspace");
    usage(&["emulate", "--listen", "nowhere"], "nowhere");
    usage(&["--ready-file", "a", "serve"], "serve");
    usage(&["serve", "--config", "not-there.toml"], "not-there.toml");

    fs::write(folder.path().join("a.toml"), "PORTCULLIS_LISTNE = \"127.0.0.1:0\"").unwrap();
    usage(&["serve", "--config", "a.toml"], "PORTCULLIS_LISTNE");
    fs::write(folder.path().join("b.toml"), "DATABASE_URL = \"mysql://canary\"").unwrap();
    usage(&["healthcheck", "--config", "b.toml"], "DATABASE_URL");

    let setting = |name: &str, value: &[u8]| {
        let said = run(portcullis(folder.path(), &["serve"]).env(name, OsStr::from_bytes(value)));
        assert_eq!(said.code, Some(2), "{name}: {}", said.stderr);
        assert!(said.stderr.contains(name) && !said.stderr.contains("canary"), "{}", said.stderr);
    };
    setting("PORTCULLIS_LISTEN", b"8787");
    setting("PORTCULLIS_LISTEN", b"\xff");
    setting("PORTCULLIS_ADMIN_LISTEN", b"localhost:1");
    setting("DATABASE_URL", b"mysql://canary");
    setting("PORTCULLIS_ADMIN_KEY", b"canary");
    setting("PORTCULLIS_ENCRYPTION_KEY", b"canary");
    setting("ANTHROPIC_AWS_BASE_URL", b"ftp://example.com");
    setting("PORTCULLIS_DRAIN_TIMEOUT_S", b"0");
    setting("PORTCULLIS_STREAM_IDLE_TIMEOUT_S", b"18446744073709551615");
    setting("PORTCULLIS_MAX_CONNECTIONS", b"18446744073709551615");
    setting("PORTCULLIS_LOG_FORMAT", b"xml");
    setting("RUST_LOG", b"inof");
    setting("PORTCULLIS_MODELS_FILE", b"not-there.json");
    assert!(!folder.path().join("data").exists(), "nothing was made before the settings were read");
}

#[test]
fn models_shows_the_facts_with_the_operators_over_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("models.json");
    fs::write(&file, r#"{"models": [{"id": "claude-opus-6", "like": "claude-opus-5-5"}]}"#).unwrap();
    let models = |arguments: &[&str]| {
        let said = run(portcullis(folder.path(), arguments).env("PORTCULLIS_MODELS_FILE", &file));
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        said.stdout
    };
    assert!(models(&["models"]).lines().any(|line| line.starts_with("claude-opus-6 ")));
    assert!(models(&["models", "--json"]).contains("\"id\": \"claude-opus-6\""));

    fs::write(&file, r#"{"models": [{"id": "claude-opus-6"}]}"#).unwrap();
    let said = run(portcullis(folder.path(), &["serve"]).env("PORTCULLIS_MODELS_FILE", &file));
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("row `claude-opus-6`, field `family`"), "{}", said.stderr);
}

#[test]
fn help_and_version_are_output() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["--help"][..], &["--version"], &["help", "keys"]] {
        let said = run(&mut portcullis(folder.path(), arguments));
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(said.stdout.contains("portcullis"), "{}", said.stdout);
    }
}

#[test]
fn a_file_stands_below_the_environment_and_an_empty_value_counts_as_unset() {
    let folder = tempfile::tempdir().unwrap();
    let file = "PORTCULLIS_DATA_DIR = \"from-file\"\nPORTCULLIS_LISTEN = \"nowhere\"\nPORTCULLIS_DRAIN_TIMEOUT_S = 5\n";
    fs::write(folder.path().join("portcullis.toml"), file).unwrap();
    let mut by_variable = portcullis(folder.path(), &["serve"]);
    drop(Server::start(by_variable.env("PORTCULLIS_CONFIG", "portcullis.toml")));
    assert!(folder.path().join("from-file").exists() && !folder.path().join("data").exists());

    let empty =
        ["PORTCULLIS_CONFIG", "DATABASE_URL", "PORTCULLIS_ADMIN_KEY", "PORTCULLIS_DATA_DIR", "RUST_LOG"];
    let mut command = portcullis(folder.path(), &["serve"]);
    let server =
        Server::start(command.envs(empty.map(|name| (name, ""))).env("PORTCULLIS_PORT_8787_TCP", "x"));
    assert!(folder.path().join("data").exists());
    assert!(server.log().contains("PORTCULLIS_PORT_8787_TCP"), "{}", server.log());
}

#[test]
fn migrate_prepares_a_database_on_which_the_first_start_still_is_one() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let said = run(&mut portcullis(folder.path(), &["migrate"]));
        assert_eq!((said.code, said.stdout.as_str()), (Some(0), ""), "{}", said.stderr);
    }
    let server = Server::start(&mut portcullis(folder.path(), &["serve"]));
    assert!(server.ready["admin_key"].is_string());
}

#[test]
fn keys_are_made_beside_a_running_gateway_and_printed_alone() {
    let stage = Stage::new(&[]);
    let make = |arguments: &[&str]| {
        let said = run(&mut portcullis(stage.folder.path(), &[&["keys", "create"], arguments].concat()));
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
        said.stdout.strip_suffix('\n').unwrap().to_owned()
    };
    let (key, admin) = (make(&["--name", "a laptop"]), make(&["--admin"]));
    assert!([&key, &admin].iter().all(|key| key.starts_with("pcs_") && !key.contains(char::is_whitespace)));
    let chat =
        |key: &str| ask(stage.gateway.address, stage.chat("Hello", false).replace(&stage.key, key)).status;
    let whoami = |key: &str| {
        ask(
            stage.gateway.address,
            get("/v1/integrations").replace("host", &format!("x-portkey-api-key: {key}\r\nhost")),
        )
        .status
    };
    crate::process::eventually("the key is known", || (chat(&key) == 200).then_some(()));
    crate::process::eventually("the admin key is known", || (whoami(&admin) == 200).then_some(()));
    assert_eq!((chat(&admin), whoami(&key)), (403, 403));

    let said = run(&mut portcullis(stage.folder.path(), &["keys", "create", "--workspace", "nowhere"]));
    assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""));
    assert!(said.stderr.contains("nowhere"), "{}", said.stderr);
    let elsewhere = tempfile::tempdir().unwrap();
    let said = run(&mut portcullis(elsewhere.path(), &["keys", "create"]));
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.contains("PORTCULLIS_ENCRYPTION_KEY"), "{}", said.stderr);
    assert!(!elsewhere.path().join("data").exists());
}

#[test]
fn healthcheck_tells_ready_from_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(&mut portcullis(folder.path(), &["serve"]));
    let address = server.address.to_string();
    let check = || run(portcullis(folder.path(), &["healthcheck"]).env("PORTCULLIS_LISTEN", &address));
    let said = check();
    assert_eq!((said.code, said.stdout.as_str(), said.stderr.as_str()), (Some(0), "", ""));
    let everywhere = address.replace("127.0.0.1", "0.0.0.0");
    let said = run(portcullis(folder.path(), &["healthcheck"]).env("PORTCULLIS_LISTEN", everywhere));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    server.kill();
    let said = check();
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.contains(&address), "{}", said.stderr);
}

#[test]
fn emulate_says_how_to_use_it_and_stops_on_a_signal() {
    let folder = tempfile::tempdir().unwrap();
    let mut emulator = crate::stage::emulator(folder.path());
    let log = emulator.log();
    for name in
        ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL_STS", "ANTHROPIC_AWS_BASE_URL"]
    {
        let export = format!("export {name}={}", emulator.ready["env"][name].as_str().unwrap());
        assert!(log.contains(&export), "{log}");
    }
    emulator.terminate();
    assert_eq!(emulator.ended().code(), Some(0));
}
