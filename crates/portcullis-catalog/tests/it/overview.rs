//! How integrations stand, all at a glance.

use std::time::Duration;

use portcullis_catalog::{ExternalIdFinding, IntegrationPatch, VerificationRecord};
use portcullis_types::{Clock, VerificationStatus};

use crate::on_both;
use crate::stage::{Stage, integration};

on_both!(the_overview_has_every_integration_that_serves, the_overview_counts_what_it_leaves_out);

async fn the_overview_has_every_integration_that_serves(stage: Stage) {
    let (acme, _) = stage.tenant("acme").await;
    let (other, _) = stage.tenant("other").await;
    let catalog = &stage.catalog;
    let mut made = Vec::new();
    for (organisation, slug) in [(acme, "first"), (other, "second"), (acme, "third"), (acme, "fourth")] {
        stage.clock.advance(Duration::from_millis(1));
        made.push(catalog.create_integration(integration(organisation, slug)).await.unwrap());
    }
    let record = |status| VerificationRecord {
        status,
        external_id: match status {
            VerificationStatus::Unsafe => ExternalIdFinding::Open,
            _ => ExternalIdFinding::NotTold,
        },
        report: serde_json::json!({}),
        verified_at: stage.clock.now(),
        next_at: stage.clock.now() + Duration::from_secs(60),
    };
    for (at, status) in [(0, VerificationStatus::Unsafe), (2, VerificationStatus::Verified)] {
        catalog.record_verification(made[at].id, made[at].revision, record(status)).await.unwrap();
    }
    // A change that AWS can see makes the verification void; one that is archived serves nobody.
    let region =
        IntegrationPatch { region: Some("eu-west-1".parse().unwrap()), ..IntegrationPatch::default() };
    catalog.update_integration(acme, "third", region).await.unwrap();
    let archived = IntegrationPatch {
        status: Some(portcullis_catalog::IntegrationStatus::Archived),
        ..IntegrationPatch::default()
    };
    catalog.update_integration(acme, "fourth", archived).await.unwrap();

    let shown = async |organisation| {
        let overview = catalog.verification_overview(organisation, 1000).await.unwrap();
        assert_eq!(overview.n_left_out, 0);
        let row = |row: &portcullis_catalog::OverviewRow| {
            format!("{}/{} {}", row.organisation_slug, row.slug, row.status)
        };
        overview.integrations.iter().map(row).collect::<Vec<_>>()
    };
    let all = ["acme/first unsafe", "other/second unverified", "acme/third unverified"];
    assert_eq!(shown(None).await, all);
    assert_eq!(shown(Some(other)).await, all[1..2]);
    let open = catalog.unsafe_integrations(1000).await.unwrap();
    let slugs: Vec<_> = open.integrations.iter().map(|row| row.slug.as_str()).collect();
    assert_eq!((slugs, open.n_left_out), (vec!["first"], 0));
    assert_eq!(catalog.unsafe_integrations(0).await.unwrap().n_left_out, 1);
}

async fn the_overview_counts_what_it_leaves_out(stage: Stage) {
    let (acme, _) = stage.tenant("acme").await;
    for n in 0..3 {
        stage.clock.advance(Duration::from_millis(1));
        stage.catalog.create_integration(integration(acme, &format!("number-{n}"))).await.unwrap();
    }
    let overview = stage.catalog.verification_overview(None, 2).await.unwrap();
    let slugs: Vec<_> = overview.integrations.iter().map(|row| row.slug.as_str()).collect();
    assert_eq!((slugs.as_slice(), overview.n_left_out), (&["number-0", "number-1"][..], 1));
}
