//! From the facts file, and an operator's file over it, to a table.
//!
//! Both have one shape: `{"sources", "models": [row…], "retired": [row…], "extra_charges": {…}}`, and every part may be
//! absent from the operator's. Its rows replace fields of the rows of the same id, field by field; a null takes a value
//! away. A row of a new id is added: it says everything, or takes what a model accepts from another row with `like`.

use portcullis_types::ModelId;
use serde_json::{Map, Value};

use super::fields::{Fields, InvalidModelTable};
use super::lifecycle::{Lifecycle, Status};
use super::price::{ExtraCharges, Price, PriceTier, Pricing};
use super::row::Model;
use super::table::{ModelTable, RetiredModel};

/// What a new row does not take from the one it is `like`: its names, its life and its price.
const OWN_FIELDS: [&str; 14] = [
    "id",
    "aliases",
    "display_name",
    "status",
    "released",
    "deprecated_at",
    "retires_at",
    "retires_not_before",
    "recommended_replacement",
    "claude_platform_on_aws",
    "price_usd_per_mtok",
    "price_tiers",
    "batch_multiplier",
    "inference_geo_us_multiplier",
];

/// A row by its id, with its other fields.
type NamedRow = (String, Map<String, Value>);

/// The rows of a file, not read any further than their ids.
pub(super) struct FactsFile {
    models: Vec<NamedRow>,
    retired: Vec<NamedRow>,
    extra_charges: Map<String, Value>,
}

impl FactsFile {
    pub(super) fn parse(json: &[u8]) -> Result<Self, InvalidModelTable> {
        let map = serde_json::from_slice(json).map_err(|error| InvalidModelTable::Json(error.to_string()))?;
        let mut file = Fields::of_file(map);
        file.optional::<String>("sources")?;
        let models = rows("models", file.optional("models")?)?;
        let retired = rows("retired", file.optional("retired")?)?;
        let extra_charges = file.optional("extra_charges")?.unwrap_or_default();
        file.finish()?;
        Ok(Self { models, retired, extra_charges })
    }

    /// This file with another one's rows over its own. A model of the other's is retired no longer.
    pub(super) fn under(mut self, other: Self) -> Result<Self, InvalidModelTable> {
        for (id, mut fields) in other.models {
            let like = take_like(&id, &mut fields)?;
            self.retired.retain(|(retired, _)| *retired != id);
            let existing = self.models.iter().position(|(known, _)| *known == id);
            match (existing, like) {
                (Some(index), None) => self.models[index].1.extend(fields),
                (Some(_), Some(_)) => {
                    return Err(Fields::of_row(&id, fields).refuse("like", "is for a row that is new"));
                }
                (None, like) => {
                    let mut row = self.template(&id, like)?;
                    row.extend(fields);
                    self.models.push((id, row));
                }
            }
        }
        for (id, fields) in other.retired {
            match self.retired.iter_mut().find(|(known, _)| *known == id) {
                Some((_, row)) => row.extend(fields),
                None => self.retired.push((id, fields)),
            }
        }
        self.extra_charges.extend(other.extra_charges);
        Ok(self)
    }

    /// What a new row begins with.
    fn template(&self, id: &str, like: Option<String>) -> Result<Map<String, Value>, InvalidModelTable> {
        let Some(like) = like else { return Ok(Map::new()) };
        let Some((_, row)) = self.models.iter().find(|(known, _)| *known == like) else {
            return Err(Fields::of_row(id, Map::new()).refuse("like", format!("no row is called `{like}`")));
        };
        let shared = row.iter().filter(|(field, _)| !OWN_FIELDS.contains(&field.as_str()));
        Ok(shared.map(|(field, value)| (field.clone(), value.clone())).collect())
    }

    pub(super) fn into_table(self) -> Result<ModelTable, InvalidModelTable> {
        let models =
            self.models.into_iter().map(|(id, fields)| model(id, fields)).collect::<Result<Vec<_>, _>>()?;
        let retired =
            self.retired.into_iter().map(|(id, fields)| retired(id, fields)).collect::<Result<_, _>>()?;
        check_names(&models)?;
        let extra_charges: ExtraCharges =
            serde_json::from_value(Value::Object(self.extra_charges)).map_err(|error| {
                InvalidModelTable::File { field: "extra_charges".into(), reason: error.to_string() }
            })?;
        Ok(ModelTable { models, retired, extra_charges })
    }
}

/// Takes the id of the row that a new one is like.
fn take_like(id: &str, fields: &mut Map<String, Value>) -> Result<Option<String>, InvalidModelTable> {
    match fields.remove("like") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(like)) => Ok(Some(like)),
        Some(_) => Err(Fields::of_row(id, Map::new()).refuse("like", "must be the id of a row")),
    }
}

fn rows(field: &str, list: Option<Vec<Map<String, Value>>>) -> Result<Vec<NamedRow>, InvalidModelTable> {
    let mut rows: Vec<NamedRow> = Vec::new();
    for (index, mut map) in list.unwrap_or_default().into_iter().enumerate() {
        let place = format!("{field}[{index}]");
        let id = match map.remove("id") {
            Some(Value::String(id)) if id.parse::<ModelId>().is_ok() => id,
            _ => return Err(Fields::of_row(&place, map).refuse("id", "must be a model's id")),
        };
        if rows.iter().any(|(known, _)| *known == id) {
            return Err(Fields::of_row(&place, map).refuse("id", format!("a second row is called `{id}`")));
        }
        rows.push((id, map));
    }
    Ok(rows)
}

