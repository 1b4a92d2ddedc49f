//! What an operator must hear of at every start: integrations whose roles can be assumed without their external IDs.

use portcullis_catalog::{Catalog, CatalogError, VerificationOverview};
use tracing::warn;

/// So many are named, and the rest counted.
const MOST_NAMED: u32 = 20;

/// Names them in the log, if there are any.
pub(super) async fn warn_of_them(catalog: &Catalog) {
    match warning(catalog).await {
        Ok(None) => {}
        Ok(Some(warning)) => warn!(event.name = "integration.unsafe", "{warning}"),
        Err(error) => warn!(error.cause = %error, "whether any integration is unsafe cannot be told"),
    }
}

async fn warning(catalog: &Catalog) -> Result<Option<String>, CatalogError> {
    let VerificationOverview { integrations, n_left_out } = catalog.unsafe_integrations(MOST_NAMED).await?;
    let name = |one: &portcullis_catalog::OverviewRow| format!("{}/{}", one.organisation_slug, one.slug);
    let mut named: Vec<_> = integrations.iter().map(name).collect();
    if n_left_out > 0 {
        named.push(format!("and {n_left_out} more"));
    }
    Ok((!named.is_empty()).then(|| {
        format!(
            "unsafe integrations: {}. Their roles can be assumed without their external IDs; \
             `POST /v1/integrations/{{slug}}/verify` says what to change",
            named.join(", ")
        )
    }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, SystemTime};

    use portcullis_catalog::{
        DatabaseUrl, ExternalIdFinding, KeyRing, NewAuth, NewIntegration, VerificationRecord,
    };
    use portcullis_types::{FeatureSet, ManualClock, VerificationStatus};

    use super::*;

    #[tokio::test]
    async fn unsafe_integrations_are_named_and_too_many_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_348_800);
        let clock = Arc::new(ManualClock::at(now));
        let url = DatabaseUrl::sqlite(&folder.path().join("catalog.db"));
        let catalog = Catalog::open(&url, KeyRing::generate().unwrap(), clock.clone()).await.unwrap();
        let made = catalog.bootstrap(None).await.unwrap();
        let integrate = async |slug: String, external_id: ExternalIdFinding| {
            clock.advance(Duration::from_millis(1));
            let new = NewIntegration {
                organisation_id: made.organisation.id,
                workspace_id: None,
                name: slug.clone(),
                slug: Some(slug.parse().unwrap()),
                description: None,
                region: "us-west-2".parse().unwrap(),
                anthropic_workspace_id: "wrkspc_01".parse().unwrap(),
                auth: NewAuth::ServiceRole,
                features: FeatureSet::default(),
                shared_role_proof: None,
                create_default_provider: false,
                default_provider_slug: None,
            };
            let made = catalog.create_integration(new).await.unwrap();
            let status = match external_id {
                ExternalIdFinding::Open => VerificationStatus::Unsafe,
                _ => VerificationStatus::Failing,
            };
            let report = serde_json::json!({});
            let record = VerificationRecord { status, external_id, report, verified_at: now, next_at: now };
            catalog.record_verification(made.id, made.revision, record).await.unwrap();
        };
        integrate("failing".into(), ExternalIdFinding::NotTold).await;
        assert_eq!(warning(&catalog).await.unwrap(), None);
        for n in 1..=22 {
            integrate(format!("open-{n}"), ExternalIdFinding::Open).await;
        }
        let warning = warning(&catalog).await.unwrap().unwrap();
        let organisation = made.organisation.slug;
        assert!(warning.starts_with(&format!("unsafe integrations: {organisation}/open-1, ")), "{warning}");
        assert!(warning.contains(&format!("{organisation}/open-20, and 2 more. Their roles")), "{warning}");
    }
}
