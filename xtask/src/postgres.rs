//! A throw-away Postgres, started from whatever is installed.
//!
//! It lives in a temporary folder, listens on a free port of the loopback interface, asks for a password, does not
//! wait for the disk, and is gone with all its data when it is dropped.

use std::net::TcpListener;
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::environment::{find_program, search_path, variable};
use crate::process::{self, Service, Stop};
use crate::progress;
use crate::scratch::Scratch;

/// The variable that names a server to use instead.
pub(crate) const URL_VARIABLE: &str = "PORTCULLIS_TEST_POSTGRES_URL";

/// A server that tests may do anything to.
pub(crate) struct Postgres {
    /// With user and password; the database is `postgres` when the server is our own.
    pub(crate) url: String,
    /// Stops before its folder is removed: fields are dropped in this order.
    _service: Option<Service>,
    _folder: Option<Scratch>,
}

impl Postgres {
    /// The server of [`URL_VARIABLE`], or else one of our own.
    ///
    /// # Errors
    /// When nothing is installed and nothing can be, or when the server does not start.
    pub(crate) fn given_or_started() -> Result<Self> {
        if let Some(url) = variable(URL_VARIABLE) {
            progress::note(format!("using the Postgres of {URL_VARIABLE}"));
            return Ok(Self { url, _service: None, _folder: None });
        }
        let binaries = installed_or_install()?;
        progress::quiet("starting a throw-away Postgres", || start(&binaries))
    }
}

/// The folder with `initdb` and `postgres`; installs them when that is possible.
fn installed_or_install() -> Result<PathBuf> {
    if let Some(folder) = find_binaries() {
        return Ok(folder);
    }
    let advice = format!(
        "no Postgres is installed: install it (Debian: `apt-get install postgresql`), \
         or name a server that tests may use in {URL_VARIABLE}"
    );
    if !is_root()? || find_program("apt-get").is_none() {
        bail!(advice);
    }
    progress::loud("no Postgres is installed; installing Debian's package `postgresql`", || {
        process::run(apt_get(&["update", "--quiet"]).env("DEBIAN_FRONTEND", "noninteractive"))?;
        let install = ["install", "--quiet", "--yes", "--no-install-recommends", "postgresql"];
        process::run(apt_get(&install).env("DEBIAN_FRONTEND", "noninteractive"))
    })
    .context(advice.clone())?;
    find_binaries().context(advice)
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.args(arguments);
    command
}

/// Looks where distributions put them: Debian keeps server programs out of `PATH`, one folder a version.
fn find_binaries() -> Option<PathBuf> {
    let has_both = |folder: &PathBuf| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = versions.map(|entry| entry.path()).collect();
    versions.sort_by_key(|path| std::cmp::Reverse(version_of(path)));
    let debian = versions.into_iter().map(|version| version.join("bin"));
    debian.chain(search_path()).find(has_both)
}

/// A folder's name as a number, so that 9 comes before 17.
fn version_of(folder: &Path) -> Vec<u32> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    name.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

fn is_root() -> Result<bool> {
    Ok(id(&["-u"])? == Some(0))
}

/// A number that `id` tells, if it knows the user.
fn id(arguments: &[&str]) -> Result<Option<u32>> {
    let said = process::listen_to(Command::new("id").args(arguments))?;
    Ok(if said.success { said.stdout.trim().parse().ok() } else { None })
}

/// Postgres refuses to run as root: then it runs as its own user if there is one, else as nobody.
#[derive(Clone, Copy)]
struct RunAs {
    user: u32,
    group: u32,
}

impl RunAs {
    fn choose() -> Result<Option<Self>> {
        if !is_root()? {
            return Ok(None);
        }
        for name in ["postgres", "nobody"] {
            if let (Some(user), Some(group)) = (id(&["-u", name])?, id(&["-g", name])?) {
                return Ok(Some(Self { user, group }));
            }
        }
        bail!("Postgres does not run as root, and there is neither a user `postgres` nor `nobody`")
    }
}

