//! Starts without any configuration, again, at once, and with a database of other keys.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::process::{Server, eventually, limited, portcullis, run};
use crate::wire::{Connection, ask, get};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn whoami(server: &Server, key: &str) -> u16 {
    let request = format!("GET /v1/whoami HTTP/1.1\r\nhost: a\r\nx-portkey-api-key: {key}\r\n\r\n");
    ask(server.address, request).status
}

#[test]
fn a_first_start_needs_nothing_says_what_it_did_and_shows_its_key_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = Server::start(&mut portcullis(folder.path(), &[]));
    let key = first.ready["admin_key"].as_str().unwrap().to_owned();
    assert_eq!(whoami(&first, &key), 200);
    assert_eq!(["/livez", "/readyz"].map(|path| ask(first.address, get(path)).status), [200, 200]);

    let data = folder.path().join("data");
    assert_eq!(mode(&data), 0o700);
    let mut files: Vec<_> = fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.push(first.ready_path());
    assert!(files.len() >= 3, "{files:?}");
    for file in &files {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }

    first.terminate();
    assert_eq!(first.ended().code(), Some(0));
    let log = first.log();
    for told in
        ["encryption-key", "portcullis.db", "serving on http://127.0.0.1:", "shown this once", "stopped"]
    {
        assert!(log.contains(told), "{told}: {log}");
    }
    assert!(log.lines().filter(|line| line.starts_with('{')).all(|line| !line.contains(&key)), "{log}");
    assert!(log.lines().any(|line| line.trim() == key), "{log}");

    let second = Server::start(&mut portcullis(folder.path(), &["serve"]));
    assert!(second.ready.get("admin_key").is_none() && !second.log().contains("pcs_"), "{}", second.log());
    assert_eq!(whoami(&second, &key), 200);
}

#[test]
fn as_many_files_are_opened_as_the_system_allows_and_fewer_connections_than_asked_for_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let raised =
        Server::start(&mut limited(&portcullis(folder.path(), &["serve"]), "-Sn 100 && ulimit -Hn 15000"));
    assert_eq!(raised.open_files_limit(), 15_000);
    assert!(!raised.log().contains("PORTCULLIS_MAX_CONNECTIONS"), "{}", raised.log());

    let low =
        Server::start(&mut limited(&portcullis(folder.path(), &["serve"]), "-Sn 200 && ulimit -Hn 328"));
    assert_eq!(low.open_files_limit(), 328);
    eventually("it is told", || {
        low.log().contains("allows 100 connections on a listener, not the 10000").then_some(())
    });
    // More than fit, and none of them says anything.
    let _silent: Vec<_> = (0..300).map(|_| Connection::open(low.address)).collect();
    assert_eq!(ask(low.address, get("/livez")).status, 200);
    assert!(!low.log().contains("could not be accepted"), "{}", low.log());
}

#[test]
fn of_two_first_starts_at_once_one_makes_the_key_and_both_serve() {
    let folder = tempfile::tempdir().unwrap();
    let together: Vec<Server> = std::thread::scope(|scope| {
        let start = || Server::start(&mut portcullis(folder.path(), &["serve"]));
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(start)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let keys: Vec<_> = together.iter().filter_map(|server| server.ready["admin_key"].as_str()).collect();
    assert_eq!(keys.len(), 1);
    for server in &together {
        eventually("the key works everywhere", || (whoami(server, keys[0]) == 200).then_some(()));
    }
    let left: Vec<_> =
        fs::read_dir(folder.path().join("data")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_str().unwrap().starts_with("encryption-key.")), "{left:?}");
}

#[test]
fn a_database_of_other_keys_is_refused_by_the_name_of_the_variable() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = Server::start(&mut portcullis(folder.path(), &["serve"]));
    first.terminate();
    first.ended();
    let other = "BVVkPY8Vxahv9EhY6Ae9Gh4N4Y/cNEWaKNxBoA+69VY=";
    for command in ["serve", "migrate"] {
        let said = run(portcullis(folder.path(), &[command]).env("PORTCULLIS_ENCRYPTION_KEY", other));
        assert_eq!(said.code, Some(1), "{}", said.stderr);
        assert!(
            said.stderr.contains("PORTCULLIS_ENCRYPTION_KEY") && !said.stderr.contains(other),
            "{}",
            said.stderr
        );
    }
}

#[test]
fn what_the_system_refuses_is_told_with_the_setting_it_came_from() {
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, value: &str| {
        let said = run(portcullis(folder.path(), &["serve"]).env(name, value));
        assert_eq!(said.code, Some(1), "{}", said.stderr);
        let last = said.stderr.lines().last().unwrap();
        assert!(last.starts_with("portcullis: ") && last.contains(name) && last.contains(value), "{last}");
    };
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    check("PORTCULLIS_LISTEN", &taken.local_addr().unwrap().to_string());
    check("PORTCULLIS_ADMIN_LISTEN", &taken.local_addr().unwrap().to_string());
    fs::write(folder.path().join("a-file"), "").unwrap();
    check("PORTCULLIS_DATA_DIR", "a-file/data");
    check("PORTCULLIS_DATA_DIR", "/proc/data");
}
