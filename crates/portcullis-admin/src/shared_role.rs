//! A role under two organisations: proven before it is used, so that neither gets in with the other's external ID.

use std::sync::Arc;
use std::time::Duration;

use portcullis_catalog::{
    AuthPatch, Catalog, Integration, IntegrationPatch, NewAuth, NewIntegration, SharedRole, SharedRoleProof,
};
use portcullis_credentials::{VerificationSubject, Verifier};
use portcullis_types::{AwsAuth, ClaudePlatformAws, ExternalId, OrganisationId};

use crate::error::AdminError;
use crate::verify::{self, Running};

/// Whoever comes second has had the time to make his trust policy known everywhere.
const PATIENCE: Duration = Duration::from_secs(5);

/// Proves roles, for each organisation one at a time. A cheap handle.
#[derive(Clone)]
pub(crate) struct Proofs {
    catalog: Catalog,
    verifier: Verifier,
    running: Running<OrganisationId>,
}

impl Proofs {
    pub(crate) fn new(catalog: Catalog, verifier: Verifier) -> Self {
        Self { catalog, verifier, running: Running::default() }
    }

    /// Gives a creation its proof, if it needs one.
    ///
    /// # Errors
    /// As [`Proofs::prove`].
    pub(crate) async fn prove_new(&self, new: &mut NewIntegration) -> Result<(), AdminError> {
        let NewAuth::AssumedRole { role_arn, external_id, settings } = &new.auth else { return Ok(()) };
        let auth = AwsAuth::AssumedRole {
            role_arn: role_arn.clone(),
            external_id: known_or_none(external_id.as_ref()),
            settings: Arc::new(settings.clone()),
        };
        let subject = VerificationSubject {
            platform: ClaudePlatformAws {
                region: new.region.clone(),
                workspace_id: new.anthropic_workspace_id.clone(),
                auth,
                features: new.features.clone(),
            },
            organisation: PROOF.to_owned(),
            workspace: PROOF.to_owned(),
            integration: new.slug.as_ref().map_or(PROOF.to_owned(), ToString::to_string),
        };
        new.shared_role_proof = self.prove(new.organisation_id, &subject).await?;
        Ok(())
    }

    /// Gives a change its proof, if it leads to another role and needs one.
    ///
    /// # Errors
    /// As [`Proofs::prove`].
    pub(crate) async fn prove_change(
        &self,
        present: &Integration,
        patch: &mut IntegrationPatch,
    ) -> Result<(), AdminError> {
        let Some(AuthPatch::AssumedRole { role_arn: Some(role_arn), external_id, settings }) = &patch.auth
        else {
            return Ok(());
        };
        let kept_settings = match &present.platform.auth {
            AwsAuth::AssumedRole { role_arn: same, .. } if same == role_arn => return Ok(()),
            AwsAuth::AssumedRole { settings, .. } => Some(settings),
            AwsAuth::AccessKey { .. } | AwsAuth::ServiceRole | AwsAuth::ApiKey { .. } => None,
        };
        let settings = settings.clone().map(Arc::new).or_else(|| kept_settings.cloned());
        let mut subject = verify::subject(present);
        subject.platform.auth = AwsAuth::AssumedRole {
            role_arn: role_arn.clone(),
            // An integration that has used another kind of access meanwhile has kept its own.
            external_id: known_or_none(present.external_id.as_ref().or(external_id.as_ref())),
            settings: settings.unwrap_or_default(),
        };
        patch.shared_role_proof = self.prove(present.organisation_id, &subject).await?;
        Ok(())
    }

    /// The proof that the catalog asks for when the subject's role is another organisation's as well. `None` when it is
    /// not, or when it assumes none.
    ///
    /// It is made by STS now: assumed with the external ID, refused without one and with a wrong one.
    ///
    /// # Errors
    /// [`AdminError::SharedRole`], which does not say whose the role is, when this one's external ID is not proven to be
    /// enforced; [`AdminError::ProofRuns`] while another one is made for the organisation. When the others' external IDs
    /// are not proven, there is no proof to be had, and the catalog refuses.
    async fn prove(
        &self,
        organisation: OrganisationId,
        subject: &VerificationSubject,
    ) -> Result<Option<SharedRoleProof>, AdminError> {
        let AwsAuth::AssumedRole { role_arn, external_id, .. } = &subject.platform.auth else {
            return Ok(None);
        };
        match self.catalog.role_is_shared(organisation, role_arn).await? {
            SharedRole::No | SharedRole::Unproven => Ok(None),
            SharedRole::Proven => {
                let _mine = self.running.begin(organisation).ok_or(AdminError::ProofRuns)?;
                let proven = self.verifier.prove_external_id(subject, PATIENCE).await;
                proven.map_err(AdminError::SharedRole)?;
                Ok(Some(SharedRoleProof::of_passed_probes(role_arn.clone(), external_id.clone())))
            }
        }
    }
}

/// What stands in a session's name for what is not there yet.
const PROOF: &str = "proof";

/// An external ID that no trust policy names stands for one that is not known yet: with it, nothing can be proven.
fn known_or_none(external_id: Option<&ExternalId>) -> ExternalId {
    let unknown = || "not-generated-yet".parse().expect("it is an external ID");
    external_id.cloned().unwrap_or_else(unknown)
}
