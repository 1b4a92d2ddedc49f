//! Tests of the embedded facts, and of an operator's file over them.

use super::*;

fn row(id: &str) -> Option<&'static str> {
    find(&id.parse().unwrap()).map(|row| row.id.as_str())
}

#[test]
fn every_row_is_sound() {
    for row in all() {
        assert!(row.id.parse::<ModelId>().is_ok() && row.max_output_tokens >= 64_000, "{row:?}");
        assert!(row.structured_outputs, "{row:?}");
        // Each class of models in `reasoning` rests on one of these.
        assert!(
            row.accepts_thinking(ThinkingType::Adaptive) != row.effort.is_empty()
                || row.accepts_thinking(ThinkingType::Enabled),
            "{row:?}"
        );
        assert_eq!(row.prefill, row.max_output_tokens == 64_000, "{row:?}");
        assert!(row.default_effort.is_none_or(|effort| row.effort.contains(&effort)), "{row:?}");
        assert_eq!(row.default_effort.is_none(), row.effort.is_empty(), "{row:?}");
        assert!(row.id.split('-').any(|word| word == row.family), "{row:?}");
    }
    for retired in ModelTable::embedded().retired() {
        assert_eq!(row(&retired.id), None, "{retired:?}");
    }
}

/// Writes to the cache cost 1.25 and 2 times the input on every model; reads do not follow a rule.
///
/// Source: Anthropic's documentation, "Pricing".
#[test]
fn every_price_follows_the_rules_of_the_price_list() {
    for row in all() {
        let pricing = row.pricing.as_ref().unwrap();
        for price in pricing.tiers.iter().map(|tier| &tier.price_usd_per_mtok).chain([&pricing.base]) {
            let nano = |price: TokenPrice| price.0.0;
            assert_eq!(nano(price.cache_write_5m) * 4, nano(price.input) * 5, "{row:?}");
            assert_eq!(nano(price.cache_write_1h), nano(price.input) * 2, "{row:?}");
            assert_eq!(nano(price.output), nano(price.input) * 5, "{row:?}");
            assert!(price.cache_read < price.input, "{row:?}");
        }
        assert_eq!(pricing.batch, Some(Multiplier(500)));
        assert_eq!(pricing.inference_geo_us, row.inference_geo.then_some(Multiplier(1100)), "{row:?}");
    }
}

#[test]
fn prices_are_those_of_the_list() {
    let price = |id: &str, n_prompt_tokens: u64| {
        let pricing = find(&id.parse().unwrap()).unwrap().pricing.as_ref().unwrap();
        let price = pricing.for_prompt(n_prompt_tokens);
        [price.input, price.output, price.cache_read].map(|price| price.to_string()).join(" ")
    };
    assert_eq!(price("claude-fable-5-2", 1), "8 40 0.2");
    assert_eq!(price("claude-opus-4-5", 1), "5 25 0.5");
    assert_eq!(price("claude-haiku-5-5", 100_000), "0.1 0.5 0.01");
    assert_eq!(price("claude-haiku-5-5", 100_001), "0.5 2.5 0.05");
    let charges = ModelTable::embedded().extra_charges();
    assert_eq!(charges.web_search_usd_per_1000.0, NanoDollars(10_000_000_000));
    assert_eq!(charges.code_execution_usd_per_hour.0, NanoDollars(50_000_000));
}

#[test]
fn a_dated_id_is_the_same_model() {
    assert_eq!(row("claude-sonnet-4-5-20250929"), Some("claude-sonnet-4-5"));
    assert_eq!(row("claude-opus-5-5-20270101"), Some("claude-opus-5-5"));
    assert_eq!(row("claude-opus-5-5"), Some("claude-opus-5-5"));
}

#[test]
fn an_unknown_model_has_no_row_and_a_limit_every_model_accepts() {
    assert_eq!(row("claude-sonnet-4-20250514"), None);
    assert_eq!(row("claude-opus-9"), None);
    assert_eq!(row("opus"), None);
    assert_eq!(default_max_tokens(None), 64_000);
}

