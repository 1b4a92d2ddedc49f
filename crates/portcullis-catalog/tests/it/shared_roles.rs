//! External IDs that are reserved, and roles that two organisations use.

use std::time::{Duration, SystemTime};

use portcullis_catalog::{
    AuthPatch, CatalogError, DeleteMode, ExternalIdFinding, ExternalIdOrigin, Integration, IntegrationPatch,
    NewAuth, NewIntegration, SharedRole, SharedRoleProof, VerificationRecord,
};
use portcullis_types::{
    AwsAuth, ExternalId, OrganisationId, RoleArn, RoleHop, RoleSettings, TenantWorkspaceId,
    VerificationStatus,
};
use serde_json::json;

use crate::on_both;
use crate::stage::{Stage, integration, refusal, role_auth};

on_both!(
    a_reserved_external_id_is_one_organisations_and_counts_as_generated,
    unused_reservations_are_bounded_and_old_ones_make_room,
    a_role_of_another_organisation_is_refused,
    a_role_of_two_organisations_needs_two_proofs,
    of_two_organisations_at_once_one_gets_the_role,
    a_chain_leads_through_nobody_elses_role,
);

const ROLE: &str = "arn:aws:iam::123456789012:role/portcullis";
const IN_USE: &str = "the role_arn of this integration is already in use";

fn role_arn() -> RoleArn {
    ROLE.parse().unwrap()
}

fn on_role(organisation: OrganisationId, slug: &str, external_id: Option<&ExternalId>) -> NewIntegration {
    let auth = role_auth(external_id.map(ExternalId::as_str));
    NewIntegration { auth, ..integration(organisation, slug) }
}

fn to_role() -> IntegrationPatch {
    let auth = AuthPatch::AssumedRole { role_arn: Some(role_arn()), external_id: None, settings: None };
    IntegrationPatch { auth: Some(auth), ..Default::default() }
}

async fn reserved(
    stage: &Stage,
    organisation: OrganisationId,
    workspace: Option<TenantWorkspaceId>,
) -> ExternalId {
    let reserved = stage.catalog.reserve_generated_external_ids(organisation, workspace, 1).await;
    reserved.unwrap().remove(0)
}

async fn record(stage: &Stage, integration: &Integration, external_id: ExternalIdFinding) {
    let record = VerificationRecord {
        status: VerificationStatus::Verified,
        external_id,
        report: json!([]),
        verified_at: SystemTime::UNIX_EPOCH,
        next_at: SystemTime::UNIX_EPOCH,
    };
    stage.catalog.record_verification(integration.id, integration.revision, record).await.unwrap();
}

async fn a_reserved_external_id_is_one_organisations_and_counts_as_generated(stage: Stage) {
    let (ours, theirs) = (stage.organisation("ours").await.id, stage.organisation("theirs").await.id);
    let version = stage.catalog.snapshot().version();
    let one_of_ours = reserved(&stage, ours, None).await;
    assert!(one_of_ours.as_str().starts_with("pcs-") && one_of_ours.as_str().len() == 36);
    stage.catalog.refresh().await.unwrap();
    assert_eq!(stage.catalog.snapshot().version(), version, "nothing of the snapshot has changed");

    let refused = stage.catalog.create_integration(on_role(theirs, "x", Some(&one_of_ours))).await;
    assert_eq!(refusal(refused), "the external_id of this integration is already in use");
    let made = stage.catalog.create_integration(on_role(ours, "x", Some(&one_of_ours))).await.unwrap();
    assert_eq!(made.external_id_origin, Some(ExternalIdOrigin::Generated));
    let own: ExternalId = "chosen".parse().unwrap();
    let made = stage.catalog.create_integration(on_role(ours, "y", Some(&own))).await.unwrap();
    assert_eq!(made.external_id_origin, Some(ExternalIdOrigin::Supplied));

    // Which workspace's key asked for it is kept, so that no other's may use it.
    let (one, two) = (stage.workspace(ours, "one").await.id, stage.workspace(ours, "two").await.id);
    let of_one = reserved(&stage, ours, Some(one)).await;
    let is_for =
        async |workspace, id| stage.catalog.is_external_id_reserved_for(workspace, id).await.unwrap();
    assert!(is_for(one, &of_one).await);
    assert!(!is_for(two, &of_one).await && !is_for(one, &one_of_ours).await && !is_for(one, &own).await);

    let nobody = OrganisationId::generate(SystemTime::UNIX_EPOCH);
    let refused = stage.catalog.reserve_generated_external_ids(nobody, None, 1).await;
    assert_eq!(refusal(refused), "there is no such organisation");
}

