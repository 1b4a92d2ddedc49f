//! What the fleet does: requests as the gateway makes them, and what befalls sessions and integrations meanwhile.

use std::ops::AddAssign;
use std::sync::Arc;

use portcullis_credentials::sts::AwsSts;
use portcullis_credentials::{CredentialEngine, CredentialRequest, CredentialsError, Renewal};
use portcullis_emulator::{Emulator, EmulatorHandle};
use portcullis_provider::error::UpstreamError;
use portcullis_signer::{ClockOffset, SERVICE, Scope, SignableBody, SignableRequest, Signer};
use portcullis_types::{AwsCredentials, Clock, SystemClock};
use tokio::net::TcpListener;

use super::members::{Edition, Members, N_INTEGRATIONS, subject};
use crate::probe::scene::Gateway;

/// A request gives up after so many refusals.
const MOST_TRIES: usize = 20;

#[derive(Clone)]
pub(super) struct Fleet(Arc<Parts>);

struct Parts {
    aws: EmulatorHandle,
    members: Members,
    engine: CredentialEngine,
    signer: Signer,
    client: reqwest::Client,
}

/// What the tasks have seen and done.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) n_served: usize,
    /// Requests that were refused for their session, each of which was sent again with another.
    pub(super) n_refused: usize,
    /// Requests that lost a race against an edit that withdrew their external ID.
    pub(super) n_overtaken: usize,
    pub(super) n_evictions: usize,
    /// Sessions ended in AWS, one by one or all of them.
    pub(super) n_ends: usize,
    pub(super) n_edits: usize,
}

impl Fleet {
    pub(super) async fn start() -> Self {
        let members = Members::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let aws = Emulator::builder().world(members.world()).build().spawn(listener).unwrap();
        let sts = Arc::new(AwsSts::new(Some(aws.base_url())));
        let engine = CredentialEngine::with_parts(Arc::new(SystemClock), Arc::new(Gateway), sts);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self(Arc::new(Parts { aws, members, engine, signer: Signer::new(), client }))
    }

    pub(super) fn aws(&self) -> &EmulatorHandle {
        &self.0.aws
    }

    pub(super) fn members(&self) -> &Members {
        &self.0.members
    }

    /// Sends so many requests, each of an integration drawn by lot.
    pub(super) async fn run(self, task: usize, n_requests: usize) -> Seen {
        let (mut dice, mut seen) = (Dice(task as u64), Seen::default());
        for _ in 0..n_requests {
            let used = self.request(dice.below(N_INTEGRATIONS), &mut seen).await;
            self.befall(&used, &mut dice, &mut seen);
        }
        seen
    }

    /// One request, as the gateway makes it: refused for its session, it is sent again with another.
    async fn request(&self, member: usize, seen: &mut Seen) -> (Arc<Edition>, Arc<AwsCredentials>) {
        for _ in 0..MOST_TRIES {
            let edition = self.members().current(member);
            let session = match self.0.engine.credentials(&wanted(&edition)).await {
                Ok(session) => session,
                Err(CredentialsError::AccessDenied(_)) if self.is_old(&edition) => {
                    seen.n_overtaken += 1;
                    continue;
                }
                Err(error) => panic!("integration {member} has no session: {error}"),
            };
            if self.send(&edition, &session).await {
                seen.n_served += 1;
                return (edition, session);
            }
            seen.n_refused += 1;
            // Another end came too soon after the last for the engine to believe in it.
            if self.0.engine.forget_rejected(&wanted(&edition), &session) == Renewal::Futile {
                self.0.engine.forget(&wanted(&edition));
            }
        }
        panic!("integration {member} was refused {MOST_TRIES} times");
    }

    /// Whether an edit has come after this one.
    fn is_old(&self, edition: &Edition) -> bool {
        self.members().current(edition.member).revision != edition.revision
    }

    /// Whether the signed request was served; if not, it was for the session.
    async fn send(&self, edition: &Edition, session: &AwsCredentials) -> bool {
        let platform = &edition.platform;
        let revision = format!("revision-{}", edition.revision.0);
        let headers = [
            ("anthropic-version", "2023-06-01"),
            ("anthropic-workspace-id", platform.workspace_id.as_str()),
            ("x-revision", revision.as_str()),
        ];
        let host = self.aws().addr.to_string();
        let (path, query, body) = ("/v1/models", None, SignableBody::Bytes(b""));
        let request = SignableRequest { method: "GET", host: &host, path, query, headers: &headers, body };
        let scope = Scope { region: &platform.region, service: SERVICE };
        let signed =
            self.0.signer.sign(&request, session, &scope, SystemClock.now(), ClockOffset::NONE).unwrap();
        let mut request = self.0.client.get(format!("http://{host}{path}"));
        for (name, value) in headers.into_iter().chain(signed.iter()) {
            request = request.header(name, value);
        }
        let answer = request.send().await.unwrap();
        let (status, body) = (answer.status().as_u16(), answer.bytes().await.unwrap());
        let is_stale = || UpstreamError::parse(status, &|_| None, &body).cause().is_stale_session();
        assert!(status == 200 || is_stale(), "{status}: {}", String::from_utf8_lossy(&body));
        status == 200
    }

    /// What happens now and then: to the session that was just used, to its integration, or to all.
    fn befall(
        &self,
        (edition, session): &(Arc<Edition>, Arc<AwsCredentials>),
        dice: &mut Dice,
        seen: &mut Seen,
    ) {
        let (aws, members, member) = (self.aws(), self.members(), edition.member);
        match dice.below(10_000) {
            0..40 => {
                self.0.engine.forget(&wanted(edition));
                seen.n_evictions += 1;
            }
            40..80 => {
                aws.expire_session(session.access_key_id.as_str());
                seen.n_ends += 1;
            }
            80 => {
                aws.expire_sessions();
                seen.n_ends += 1;
            }
            // What has at most a minute to live is not used, so such a session serves for 2 to 15 s.
            81..85 => aws.announce_seconds(dice.one_in(2).then(|| 62 + dice.below(14) as u32)),
            100..120 => {
                members.rename(member);
                seen.n_edits += 1;
            }
            120..140 => {
                members.replace_external_id(member, aws);
                seen.n_edits += 1;
            }
            140..160 => {
                members.exchange(member, dice.below(N_INTEGRATIONS), aws);
                seen.n_edits += 2;
            }
            _ => {}
        }
    }
}

fn wanted(edition: &Edition) -> CredentialRequest<'_> {
    CredentialRequest {
        integration: edition.integration,
        revision: edition.revision,
        platform: &edition.platform,
        subject: subject(),
    }
}

impl AddAssign for Seen {
    fn add_assign(&mut self, other: Self) {
        self.n_served += other.n_served;
        self.n_refused += other.n_refused;
        self.n_overtaken += other.n_overtaken;
        self.n_evictions += other.n_evictions;
        self.n_ends += other.n_ends;
        self.n_edits += other.n_edits;
    }
}

/// The same numbers in every run: SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % sides as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}
