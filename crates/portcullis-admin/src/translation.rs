//! How a provider's requests are said in another dialect, as clients write and read it: the object `translation`.
//!
//! | field | value | when absent or `null` |
//! |---|---|---|
//! | `on_unsupported` | `report`, `error` | `report`: what has no equivalent is ignored or emulated, and reported |
//! | `sampling` | `error`, `report` | `error`: a sampling parameter that the model does not accept refuses the request |
//! | `mid_system` | `hoist`, `inline` | `hoist`: system messages in the middle move to the system prompt |
//! | `max_tokens_cap` | 1 or more tokens | a request without a limit gets the model's own maximum |
//! | `pause_turn_max` | 0 to 255 | 5: a paused turn is continued so often |
//! | `reasoning_display` | `summarized`, `omitted` | `summarized` |
//! | `rename_tools` | `true`, `false` | `false`: names that the upstream would refuse are refused |
//! | `emulate_custom_grammar` | `true`, `false` | `false`: a custom tool with a grammar is refused |
//! | `strict_openai` | `true`, `false` | `false`: answers carry what a client needs to give a turn back unchanged |
//!
//! A change replaces the whole object, and `null` brings all defaults back.

use std::num::NonZeroU64;

use portcullis_types::{MidSystem, OnUnsupported, ReasoningDisplay, SamplingPolicy, TranslationSettings};
use serde_json::Value;

use crate::fields::read::{self, invalid, one_of};
use crate::fields::{Fields, Reading};

/// The object's name.
pub(crate) const NAME: &str = "translation";

/// The words for what to do with what has no equivalent.
pub(crate) const ON_UNSUPPORTED: [(&str, OnUnsupported); 2] =
    [("report", OnUnsupported::Report), ("error", OnUnsupported::Error)];
const SAMPLING: [(&str, SamplingPolicy); 2] =
    [("error", SamplingPolicy::Error), ("report", SamplingPolicy::Report)];
const MID_SYSTEM: [(&str, MidSystem); 2] = [("hoist", MidSystem::Hoist), ("inline", MidSystem::Inline)];
const REASONING_DISPLAY: [(&str, ReasoningDisplay); 2] =
    [("summarized", ReasoningDisplay::Summarized), ("omitted", ReasoningDisplay::Omitted)];

/// Reads the object's fields. Always `Some`: what is wrong with one is noted, and refuses the whole body.
pub(crate) fn read(mut fields: Fields<'_>) -> Option<TranslationSettings> {
    let settings = TranslationSettings {
        on_unsupported: fields.optional(&["on_unsupported"], |value| one_of(value, &ON_UNSUPPORTED)),
        sampling: fields.optional(&["sampling"], |value| one_of(value, &SAMPLING)),
        mid_system: fields.optional(&["mid_system"], |value| one_of(value, &MID_SYSTEM)),
        max_tokens_cap: fields.optional(&["max_tokens_cap"], tokens),
        pause_turn_max: fields.optional(&["pause_turn_max"], times),
        reasoning_display: fields.optional(&["reasoning_display"], |value| one_of(value, &REASONING_DISPLAY)),
        rename_tools: fields.optional(&["rename_tools"], read::boolean),
        emulate_custom_grammar: fields.optional(&["emulate_custom_grammar"], read::boolean),
        strict_openai: fields.optional(&["strict_openai"], read::boolean),
    };
    fields.finish();
    Some(settings)
}

/// What a change says of the object: nothing, or all of it anew.
pub(crate) fn change(fields: &mut Fields<'_>) -> Option<TranslationSettings> {
    if fields.has(&[NAME]) {
        return fields.nested(NAME, read);
    }
    // Not there, or `null`.
    fields.change::<()>(&[NAME], |_| Ok(())).into_patch().map(|_| TranslationSettings::default())
}

fn tokens(value: Value) -> Reading<NonZeroU64> {
    let number = number(value)?;
    number.and_then(NonZeroU64::new).ok_or_else(|| invalid("must be a whole number of tokens, 1 or more"))
}

fn times(value: Value) -> Reading<u8> {
    let number = number(value)?;
    number.and_then(|n| u8::try_from(n).ok()).ok_or_else(|| invalid("must be a whole number from 0 to 255"))
}

/// `None`: a number, but not a whole one, or a negative one.
fn number(value: Value) -> Reading<Option<u64>> {
    match value {
        Value::Number(number) => Ok(number.as_u64()),
        other => Err(read::wrong_type("a number", &other)),
    }
}