async fn unused_reservations_are_bounded_and_old_ones_make_room(stage: Stage) {
    const DAY: Duration = Duration::from_secs(86_400);
    let ours = stage.organisation("ours").await.id;
    let (one, two) = (stage.workspace(ours, "one").await.id, stage.workspace(ours, "two").await.id);
    let reserve = async |workspace, n| stage.catalog.reserve_generated_external_ids(ours, workspace, n).await;
    let full = |most: u32, refused: Result<Vec<ExternalId>, CatalogError>| {
        assert!(
            matches!(refused, Err(CatalogError::TooManyReserved { most: told }) if told == most),
            "{refused:?}"
        );
    };
    let of_one = reserve(Some(one), 50).await.unwrap();
    full(50, reserve(Some(one), 1).await);
    // One that an integration was made with is no reservation any more, also when the integration is gone.
    stage.catalog.create_integration(on_role(ours, "x", Some(&of_one[0]))).await.unwrap();
    stage.catalog.delete_integration(ours, "x", DeleteMode::Restrict).await.unwrap();
    reserve(Some(one), 1).await.unwrap();
    full(50, reserve(Some(one), 1).await);

    reserve(Some(two), 50).await.unwrap();
    full(200, reserve(None, 101).await);
    reserve(None, 100).await.unwrap();
    full(200, reserve(None, 1).await);
    let theirs = stage.organisation("theirs").await.id;
    stage.catalog.reserve_generated_external_ids(theirs, None, 200).await.unwrap();

    // Somebody may still be having a role made for one that is younger.
    stage.clock.advance(89 * DAY);
    full(200, reserve(Some(one), 1).await);
    stage.clock.advance(2 * DAY);
    reserve(Some(one), 50).await.unwrap();
    let is_for = async |id| stage.catalog.is_external_id_reserved_for(one, id).await.unwrap();
    assert!(!is_for(&of_one[1]).await, "it was dropped");
    assert!(is_for(&of_one[0]).await, "it was used once, and is the organisation's for ever");
    let refused = stage.catalog.create_integration(on_role(theirs, "x", Some(&of_one[0]))).await;
    assert_eq!(refusal(refused), "the external_id of this integration is already in use");
    reserve(None, 150).await.unwrap();
}

async fn a_role_of_another_organisation_is_refused(stage: Stage) {
    let (ours, theirs) = (stage.organisation("ours").await.id, stage.organisation("theirs").await.id);
    assert_eq!(stage.catalog.role_is_shared(ours, &role_arn()).await.unwrap(), SharedRole::No);
    stage.catalog.create_integration(on_role(theirs, "x", None)).await.unwrap();
    stage.catalog.create_integration(on_role(theirs, "y", None)).await.unwrap();
    assert_eq!(stage.catalog.role_is_shared(theirs, &role_arn()).await.unwrap(), SharedRole::No);
    assert_eq!(stage.catalog.role_is_shared(ours, &role_arn()).await.unwrap(), SharedRole::Unproven);

    let refused = stage.catalog.create_integration(on_role(ours, "x", None)).await;
    assert!(
        matches!(refused, Err(CatalogError::Conflict { what: "integration", field: "role_arn" })),
        "{refused:?}"
    );
    stage.catalog.create_integration(integration(ours, "x")).await.unwrap();
    assert_eq!(refusal(stage.catalog.update_integration(ours, "x", to_role()).await), IN_USE);
    let archive = IntegrationPatch {
        status: Some(portcullis_catalog::IntegrationStatus::Archived),
        ..Default::default()
    };
    stage.catalog.update_integration(theirs, "x", archive.clone()).await.unwrap();
    stage.catalog.update_integration(theirs, "y", archive).await.unwrap();
    assert_eq!(refusal(stage.catalog.update_integration(ours, "x", to_role()).await), IN_USE);
}

