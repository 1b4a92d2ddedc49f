//! What tokens cost, in whole nano-dollars: no figure here is ever a float.
//!
//! A dollar per million tokens is a thousand nano-dollars per token, so that every price of the list is a whole number.
//! Multipliers are thousandths.

use serde::Deserialize;

/// An amount of US dollars, in billionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct NanoDollars(pub u64);

/// A decimal figure that a file holds, read exactly: text (`"1.25"`), or a JSON number by its own text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Decimal {
    Text(String),
    Number(serde_json::Number),
}

/// Why a figure cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a decimal figure such as \"1.25\", with at most {0} decimals")]
pub struct InvalidFigure(u32);

impl Decimal {
    /// The figure times ten to the power of `n_decimals`, if that is a whole number.
    fn scaled(&self, n_decimals: u32) -> Result<u64, InvalidFigure> {
        let text = match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let fraction = fraction.trim_end_matches('0');
        let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let padded = u32::try_from(fraction.len()).ok().and_then(|n| n_decimals.checked_sub(n));
        let (true, Some(missing)) = (!whole.is_empty() && is_digits(whole) && is_digits(fraction), padded)
        else {
            return Err(InvalidFigure(n_decimals));
        };
        let digits: u64 = format!("{whole}{fraction}").parse().map_err(|_| InvalidFigure(n_decimals))?;
        digits.checked_mul(10_u64.pow(missing)).ok_or(InvalidFigure(n_decimals))
    }
}

/// A price of tokens: nano-dollars for one, read from dollars for a million.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "Decimal")]
pub struct TokenPrice(pub NanoDollars);

impl TryFrom<Decimal> for TokenPrice {
    type Error = InvalidFigure;
    fn try_from(figure: Decimal) -> Result<Self, InvalidFigure> {
        figure.scaled(3).map(|amount| Self(NanoDollars(amount)))
    }
}

impl std::fmt::Display for TokenPrice {
    /// In dollars for a million tokens, as price lists write it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let NanoDollars(nano) = self.0;
        let fraction = format!("{:03}", nano % 1000);
        match fraction.trim_end_matches('0') {
            "" => write!(f, "{}", nano / 1000),
            fraction => write!(f, "{}.{fraction}", nano / 1000),
        }
    }
}

/// A price of something that is no token, read from dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Decimal")]
pub struct Charge(pub NanoDollars);

impl TryFrom<Decimal> for Charge {
    type Error = InvalidFigure;
    fn try_from(figure: Decimal) -> Result<Self, InvalidFigure> {
        figure.scaled(9).map(|amount| Self(NanoDollars(amount)))
    }
}

/// A factor on every price, in thousandths: 500 for half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Decimal")]
pub struct Multiplier(pub u64);

impl TryFrom<Decimal> for Multiplier {
    type Error = InvalidFigure;
    fn try_from(figure: Decimal) -> Result<Self, InvalidFigure> {
        figure.scaled(3).map(Self)
    }
}

/// What the kinds of tokens cost. Reads of the cache are no fixed part of the input's price, so each figure stands.
///
/// Source: Anthropic's documentation, "Pricing".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// `input_tokens`
    pub input: TokenPrice,
    /// `output_tokens`
    pub output: TokenPrice,
    /// `cache_creation.ephemeral_5m_input_tokens`
    pub cache_write_5m: TokenPrice,
    /// `cache_creation.ephemeral_1h_input_tokens`
    pub cache_write_1h: TokenPrice,
    /// `cache_read_input_tokens`
    pub cache_read: TokenPrice,
}

/// Prices for long prompts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceTier {
    /// The tier holds for the whole request when its prompt, cached tokens included, is longer than this.
    pub when_prompt_tokens_above: u64,
    /// The prices then.
    pub price_usd_per_mtok: Price,
}

/// Everything about a model's price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pricing {
    /// For prompts below every tier.
    pub base: Price,
    /// For longer ones, shortest first.
    pub tiers: Vec<PriceTier>,
    /// In a batch; none for a model that batches do not take.
    pub batch: Option<Multiplier>,
    /// With `inference_geo: "us"`; none for a model that does not know the parameter.
    pub inference_geo_us: Option<Multiplier>,
}

impl Pricing {
    /// The prices of a request whose prompt, cached tokens included, is this long.
    #[must_use]
    pub fn for_prompt(&self, n_prompt_tokens: u64) -> &Price {
        let reached = |tier: &&PriceTier| n_prompt_tokens > tier.when_prompt_tokens_above;
        self.tiers.iter().rev().find(reached).map_or(&self.base, |tier| &tier.price_usd_per_mtok)
    }
}

/// What is charged beside tokens.
///
/// Code execution is free together with the current web tools; the hours count otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtraCharges {
    /// A thousand web searches.
    pub web_search_usd_per_1000: Charge,
    /// One web fetch.
    pub web_fetch_usd: Charge,
    /// An hour of a container for code.
    pub code_execution_usd_per_hour: Charge,
    /// Hours of an organisation in a month that cost nothing.
    pub code_execution_free_hours_per_month: u64,
    /// The unit in which AWS bills.
    pub claude_consumption_unit_usd: Charge,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(json: &str) -> Result<u64, String> {
        serde_json::from_str::<TokenPrice>(json).map(|price| price.0.0).map_err(|error| error.to_string())
    }

    #[test]
    fn a_price_is_read_exactly_from_text_and_from_a_number() {
        assert_eq!(price("\"0.125\""), Ok(125));
        assert_eq!(price("0.125"), Ok(125));
        assert_eq!(price("0.1"), Ok(100));
        assert_eq!(price("40"), Ok(40_000));
        assert_eq!(price("\"8.000\""), Ok(8_000));
    }

    #[test]
    fn what_cannot_be_exact_is_refused() {
        for json in ["\"0.0001\"", "-1", "1e-3", "\"1,5\"", "\".5\"", "\"\"", "\"99999999999999999999\""] {
            assert!(price(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_price_is_shown_as_price_lists_do() {
        let shown = |nano| TokenPrice(NanoDollars(nano)).to_string();
        assert_eq!([shown(125), shown(40_000), shown(6_250), shown(0)], ["0.125", "40", "6.25", "0"]);
    }
}
