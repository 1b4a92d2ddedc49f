//! What survives a kill, and a database that is away.

use std::io::copy;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::process::{Server, eventually, portcullis, run};
use crate::stage::Stage;
use crate::wire::{Connection, ask, get};

#[test]
fn a_killed_gateway_comes_back_with_its_keys_and_providers() {
    let mut stage = Stage::new(&[]);
    let mut stream = Connection::open(stage.gateway.address);
    stream.send(stage.chat("[[emulator:stall_mid_stream]]", true));
    stream.read_until("\"content\":\"");
    stage.gateway.kill();
    assert!(!stream.read_to_end().contains("[DONE]"));

    let again = stage.another(&[]);
    assert!(again.ready.get("admin_key").is_none());
    assert_eq!(ask(again.address, stage.chat("Hello", false)).status, 200);
    assert_eq!(ask(again.address, stage.message("Hello", false)).status, 200);
}

/// A server of Postgres behind a door that can be shut.
struct Door {
    address: SocketAddr,
    is_open: Arc<AtomicBool>,
}

impl Door {
    fn open(&self, open: bool) {
        self.is_open.store(open, Ordering::Relaxed);
    }

    fn shut(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, is_open) = (listener.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
        let door = Self { address, is_open: Arc::clone(&is_open) };
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if is_open.load(Ordering::Relaxed) {
                    let server = TcpStream::connect(&server).unwrap();
                    forward(client.try_clone().unwrap(), server.try_clone().unwrap());
                    forward(server, client);
                }
            }
        });
        door
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream) {
    std::thread::spawn(move || {
        let _ = copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
}

/// A database of its own on the server that the environment names; gone when it is dropped.
struct Database {
    server: String,
    name: String,
}

impl Database {
    fn create() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the server is named by the environment")]
        let server = std::env::var("PORTCULLIS_TEST_POSTGRES_URL").expect(
            "PORTCULLIS_TEST_POSTGRES_URL is not set: run `cargo xtask test`, which starts a server and sets it",
        );
        let name = format!("binary_{}", std::process::id());
        psql(&server, &format!("drop database if exists {name} with (force)"));
        psql(&server, &format!("create database {name}"));
        Self { server, name }
    }

    /// The server's `host:port`.
    fn host(&self) -> &str {
        let (_, rest) = self.server.rsplit_once('@').expect("the URL has a user");
        rest.split_once('/').expect("the URL has a database").0
    }

    fn url_through(&self, door: SocketAddr) -> String {
        let (user, _) = self.server.rsplit_once('@').expect("the URL has a user");
        format!("{user}@{door}/{}?sslmode=disable", self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        psql(&self.server, &format!("drop database if exists {} with (force)", self.name));
    }
}

/// Only the catalog's crate may speak SQL, so a test borrows the server's own client.
fn psql(server: &str, statement: &str) {
    let arguments = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--command", statement, server];
    let output = Command::new("psql").args(arguments).output().expect("psql comes with Postgres");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_database_that_is_away_at_the_start_is_waited_for_and_one_that_goes_away_later_is_not_missed() {
    let database = Database::create();
    let door = Door::shut(database.host().to_owned());
    let folder = tempfile::tempdir().unwrap();
    let emulator = crate::stage::emulator(folder.path());
    let listen = free_address();
    let url = database.url_through(door.address);
    let settings = [("DATABASE_URL", url.as_str()), ("PORTCULLIS_LISTEN", &listen.to_string())];
    let mut gateway = Server::launch(&mut crate::stage::serve(folder.path(), &emulator, &settings));
    let answer = |path: &str| {
        eventually("it listens", || TcpStream::connect(listen).is_ok().then_some(()));
        ask(listen, get(path))
    };

    assert_eq!(answer("/livez").status, 200);
    assert_eq!(
        (answer("/readyz").status, answer("/readyz").json()["status"].as_str()),
        (503, Some("starting"))
    );
    let chat = answer("/v1/integrations");
    assert_eq!((chat.status, chat.json()["error"]["code"].as_str()), (503, Some("starting")));
    assert!(!gateway.has_ended() && !gateway.ready_path().exists());
    eventually("the log says why", || gateway.log().contains("the database is not there yet").then_some(()));

    door.open(true);
    eventually("it is ready", || (answer("/readyz").status == 200).then_some(()));
    let mut stage = Stage::around(gateway.when_ready(), emulator, folder);
    assert_eq!(ask(listen, stage.chat("Hello", false)).status, 200);

    door.open(false);
    psql(
        &database.server,
        &format!(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{}'",
            database.name
        ),
    );
    assert_eq!(ask(listen, stage.chat("Hello", false)).status, 200, "known keys work from memory");
    assert_eq!(answer("/readyz").status, 200);
    stage.gateway.terminate();
    assert_eq!(stage.gateway.ended().code(), Some(0));
    let log = stage.gateway.log();
    let (user, _) = url.split_once('@').unwrap();
    assert!(!log.contains(user.rsplit_once(':').unwrap().1), "the password is in the log: {log}");
}

#[test]
fn a_signal_ends_the_wait_for_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = free_address();
    let url = format!("postgres://user:password@{nobody}/database");
    let mut gateway = Server::launch(portcullis(folder.path(), &["serve"]).env("DATABASE_URL", &url));
    eventually("it waits", || gateway.log().contains("the database is not there yet").then_some(()));
    gateway.terminate();
    assert_eq!(gateway.ended().code(), Some(0), "{}", gateway.log());

    let said = run(portcullis(folder.path(), &["migrate"]).env("DATABASE_URL", &url));
    assert_eq!(said.code, Some(1));
    assert!(
        said.stderr.contains("cannot be reached") && !said.stderr.contains(":password@"),
        "{}",
        said.stderr
    );
}

/// An address on which nobody listens.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