async fn a_role_of_two_organisations_needs_two_proofs(stage: Stage) {
    let (ours, theirs) = (stage.organisation("ours").await.id, stage.organisation("theirs").await.id);
    let first = stage.catalog.create_integration(on_role(theirs, "x", None)).await.unwrap();
    let external_id = reserved(&stage, ours, None).await;
    let proof = SharedRoleProof::of_passed_probes(role_arn(), external_id.clone());
    let create = async |proof| {
        let new = on_role(ours, "x", Some(&external_id));
        stage.catalog.create_integration(NewIntegration { shared_role_proof: proof, ..new }).await
    };
    assert_eq!(refusal(create(Some(proof.clone())).await), IN_USE, "nothing is known of theirs");
    record(&stage, &first, ExternalIdFinding::NotTold).await;
    assert_eq!(refusal(create(Some(proof.clone())).await), IN_USE, "theirs is not held to its external ID");
    record(&stage, &first, ExternalIdFinding::Enforced).await;
    assert_eq!(stage.catalog.role_is_shared(ours, &role_arn()).await.unwrap(), SharedRole::Proven);
    assert_eq!(refusal(create(None).await), IN_USE, "nothing is known of ours");
    let other_id = SharedRoleProof::of_passed_probes(role_arn(), "another".parse().unwrap());
    assert_eq!(refusal(create(Some(other_id)).await), IN_USE);
    let other_role = "arn:aws:iam::123456789012:role/other".parse().unwrap();
    let other_role = SharedRoleProof::of_passed_probes(other_role, external_id.clone());
    assert_eq!(refusal(create(Some(other_role)).await), IN_USE);

    let region = IntegrationPatch { region: Some("eu-west-1".parse().unwrap()), ..Default::default() };
    let moved = stage.catalog.update_integration(theirs, "x", region).await.unwrap();
    assert_eq!(refusal(create(Some(proof.clone())).await), IN_USE, "it was another revision's");
    record(&stage, &moved, ExternalIdFinding::Enforced).await;
    create(Some(proof)).await.unwrap();

    // What it has it keeps: another name asks for no proof, and neither do other settings.
    let rename = IntegrationPatch { name: Some("Renamed".into()), ..Default::default() };
    stage.catalog.update_integration(ours, "x", rename).await.unwrap();
    let settings = RoleSettings { session_name: Some("{user}".parse().unwrap()), ..Default::default() };
    let auth =
        AuthPatch::AssumedRole { role_arn: Some(role_arn()), external_id: None, settings: Some(settings) };
    let patch = IntegrationPatch { auth: Some(auth), ..Default::default() };
    stage.catalog.update_integration(ours, "x", patch).await.unwrap();
}

async fn of_two_organisations_at_once_one_gets_the_role(stage: Stage) {
    let other_process = stage.reopen().await;
    for round in 0..8 {
        let role: RoleArn = format!("{ROLE}-{round}").parse().unwrap();
        let mut creations = tokio::task::JoinSet::new();
        for (name, catalog) in [("a", &stage.catalog), ("b", &other_process)] {
            let organisation = stage.organisation(&format!("{name}-{round}")).await.id;
            let auth = NewAuth::AssumedRole {
                role_arn: role.clone(),
                external_id: None,
                settings: RoleSettings::default(),
            };
            let new = NewIntegration { auth, ..integration(organisation, "x") };
            let catalog = catalog.clone();
            creations.spawn(async move { catalog.create_integration(new).await.map(|_| ()) });
        }
        let outcomes = creations.join_all().await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
        let refused = outcomes.into_iter().find(Result::is_err).unwrap();
        assert_eq!(refusal(refused), IN_USE);
    }
    other_process.close().await;
}

async fn a_chain_leads_through_nobody_elses_role(stage: Stage) {
    let (ours, theirs) = (stage.organisation("ours").await.id, stage.organisation("theirs").await.id);
    let theirs_made = stage.catalog.create_integration(on_role(theirs, "x", None)).await.unwrap();
    let AwsAuth::AssumedRole { external_id: their_id, .. } = &theirs_made.platform.auth else {
        panic!("it assumes a role")
    };
    let through = |role_arn: &str, external_id: Option<&ExternalId>| {
        let hop = RoleHop {
            role_arn: role_arn.parse().unwrap(),
            external_id: external_id.cloned(),
            session_name: None,
        };
        RoleSettings { role_chain: vec![hop], ..RoleSettings::default() }
    };
    let create = async |organisation, slug: &str, settings| {
        let role_arn = format!("arn:aws:iam::123456789012:role/{organisation}").parse().unwrap();
        let auth = NewAuth::AssumedRole { role_arn, external_id: None, settings };
        stage.catalog.create_integration(NewIntegration { auth, ..integration(organisation, slug) }).await
    };
    let in_use = "the role_chain of this integration is already in use";
    assert_eq!(refusal(create(ours, "y", through(ROLE, None)).await), in_use);
    let hub = "arn:aws:iam::111122223333:role/hub";
    assert_eq!(refusal(create(ours, "y", through(hub, Some(their_id))).await), in_use);

    // A hub is everybody's way, but nobody's own role while it is somebody's way.
    create(ours, "y", through(hub, None)).await.unwrap();
    create(theirs, "y", through(hub, None)).await.unwrap();
    let hub: RoleArn = hub.parse().unwrap();
    assert_eq!(stage.catalog.role_is_shared(ours, &hub).await.unwrap(), SharedRole::Unproven);
    let not_quite: RoleArn = "arn:aws:iam::111122223333:role/hu_".parse().unwrap();
    assert_eq!(stage.catalog.role_is_shared(ours, &not_quite).await.unwrap(), SharedRole::No);
    let settings = through(ROLE, None);
    let auth = AuthPatch::AssumedRole { role_arn: None, external_id: None, settings: Some(settings) };
    let patch = IntegrationPatch { auth: Some(auth), ..Default::default() };
    assert_eq!(refusal(stage.catalog.update_integration(ours, "y", patch).await), in_use);
}
