//! What is known of each Claude model, from a data file: a new model is a new row, not a new `if`.
//!
//! Start at [`ModelTable`]. The table spares clients a round trip for what would be refused anyway, and picks the
//! mechanism where models differ. A model that is not in it gets no such check: the upstream knows better than an old
//! table. An operator brings it up to date with a file of their own ([`ModelTable::with_overlay`]), without a new build.
//!
//! Sources: Anthropic's model overview, "Pricing", "Model deprecations", "Extended thinking", "Effort" and "Errors"
//! pages, 2026.

mod answers;
mod fields;
mod lifecycle;
mod nearest;
mod price;
mod read;
mod row;
mod table;
#[cfg(test)]
mod tests;

use portcullis_types::ModelId;

pub use answers::{MODEL_DEPRECATION, NEAREST_MODEL, deprecation_headers};
pub use fields::InvalidModelTable;
pub use lifecycle::{Day, InvalidDay, Lifecycle, NOTICE_DAYS, Stage, Status};
pub use price::{
    Charge, ExtraCharges, InvalidFigure, Multiplier, NanoDollars, Price, PriceTier, Pricing, TokenPrice,
};
pub use row::{Effort, ForcedToolChoice, Model, Sampling, ThinkingDefault, ThinkingType};
pub use table::{ModelTable, RetiredModel};

/// Every model of the embedded table, oldest generation first.
pub fn all() -> &'static [Model] {
    ModelTable::embedded().models()
}

/// The embedded table's row of a model; see [`ModelTable::find`]. For tests and benchmarks: a gateway has a table that an
/// operator may have changed.
pub fn find(model: &ModelId) -> Option<&'static Model> {
    ModelTable::embedded().find(model)
}

/// The `max_tokens` for a request that names none: the model's largest, or for an unknown model the largest that every
/// model of the embedded table accepts.
pub fn default_max_tokens(model: Option<&Model>) -> u64 {
    model.map_or_else(|| ModelTable::embedded().smallest_max_output(), |row| row.max_output_tokens)
}
