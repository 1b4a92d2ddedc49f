//! What is kept of verifications, and who makes them.

use std::time::{Duration, SystemTime};

use portcullis_catalog::{
    AuthPatch, Change, DeleteMode, ExternalIdFinding, IntegrationPatch, IntegrationStatus, NewIntegration,
    Page, VerificationRecord,
};
use portcullis_types::{
    Clock as _, FeatureSet, IntegrationId, Revision, RoleHop, RoleSettings, VerificationStatus,
};
use serde_json::json;

use crate::on_both;
use crate::stage::{Stage, integration, key_auth, refusal};

on_both!(
    a_verification_is_recorded_beside_the_catalog,
    a_verification_is_of_one_revision,
    a_change_for_the_worse_is_told_once,
    unsafe_stays_until_a_run_says_that_the_external_id_is_enforced,
    unsafe_follows_the_role_through_every_other_change,
    what_is_due_is_given_to_one_process,
    an_integration_that_nobody_verified_is_due_after_a_day,
    verifications_go_with_their_integration,
);

const HOUR: Duration = Duration::from_secs(3600);

fn verified(at: SystemTime) -> VerificationRecord {
    VerificationRecord {
        status: VerificationStatus::Verified,
        external_id: ExternalIdFinding::Enforced,
        report: json!([{"step": "assume_role", "status": "passed", "evidence": "arn:aws:sts::…"}]),
        verified_at: at,
        next_at: at + 24 * HOUR,
    }
}

async fn a_verification_is_recorded_beside_the_catalog(stage: Stage) {
    let organisation = stage.organisation("a").await.id;
    let made = stage.catalog.create_integration(integration(organisation, "aws")).await.unwrap();
    assert_eq!(made.verification, Default::default());
    assert_eq!(stage.catalog.last_verification(organisation, "aws").await.unwrap(), None);
    let version = stage.catalog.snapshot().version();

    let now = stage.clock.now();
    let recorded = stage.catalog.record_verification(made.id, made.revision, verified(now)).await.unwrap();
    assert_eq!(recorded.change, Change::Better);
    let read = stage.catalog.integration(organisation, "aws").await.unwrap();
    assert_eq!((read.revision, read.updated_at), (made.revision, made.updated_at));
    assert_eq!(read.verification.status, VerificationStatus::Verified);
    assert_eq!(read.verification.verified_at.map(SystemTime::from), Some(now));
    assert!(read.verification.external_id_enforced);
    let last = stage.catalog.last_verification(organisation, "aws").await.unwrap().unwrap();
    assert_eq!(last.report, verified(now).report);
    assert_eq!((last.revision, last.worsened_at), (made.revision, None));
    stage.catalog.refresh().await.unwrap();
    assert_eq!(stage.catalog.snapshot().version(), version);
    let listed = stage.catalog.list_integrations(organisation, Default::default(), Page::FIRST).await;
    assert_eq!(listed.unwrap().data[0].verification, read.verification);
}