fn model(id: String, map: Map<String, Value>) -> Result<Model, InvalidModelTable> {
    let mut row = Fields::of_row(&id, map);
    let model = Model {
        aliases: row.optional("aliases")?.unwrap_or_default(),
        display_name: row.optional("display_name")?.unwrap_or_else(|| id.clone()),
        family: row.required("family")?,
        lifecycle: lifecycle(&mut row)?,
        context_window_tokens: row.required("context_window_tokens")?,
        max_output_tokens: row.required("max_output_tokens")?,
        pricing: pricing(&mut row)?,
        claude_platform_on_aws: row.optional("claude_platform_on_aws")?,
        thinking: row.required("thinking")?,
        thinking_default: row.required("thinking_default")?,
        disabled_up_to_effort: row.optional("disabled_up_to_effort")?,
        effort: row.required("effort")?,
        default_effort: row.optional("default_effort")?,
        sampling: row.required("sampling")?,
        prefill: row.required("prefill")?,
        forced_tool_choice: row.required("forced_tool_choice")?,
        mid_conversation_system: row.required("mid_conversation_system")?,
        structured_outputs: row.required("structured_outputs")?,
        vision: row.required("vision")?,
        pdf_input: row.required("pdf_input")?,
        parallel_tools: row.required("parallel_tools")?,
        prompt_caching: row.required("prompt_caching")?,
        min_cacheable_tokens: row.optional("min_cacheable_tokens")?,
        web_search: row.required("web_search")?,
        computer_use: row.required("computer_use")?,
        inference_geo: row.required("inference_geo")?,
        server_side_compaction: row.required("server_side_compaction")?,
        id,
    };
    check(&model, &row)?;
    row.finish()?;
    Ok(model)
}

fn lifecycle(row: &mut Fields) -> Result<Lifecycle, InvalidModelTable> {
    Ok(Lifecycle {
        status: row.optional("status")?.unwrap_or(Status::Active),
        released: row.optional("released")?,
        deprecated_at: row.optional("deprecated_at")?,
        retires_at: row.optional("retires_at")?,
        retires_not_before: row.optional("retires_not_before")?,
        recommended_replacement: row.optional("recommended_replacement")?,
    })
}

/// Tiers and multipliers say nothing without the price they belong to.
fn pricing(row: &mut Fields) -> Result<Option<Pricing>, InvalidModelTable> {
    let base: Option<Price> = row.optional("price_usd_per_mtok")?;
    let tiers: Vec<PriceTier> = row.optional("price_tiers")?.unwrap_or_default();
    let (batch, inference_geo_us) =
        (row.optional("batch_multiplier")?, row.optional("inference_geo_us_multiplier")?);
    if base.is_none() && (!tiers.is_empty() || batch.is_some() || inference_geo_us.is_some()) {
        return Err(row.refuse("price_usd_per_mtok", "is missing beside tiers or multipliers"));
    }
    if !tiers.is_sorted_by(|a, b| a.when_prompt_tokens_above < b.when_prompt_tokens_above) {
        return Err(row.refuse("price_tiers", "must stand in the order of their thresholds"));
    }
    Ok(base.map(|base| Pricing { base, tiers, batch, inference_geo_us }))
}

/// What the translation relies on without asking.
fn check(model: &Model, row: &Fields) -> Result<(), InvalidModelTable> {
    if model.max_output_tokens == 0 {
        return Err(row.refuse("max_output_tokens", "must be at least 1"));
    }
    if model.context_window_tokens < model.max_output_tokens {
        return Err(row.refuse("context_window_tokens", "must not be less than `max_output_tokens`"));
    }
    if model.thinking.is_empty() {
        return Err(row.refuse("thinking", "must name at least one type"));
    }
    if !model.effort.is_sorted_by(|a, b| a < b) {
        return Err(row.refuse("effort", "must stand weakest first, each once"));
    }
    if model.family.is_empty() {
        return Err(row.refuse("family", "must not be empty"));
    }
    Ok(())
}

/// An id leads to one row, and a replacement to a row that is there.
fn check_names(models: &[Model]) -> Result<(), InvalidModelTable> {
    for (index, model) in models.iter().enumerate() {
        let refuse =
            |field: &str, reason: String| Fields::of_row(&model.id, Map::new()).refuse(field, reason);
        for alias in &model.aliases {
            if alias.parse::<ModelId>().is_err() {
                return Err(refuse("aliases", "must be ids of models".into()));
            }
            let others = models.iter().enumerate().filter(|(other, _)| *other != index);
            if let Some((_, other)) = others.into_iter().find(|(_, other)| other.is_called(alias)) {
                return Err(refuse("aliases", format!("`{alias}` is a name of `{}` as well", other.id)));
            }
        }
        if let Some(replacement) = &model.lifecycle.recommended_replacement
            && !models.iter().any(|other| other.id == *replacement)
        {
            return Err(refuse("recommended_replacement", format!("no row is called `{replacement}`")));
        }
    }
    Ok(())
}

fn retired(id: String, map: Map<String, Value>) -> Result<RetiredModel, InvalidModelTable> {
    let mut row = Fields::of_row(&id, map);
    let retired = RetiredModel {
        aliases: row.optional("aliases")?.unwrap_or_default(),
        family: row.required("family")?,
        retired_on: row.required("retired_on")?,
        recommended_replacement: row.optional("recommended_replacement")?,
        id,
    };
    row.finish()?;
    Ok(retired)
}