fn start(binaries: &Path) -> Result<Postgres> {
    let run_as = RunAs::choose()?;
    let folder = Scratch::new("postgres")?;
    let password = random_password()?;
    prepare(binaries, folder.path(), run_as, &password)?;
    // Somebody else may take the free port in between; then there is another.
    let mut last_error = None;
    for _ in 0..3 {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        match serve(binaries, folder.path(), run_as, port) {
            Ok(service) => {
                let url = format!("postgres://portcullis:{password}@127.0.0.1:{port}/postgres");
                return Ok(Postgres { url, _service: Some(service), _folder: Some(folder) });
            }
            Err(error) => last_error = Some(error),
        }
        crate::interrupt::check()?;
    }
    Err(last_error.context("three attempts were made")?)
}

fn random_password() -> Result<String> {
    use std::io::Read;
    let mut bytes = [0; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// A program of Postgres, run in the folder as the user it may run as.
fn program(binaries: &Path, name: &str, folder: &Path, run_as: Option<RunAs>) -> Command {
    let mut command = Command::new(binaries.join(name));
    command.current_dir(folder).env("LC_ALL", "C").env("HOME", folder);
    if let Some(RunAs { user, group }) = run_as {
        command.uid(user).gid(group);
    }
    command
}

/// Makes the cluster.
fn prepare(binaries: &Path, folder: &Path, run_as: Option<RunAs>, password: &str) -> Result<()> {
    use std::io::Write;
    let password_file = folder.join("password");
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&password_file)?;
    writeln!(file, "{password}")?;
    if let Some(RunAs { user, group }) = run_as {
        chown(folder, Some(user), Some(group))?;
        chown(&password_file, Some(user), Some(group))?;
    }
    let mut initdb = program(binaries, "initdb", folder, run_as);
    initdb.args(["--username=portcullis", "--auth=scram-sha-256", "--pwfile=password", "--pgdata=data"]);
    initdb.args(["--encoding=UTF8", "--no-locale", "--no-sync"]);
    let said = process::listen_to(&mut initdb)?;
    anyhow::ensure!(said.success, "initdb failed: {}{}", said.stdout, said.stderr);
    Ok(())
}

fn serve(binaries: &Path, folder: &Path, run_as: Option<RunAs>, port: u16) -> Result<Service> {
    let log_path = folder.join("log");
    let log = std::fs::File::create(&log_path)?;
    let mut postgres = program(binaries, "postgres", folder, run_as);
    postgres.args(["-D", "data", "-p", &port.to_string()]).arg("-k").arg(folder);
    for setting in [
        "listen_addresses=127.0.0.1",
        "max_connections=300",
        // The data is thrown away: waiting for the disk would only cost time.
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
    ] {
        postgres.args(["-c", setting]);
    }
    postgres.stdout(Stdio::from(log.try_clone()?)).stderr(Stdio::from(log));
    // "Immediate" shutdown: nothing of it is wanted any more.
    let stop = Stop { signal: "QUIT", grace: Duration::from_secs(5) };
    let mut service = Service::start(&mut postgres, stop)?;
    let pid_file = folder.join("data/postmaster.pid");
    let ready = || is_ready(&std::fs::read_to_string(&pid_file).ok()?).then_some(());
    match service.wait_until(Duration::from_secs(60), ready) {
        Ok(()) => Ok(service),
        Err(error) => {
            let log = std::fs::read_to_string(&log_path).unwrap_or_default();
            bail!("Postgres did not start: {error}\n{log}")
        }
    }
}

/// The eighth line of `postmaster.pid` is the server's state. Source: PostgreSQL, `src/include/utils/pidfile.h`.
fn is_ready(pid_file: &str) -> bool {
    pid_file.lines().nth(7).is_some_and(|state| state.trim() == "ready")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_ready_when_its_pid_file_says_so() {
        let file = |state: &str| format!("1\n/data\n0\n5432\n/tmp\n127.0.0.1\n 5 6\n{state}\n");
        assert!(is_ready(&file("ready   ")));
        assert!(!is_ready(&file("starting")));
        assert!(!is_ready("1\n/data\n"));
    }

    #[test]
    fn the_newest_version_comes_first() {
        let mut folders = [Path::new("9.6"), Path::new("17"), Path::new("15")];
        folders.sort_by_key(|path| std::cmp::Reverse(version_of(path)));
        assert_eq!(folders, [Path::new("17"), Path::new("15"), Path::new("9.6")]);
    }
}