async fn a_verification_is_of_one_revision(stage: Stage) {
    let organisation = stage.organisation("a").await.id;
    let new = NewIntegration { auth: key_auth("hunter2"), ..integration(organisation, "aws") };
    let made = stage.catalog.create_integration(new).await.unwrap();
    let record = verified(stage.clock.now());
    stage.catalog.record_verification(made.id, made.revision, record.clone()).await.unwrap();
    let update = async |patch| stage.catalog.update_integration(organisation, "aws", patch).await.unwrap();
    let unseen_by_aws = [
        IntegrationPatch { name: Some("Renamed".into()), ..Default::default() },
        IntegrationPatch { description: Some(Some("why".into())), ..Default::default() },
        IntegrationPatch { status: Some(IntegrationStatus::Archived), ..Default::default() },
        // As a client that sends everything back.
        IntegrationPatch { region: Some("us-west-2".parse().unwrap()), ..Default::default() },
    ];
    for patch in unseen_by_aws {
        let changed = update(patch).await;
        assert_eq!(changed.verification.status, VerificationStatus::Verified);
        assert_eq!(changed.verification.revision, Some(changed.revision));
    }
    let new_secret = portcullis_catalog::AuthPatch::AccessKey {
        access_key_id: None,
        secret_access_key: Some("hunter2".into()),
    };
    let seen_by_aws = [
        IntegrationPatch { region: Some("eu-west-1".parse().unwrap()), ..Default::default() },
        IntegrationPatch { features: Some(portcullis_types::FeatureSet::all()), ..Default::default() },
        IntegrationPatch { auth: Some(new_secret), ..Default::default() },
    ];
    for patch in seen_by_aws {
        let changed = update(patch).await;
        assert_eq!(changed.verification.status, VerificationStatus::Unverified);
        assert!(!changed.verification.external_id_enforced);
        assert_ne!(changed.verification.revision, Some(changed.revision), "what it was of is still told");
        // One that began before the change ends after it.
        let late = Revision(changed.revision.0 - 1);
        let recorded = stage.catalog.record_verification(made.id, late, record.clone()).await.unwrap();
        assert_eq!(recorded.change, Change::Outdated);
        let read = stage.catalog.integration(organisation, "aws").await.unwrap();
        assert_eq!(read.verification.status, VerificationStatus::Unverified);
        let again = stage.catalog.record_verification(made.id, changed.revision, record.clone()).await;
        assert_eq!(again.unwrap().change, Change::Better);
    }
}

async fn a_change_for_the_worse_is_told_once(stage: Stage) {
    use VerificationStatus::{Failing, Unsafe, Verified};
    let organisation = stage.organisation("a").await.id;
    let made = stage.catalog.create_integration(integration(organisation, "aws")).await.unwrap();
    let mut worsened_at = None;
    for (status, expected) in [
        (Verified, Change::Better),
        (Verified, Change::Same),
        (Failing, Change::Worse),
        (Failing, Change::Same),
        (Unsafe, Change::Worse),
        (Failing, Change::Better),
        (Verified, Change::Better),
        (Unsafe, Change::Worse),
    ] {
        stage.clock.advance(HOUR);
        let now = stage.clock.now();
        let external_id = match status {
            Unsafe => ExternalIdFinding::Open,
            _ => ExternalIdFinding::Enforced,
        };
        let record = VerificationRecord { status, external_id, ..verified(now) };
        let recorded = stage.catalog.record_verification(made.id, made.revision, record).await;
        let change = recorded.unwrap().change;
        assert_eq!(change, expected, "{status}");
        worsened_at = if change == Change::Worse { Some(now) } else { worsened_at };
        let last = stage.catalog.last_verification(organisation, "aws").await.unwrap().unwrap();
        assert_eq!(last.worsened_at.map(SystemTime::from), worsened_at);
    }
    // Two processes that see the same at once tell of it once.
    let other = stage.reopen().await;
    let now = stage.clock.now();
    let (ours, theirs) = tokio::join!(
        stage.catalog.record_verification(made.id, made.revision, verified(now)),
        other.record_verification(made.id, made.revision, verified(now)),
    );
    let mut changes = [ours.unwrap().change, theirs.unwrap().change];
    changes.sort_by_key(|change| *change == Change::Better);
    assert_eq!(changes, [Change::Same, Change::Better]);
    other.close().await;
}