fn overlay(json: &str) -> Result<ModelTable, String> {
    ModelTable::with_overlay(json.as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn an_operators_row_changes_the_fields_it_names_and_no_other() {
    let table = overlay(
        r#"{"models": [{"id": "claude-opus-4-6", "max_output_tokens": 32000, "retires_at": "2027-03-01"}]}"#,
    )
    .unwrap();
    let id = "claude-opus-4-6".parse().unwrap();
    let (changed, mut expected) = (table.find(&id).unwrap(), find(&id).unwrap().clone());
    expected.max_output_tokens = 32_000;
    expected.lifecycle.retires_at = Some(Day::try_from("2027-03-01".to_owned()).unwrap());
    assert_eq!(*changed, expected);
    assert_eq!(table.models().len(), all().len());
    assert_eq!(overlay("{}").unwrap(), *ModelTable::embedded());
}

#[test]
fn a_null_takes_a_value_away() {
    let table =
        overlay(r#"{"models": [{"id": "claude-sonnet-4-5", "status": "legacy", "retires_at": null}]}"#);
    let table = table.unwrap();
    let model = table.find(&"claude-sonnet-4-5".parse().unwrap()).unwrap();
    assert_eq!(model.lifecycle_on(time::macros::date!(2027 - 01 - 01)), Stage::Legacy);
}

#[test]
fn a_new_model_takes_what_it_accepts_from_another_and_its_price_from_nobody() {
    let table = overlay(
        r#"{"models": [{"id": "claude-opus-6", "like": "claude-opus-5-5", "max_output_tokens": 256000}]}"#,
    )
    .unwrap();
    let like = find(&"claude-opus-5-5".parse().unwrap()).unwrap();
    let model = table.find(&"claude-opus-6".parse().unwrap()).unwrap();
    assert_eq!((model.thinking.as_slice(), model.max_output_tokens), (like.thinking.as_slice(), 256_000));
    assert_eq!((&model.pricing, model.display_name.as_str()), (&None, "claude-opus-6"));
    assert_eq!(model.lifecycle.status, Status::Active);
}

#[test]
fn a_row_for_a_retired_id_brings_it_back() {
    let table =
        overlay(r#"{"models": [{"id": "claude-opus-4-1-20250805", "like": "claude-opus-4-5"}]}"#).unwrap();
    let id = "claude-opus-4-1-20250805".parse().unwrap();
    assert!(table.find(&id).is_some() && table.find_retired(&id).is_none());
}

#[test]
fn prices_and_charges_of_an_operators_own_count() {
    let table = overlay(
        r#"{"models": [{"id": "claude-opus-5", "price_usd_per_mtok":
            {"input": 4.5, "output": "22.5", "cache_write_5m": 5.625, "cache_write_1h": 9, "cache_read": 0.45}}],
            "extra_charges": {"web_search_usd_per_1000": 9.5}}"#,
    )
    .unwrap();
    let model = table.find(&"claude-opus-5".parse().unwrap()).unwrap();
    assert_eq!(model.pricing.as_ref().unwrap().base.cache_write_5m.0, NanoDollars(5_625));
    assert_eq!(table.extra_charges().web_search_usd_per_1000.0, NanoDollars(9_500_000_000));
    assert_eq!(table.extra_charges().claude_consumption_unit_usd.0, NanoDollars(10_000_000));
}

#[test]
fn an_error_names_the_row_and_the_field() {
    let check = |json: &str, expect: &str| {
        let error = overlay(json).unwrap_err();
        assert!(error.contains(expect), "{error}");
    };
    check("[]", "the file must be a JSON object");
    check("{", "the file must be a JSON object");
    check(r#"{"model": []}"#, "field `model`: no such field is known");
    check(r#"{"models": {}}"#, "field `models`: ");
    check(r#"{"models": [{"max_output_tokens": 1}]}"#, "row `models[0]`, field `id`: must be a model's id");
    check(r#"{"models": [{"id": "a"}, {"id": "a"}]}"#, "row `models[1]`, field `id`: a second row");
    let opus = |fields: &str| format!(r#"{{"models": [{{"id": "claude-opus-5", {fields}}}]}}"#);
    check(&opus(r#""max_tokens": 1"#), "row `claude-opus-5`, field `max_tokens`: no such field is known");
    check(
        &opus(r#""max_output_tokens": "many""#),
        "row `claude-opus-5`, field `max_output_tokens`: invalid type",
    );
    check(&opus(r#""max_output_tokens": 0"#), "field `max_output_tokens`: must be at least 1");
    check(&opus(r#""max_output_tokens": 2000000"#), "field `context_window_tokens`: must not be less");
    check(&opus(r#""sampling": "any""#), "field `sampling`: unknown variant `any`");
    check(&opus(r#""retires_at": "soon""#), "field `retires_at`: must be a day such as `2026-11-30`");
    check(&opus(r#""recommended_replacement": "claude-x""#), "no row is called `claude-x`");
    check(&opus(r#""aliases": ["claude-opus-5-5"]"#), "field `aliases`: `claude-opus-5-5` is a name of");
    check(&opus(r#""effort": ["high", "low"]"#), "field `effort`: must stand weakest first");
    check(
        &opus(r#""price_usd_per_mtok": {"input": 1}"#),
        "field `price_usd_per_mtok`: missing field `output`",
    );
    check(&opus(r#""batch_multiplier": 0.0001"#), "field `batch_multiplier`: must be a decimal figure");
    check(&opus(r#""price_usd_per_mtok": null"#), "field `price_usd_per_mtok`: is missing beside");
    check(&opus(r#""like": "claude-opus-4-8""#), "field `like`: is for a row that is new");
    check(r#"{"models": [{"id": "claude-x"}]}"#, "row `claude-x`, field `family`: is missing");
    check(r#"{"models": [{"id": "claude-x", "like": "y"}]}"#, "field `like`: no row is called `y`");
    check(r#"{"retired": [{"id": "claude-x", "family": "opus"}]}"#, "field `retired_on`: is missing");
    check(r#"{"extra_charges": {"web_search": 1}}"#, "field `extra_charges`: unknown field `web_search`");
}
