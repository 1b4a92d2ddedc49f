//! `portcullis models`: what a gateway with this configuration knows of each model.

use std::io::{Write, stdout};

use anyhow::{Context, Result};
use portcullis_provider::models::{Model, ModelTable, Price};
use portcullis_types::{Clock, SystemClock};
use serde_json::{Value, json};
use time::{Date, OffsetDateTime};

use crate::cli::ModelsOptions;
use crate::config::Config;
use crate::serve::models::ModelFacts;

const HEADINGS: [&str; 9] =
    ["model", "status", "retires", "window", "max output", "in", "out", "cache read", "write 5m/1h"];

/// Prints the table, embedded facts with the operator's over them.
///
/// # Errors
/// The configuration or the operator's file is wrong.
pub(crate) fn run(options: &ModelsOptions) -> Result<()> {
    let config = Config::load(&options.config)?;
    let table = ModelFacts::open(config.models_file.as_deref())?.table();
    let (table, today) = (table.load(), OffsetDateTime::from(SystemClock.now()).date());
    let text = if options.json { format!("{:#}\n", as_json(&table, today)) } else { as_table(&table, today) };
    stdout().write_all(text.as_bytes()).context("failed to write to standard output")
}

fn as_table(table: &ModelTable, today: Date) -> String {
    let headings = HEADINGS.map(str::to_owned);
    let rows: Vec<[String; 9]> =
        std::iter::once(headings).chain(table.models().iter().map(|model| cells(model, today))).collect();
    let widths: [usize; 9] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or_default());
    let line = |row: &[String; 9]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    let rows: String = rows.iter().map(line).collect();
    format!("{rows}\nPrices are US dollars for a million tokens.\n")
}

fn cells(model: &Model, today: Date) -> [String; 9] {
    let price = model.pricing.as_ref().map(|pricing| &pricing.base);
    let shown = |of: fn(&Price) -> String| price.map_or_else(|| "-".to_owned(), of);
    [
        model.id.clone(),
        model.lifecycle_on(today).as_str().to_owned(),
        model.lifecycle.retires_at.map_or_else(|| "-".to_owned(), |day| day.to_string()),
        model.context_window_tokens.to_string(),
        model.max_output_tokens.to_string(),
        shown(|price| price.input.to_string()),
        shown(|price| price.output.to_string()),
        shown(|price| price.cache_read.to_string()),
        shown(|price| format!("{}/{}", price.cache_write_5m, price.cache_write_1h)),
    ]
}

fn as_json(table: &ModelTable, today: Date) -> Value {
    let models = table.models().iter().map(|model| model_json(model, today));
    let retired = table
        .retired()
        .iter()
        .map(|row| json!({"id": row.id, "aliases": row.aliases, "retired_on": row.retired_on.to_string()}));
    json!({"models": models.collect::<Vec<_>>(), "retired": retired.collect::<Vec<_>>()})
}

fn model_json(model: &Model, today: Date) -> Value {
    let life = &model.lifecycle;
    let pricing = model.pricing.as_ref();
    let tiers = pricing.into_iter().flat_map(|pricing| &pricing.tiers).map(|tier| {
        json!({
            "when_prompt_tokens_above": tier.when_prompt_tokens_above,
            "price_usd_per_mtok": price_json(&tier.price_usd_per_mtok),
        })
    });
    json!({
        "id": model.id,
        "aliases": model.aliases,
        "display_name": model.display_name,
        "family": model.family,
        "status": model.lifecycle_on(today).as_str(),
        "released": life.released.map(|day| day.to_string()),
        "deprecated_at": life.deprecated_at.map(|day| day.to_string()),
        "retires_at": life.retires_at.map(|day| day.to_string()),
        "retires_not_before": life.retires_not_before.map(|day| day.to_string()),
        "recommended_replacement": life.recommended_replacement,
        "context_window_tokens": model.context_window_tokens,
        "max_output_tokens": model.max_output_tokens,
        "price_usd_per_mtok": pricing.map(|pricing| price_json(&pricing.base)),
        "price_tiers": tiers.collect::<Vec<_>>(),
    })
}

/// Figures as text: no reader makes floats of them unasked.
fn price_json(price: &Price) -> Value {
    json!({
        "input": price.input.to_string(),
        "output": price.output.to_string(),
        "cache_write_5m": price.cache_write_5m.to_string(),
        "cache_write_1h": price.cache_write_1h.to_string(),
        "cache_read": price.cache_read.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    const TODAY: Date = date!(2026 - 11 - 25);

    #[test]
    fn people_get_a_line_for_each_model() {
        let text = as_table(ModelTable::embedded(), TODAY);
        let line = |id: &str| {
            let line = text.lines().find(|line| line.starts_with(&format!("{id} "))).unwrap();
            line.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            line("claude-sonnet-4-5"),
            "claude-sonnet-4-5 deprecated 2026-11-30 200000 64000 3 15 0.3 3.75/6"
        );
        assert_eq!(line("claude-fable-5-2"), "claude-fable-5-2 active - 1000000 128000 8 40 0.2 10/16");
        assert!(text.lines().all(|line| line == line.trim_end()), "{text}");
    }

    #[test]
    fn programs_get_figures_as_text() {
        let shown = as_json(ModelTable::embedded(), TODAY);
        let models = shown["models"].as_array().unwrap();
        let haiku = models.iter().find(|model| model["id"] == "claude-haiku-5-5").unwrap();
        assert_eq!(haiku["price_usd_per_mtok"]["cache_write_5m"], "0.125");
        assert_eq!(haiku["price_tiers"][0]["when_prompt_tokens_above"], 100_000);
        assert_eq!(haiku["retires_at"], Value::Null);
        assert_eq!(shown["retired"][0]["retired_on"], "2026-08-05");
    }
}