async fn unsafe_stays_until_a_run_says_that_the_external_id_is_enforced(stage: Stage) {
    use ExternalIdFinding::{Enforced, NotTold, Open};
    use VerificationStatus::{Failing, Unsafe, Verified};
    let organisation = stage.organisation("a").await.id;
    let made = stage.catalog.create_integration(integration(organisation, "aws")).await.unwrap();
    for (status, external_id, kept, expected) in [
        (Unsafe, Open, Unsafe, Change::Worse),
        // STS was away, or refused for a reason of its own: nobody has closed the door for that.
        (Failing, NotTold, Unsafe, Change::Same),
        (Verified, NotTold, Unsafe, Change::Same),
        (Failing, Open, Unsafe, Change::Same),
        (Failing, Enforced, Failing, Change::Better),
        (Failing, NotTold, Failing, Change::Same),
        (Unsafe, Open, Unsafe, Change::Worse),
        (Verified, Enforced, Verified, Change::Better),
    ] {
        let record = VerificationRecord { status, external_id, ..verified(stage.clock.now()) };
        let before = stage.catalog.integration(organisation, "aws").await.unwrap().verification.status;
        let recorded = stage.catalog.record_verification(made.id, made.revision, record).await.unwrap();
        assert_eq!((recorded.before, recorded.now, recorded.change), (before, kept, expected));
        let read = stage.catalog.integration(organisation, "aws").await.unwrap();
        assert_eq!(read.verification.status, kept);
        assert_eq!(read.verification.external_id_enforced, external_id == Enforced);
        let last = stage.catalog.last_verification(organisation, "aws").await.unwrap().unwrap();
        assert_eq!(last.status, kept);
    }
}

async fn unsafe_follows_the_role_through_every_other_change(stage: Stage) {
    let organisation = stage.organisation("a").await.id;
    let made = stage.catalog.create_integration(integration(organisation, "aws")).await.unwrap();
    let open = VerificationRecord {
        status: VerificationStatus::Unsafe,
        external_id: ExternalIdFinding::Open,
        ..verified(stage.clock.now())
    };
    stage.catalog.record_verification(made.id, made.revision, open.clone()).await.unwrap();
    let update = async |patch| stage.catalog.update_integration(organisation, "aws", patch).await.unwrap();
    let auth = |role_arn: Option<&str>, settings| {
        let role_arn = role_arn.map(|arn| arn.parse().unwrap());
        let auth = AuthPatch::AssumedRole { role_arn, external_id: None, settings };
        IntegrationPatch { auth: Some(auth), ..Default::default() }
    };
    let named = RoleSettings { session_name: Some("{user}".parse().unwrap()), ..Default::default() };
    let others = [
        IntegrationPatch { region: Some("eu-west-1".parse().unwrap()), ..Default::default() },
        IntegrationPatch { features: Some(FeatureSet::all()), ..Default::default() },
        IntegrationPatch { name: Some("Renamed".into()), ..Default::default() },
        auth(None, Some(named)),
    ];
    let status = async || {
        let overview = stage.catalog.verification_overview(Some(organisation), 10).await.unwrap();
        overview.integrations[0].status
    };
    for patch in others {
        let changed = update(patch).await;
        assert_eq!(changed.verification.status, VerificationStatus::Unsafe);
        assert_eq!(status().await, VerificationStatus::Unsafe);
        // What is known already is no news.
        let again = stage.catalog.record_verification(made.id, changed.revision, open.clone()).await;
        assert_eq!(again.unwrap().change, Change::Same);
    }
    // Another role, or another way to it, is another door.
    let hop = RoleHop {
        role_arn: "arn:aws:iam::111122223333:role/hub".parse().unwrap(),
        external_id: None,
        session_name: None,
    };
    let chain = RoleSettings { role_chain: vec![hop], ..Default::default() };
    let doors = [
        auth(Some("arn:aws:iam::123456789012:role/another"), None),
        auth(None, Some(chain)),
        IntegrationPatch { auth: Some(AuthPatch::ServiceRole), ..Default::default() },
    ];
    for patch in doors {
        let changed = update(patch).await;
        assert_eq!(changed.verification.status, VerificationStatus::Unverified);
        assert_eq!(status().await, VerificationStatus::Unverified);
        let again = stage.catalog.record_verification(made.id, changed.revision, open.clone()).await;
        assert_eq!(again.unwrap().change, Change::Worse);
    }
}

async fn what_is_due_is_given_to_one_process(stage: Stage) {
    let organisation = stage.organisation("a").await.id;
    let start = stage.clock.now();
    for n in 0..12_u32 {
        let made =
            stage.catalog.create_integration(integration(organisation, &format!("i{n}"))).await.unwrap();
        let at = start + n * Duration::from_secs(60);
        let record = VerificationRecord { next_at: at + HOUR, ..verified(at) };
        stage.catalog.record_verification(made.id, made.revision, record).await.unwrap();
    }
    assert!(stage.catalog.due_verifications(start + HOUR / 2, 100).await.unwrap().is_empty());
    let first = stage.catalog.due_verifications(start + HOUR, 100).await.unwrap();
    assert_eq!(first.iter().map(|i| i.slug.as_str()).collect::<Vec<_>>(), ["i0"]);

    let other = stage.reopen().await;
    let later = start + HOUR + Duration::from_secs(600);
    let mut claims = tokio::task::JoinSet::new();
    for n in 0..6 {
        let catalog = if n % 2 == 0 { stage.catalog.clone() } else { other.clone() };
        claims.spawn(async move { catalog.due_verifications(later, 3).await.unwrap() });
    }
    let claimed: Vec<_> = claims.join_all().await.into_iter().flatten().collect();
    let mut slugs: Vec<_> = claimed.iter().map(|i| i.slug.as_str()).collect();
    slugs.sort_unstable();
    let n_claimed = slugs.len();
    slugs.dedup();
    assert_eq!(slugs.len(), n_claimed, "each is given to one caller");
    let rest = stage.catalog.due_verifications(later, 100).await.unwrap().len();
    assert_eq!(n_claimed + rest, 10, "i1 to i10");
    let again = stage.catalog.due_verifications(later + HOUR, 100).await.unwrap();
    assert_eq!(again.len(), 12, "nobody has recorded anything within the hour");
    other.close().await;
}

async fn an_integration_that_nobody_verified_is_due_after_a_day(stage: Stage) {
    let organisation = stage.organisation("a").await.id;
    let start = stage.clock.now();
    for slug in ["aws", "archived"] {
        stage.catalog.create_integration(integration(organisation, slug)).await.unwrap();
    }
    let archive = IntegrationPatch { status: Some(IntegrationStatus::Archived), ..Default::default() };
    stage.catalog.update_integration(organisation, "archived", archive).await.unwrap();
    assert!(stage.catalog.due_verifications(start + 23 * HOUR, 10).await.unwrap().is_empty());
    // Whoever changes it every day does not put it off for ever.
    stage.clock.advance(20 * HOUR);
    let region = IntegrationPatch { region: Some("eu-west-1".parse().unwrap()), ..Default::default() };
    stage.catalog.update_integration(organisation, "aws", region).await.unwrap();
    let due = stage.catalog.due_verifications(start + 24 * HOUR, 10).await.unwrap();
    assert_eq!(due.iter().map(|i| i.slug.as_str()).collect::<Vec<_>>(), ["aws"]);
    let read = stage.catalog.integration(organisation, "aws").await.unwrap();
    assert_eq!(read.verification, Default::default(), "to be claimed is not to be verified");
    assert_eq!(stage.catalog.last_verification(organisation, "aws").await.unwrap(), None);
    assert!(stage.catalog.due_verifications(start + 24 * HOUR, 10).await.unwrap().is_empty());
}

async fn verifications_go_with_their_integration(stage: Stage) {
    let organisation = stage.organisation("a").await.id;
    let made = stage.catalog.create_integration(integration(organisation, "aws")).await.unwrap();
    let record = verified(stage.clock.now());
    stage.catalog.record_verification(made.id, made.revision, record.clone()).await.unwrap();
    stage.catalog.delete_integration(organisation, "aws", DeleteMode::Restrict).await.unwrap();
    let nowhere = [made.id, IntegrationId::generate(SystemTime::UNIX_EPOCH)];
    for id in nowhere {
        let refused = stage.catalog.record_verification(id, made.revision, record.clone()).await;
        assert_eq!(refusal(refused), "there is no such integration");
    }
    let refused = stage.catalog.last_verification(organisation, "aws").await;
    assert_eq!(refusal(refused), "there is no such integration");
}
