//! The models, with what the real ones take and refuse.
//!
//! Source: Claude docs, "Models overview", "Model deprecations", "Effort", "Extended thinking" (troubleshooting), November 2026.

/// The levels of `output_config.effort`.
pub(in crate::platform) const EFFORTS: [&str; 5] = ["low", "medium", "high", "xhigh", "max"];

/// When a model takes `thinking.type` `disabled`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::platform) enum Disabling {
    Always,
    /// Not with effort `xhigh` or `max`.
    UpToHighEffort,
    Never,
}

/// What a model takes for `thinking`.
#[derive(Clone, Copy, Debug)]
pub(in crate::platform) struct Thinking {
    pub(in crate::platform) adaptive: bool,
    /// With `budget_tokens`.
    pub(in crate::platform) enabled: bool,
    pub(in crate::platform) between_tools: bool,
    pub(in crate::platform) disabled: Disabling,
    /// Without the field, it thinks.
    pub(in crate::platform) by_default: bool,
    /// Without `display`, the text is left out.
    pub(in crate::platform) omitted_by_default: bool,
    /// A block belongs to the turns before it, not to the model alone.
    pub(in crate::platform) binds_prefix: bool,
}

/// What a model takes for `temperature`, `top_p` and `top_k`, under version 2023-06-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::platform) enum Sampling {
    /// Anything, but `temperature` and `top_p` not together.
    Free,
    DefaultOnly,
}

/// One model.
#[derive(Clone, Copy, Debug)]
pub(in crate::platform) struct Model {
    pub(in crate::platform) id: &'static str,
    /// The dated id, where there is one.
    pub(super) snapshot: Option<&'static str>,
    pub(super) name: &'static str,
    pub(super) line: &'static str,
    pub(super) created: &'static str,
    /// The days of deprecation and retirement, for what is deprecated.
    pub(super) retirement: Option<(&'static str, &'static str)>,
    pub(super) max_input_tokens: u32,
    pub(in crate::platform) max_tokens: u32,
    pub(in crate::platform) thinking: Thinking,
    pub(in crate::platform) efforts: &'static [&'static str],
    pub(in crate::platform) sampling: Sampling,
    /// Takes a last message of the assistant.
    pub(in crate::platform) prefill: bool,
    /// Takes `tool_choice` `any` and `tool`.
    pub(in crate::platform) forced_tools: bool,
    /// Takes messages of the role `system`.
    pub(in crate::platform) system_messages: bool,
    pub(in crate::platform) inference_geo: bool,
    /// Shorter prompts are not cached, in tokens.
    pub(in crate::platform) min_cacheable_tokens: usize,
}

/// The generation of 4.5: budgets, prefill, small windows.
const fn of_4_5(
    id: &'static str,
    snapshot: &'static str,
    name: &'static str,
    line: &'static str,
    created: &'static str,
) -> Model {
    Model {
        id,
        snapshot: Some(snapshot),
        name,
        line,
        created,
        retirement: None,
        max_input_tokens: 200_000,
        max_tokens: 64_000,
        thinking: Thinking {
            adaptive: false,
            enabled: true,
            between_tools: false,
            disabled: Disabling::Always,
            by_default: false,
            omitted_by_default: false,
            binds_prefix: false,
        },
        efforts: &[],
        sampling: Sampling::Free,
        prefill: true,
        forced_tools: true,
        system_messages: false,
        inference_geo: false,
        min_cacheable_tokens: 4096,
    }
}

/// The generation of 4.6: budgets and adaptive thinking, no prefill.
const fn of_4_6(id: &'static str, name: &'static str, line: &'static str, created: &'static str) -> Model {
    let older = of_4_5(id, "", name, line, created);
    Model {
        snapshot: None,
        max_input_tokens: 1_000_000,
        max_tokens: 128_000,
        thinking: Thinking { adaptive: true, ..older.thinking },
        efforts: &["low", "medium", "high", "max"],
        prefill: false,
        inference_geo: true,
        ..older
    }
}

/// From 4.7: adaptive thinking without its text, no sampling.
const fn of_4_7(id: &'static str, name: &'static str, line: &'static str, created: &'static str) -> Model {
    let older = of_4_6(id, name, line, created);
    Model {
        thinking: Thinking { enabled: false, omitted_by_default: true, ..older.thinking },
        efforts: &EFFORTS,
        sampling: Sampling::DefaultOnly,
        min_cacheable_tokens: 2048,
        ..older
    }
}

/// From Opus 4.8: messages of the role `system`.
const fn of_4_8(id: &'static str, name: &'static str, line: &'static str, created: &'static str) -> Model {
    Model { system_messages: true, min_cacheable_tokens: 1024, ..of_4_7(id, name, line, created) }
}

/// From 5: thinking unless told otherwise, as far as it can be told.
const fn of_5(
    id: &'static str,
    name: &'static str,
    line: &'static str,
    created: &'static str,
    disabled: Disabling,
) -> Model {
    let older = of_4_8(id, name, line, created);
    Model {
        thinking: Thinking { by_default: true, disabled, ..older.thinking },
        min_cacheable_tokens: 512,
        ..older
    }
}

/// From 5.1: a tool cannot be forced either, and thoughts belong to their place.
const fn of_5_1(id: &'static str, name: &'static str, line: &'static str, created: &'static str) -> Model {
    let older = of_5(id, name, line, created, Disabling::Never);
    Model { forced_tools: false, thinking: Thinking { binds_prefix: true, ..older.thinking }, ..older }
}

const fn of_haiku_5_5() -> Model {
    let model = of_5_1("claude-haiku-5-5", "Claude Haiku 5.5", "haiku", "2026-10-07");
    let thinking = Thinking { disabled: Disabling::UpToHighEffort, ..model.thinking };
    Model { thinking, forced_tools: true, ..model }
}

const fn of_sonnet_5_5() -> Model {
    let model = of_5_1("claude-sonnet-5-5", "Claude Sonnet 5.5", "sonnet", "2026-09-22");
    Model { thinking: Thinking { between_tools: true, ..model.thinking }, ..model }
}

/// The newest first. Where no source has the day of release, the day is a guess.
pub(super) const MODELS: &[Model] = &[
    of_5_1("claude-fable-5-2", "Claude Fable 5.2", "fable", "2026-11-09"),
    of_5_1("claude-mythos-5-2", "Claude Mythos 5.2", "mythos", "2026-11-09"),
    of_haiku_5_5(),
    of_5_1("claude-opus-5-5", "Claude Opus 5.5", "opus", "2026-09-22"),
    of_sonnet_5_5(),
    of_5_1("claude-fable-5-1", "Claude Fable 5.1", "fable", "2026-09-01"),
    of_5_1("claude-mythos-5-1", "Claude Mythos 5.1", "mythos", "2026-09-01"),
    of_5("claude-opus-5", "Claude Opus 5", "opus", "2026-07-24", Disabling::UpToHighEffort),
    Model {
        system_messages: false,
        min_cacheable_tokens: 1024,
        ..of_5("claude-sonnet-5", "Claude Sonnet 5", "sonnet", "2026-06-30", Disabling::Always)
    },
    of_5("claude-fable-5", "Claude Fable 5", "fable", "2026-06-09", Disabling::Never),
    of_5("claude-mythos-5", "Claude Mythos 5", "mythos", "2026-06-09", Disabling::Never),
    of_4_8("claude-opus-4-8", "Claude Opus 4.8", "opus", "2026-05-28"),
    of_4_7("claude-opus-4-7", "Claude Opus 4.7", "opus", "2026-04-16"),
    Model {
        min_cacheable_tokens: 1024,
        ..of_4_6("claude-sonnet-4-6", "Claude Sonnet 4.6", "sonnet", "2026-02-17")
    },
    of_4_6("claude-opus-4-6", "Claude Opus 4.6", "opus", "2026-02-05"),
    Model {
        efforts: &["low", "medium", "high"],
        ..of_4_5("claude-opus-4-5", "claude-opus-4-5-20251101", "Claude Opus 4.5", "opus", "2025-11-24")
    },
    of_4_5("claude-haiku-4-5", "claude-haiku-4-5-20251001", "Claude Haiku 4.5", "haiku", "2025-10-15"),
    Model {
        retirement: Some(("2026-09-29", "2026-11-30")),
        min_cacheable_tokens: 1024,
        ..of_4_5(
            "claude-sonnet-4-5",
            "claude-sonnet-4-5-20250929",
            "Claude Sonnet 4.5",
            "sonnet",
            "2025-09-29",
        )
    },
];

/// Models that are no more: id, name, line, days of release and of retirement. Inference does not find them.
pub(super) const RETIRED: &[(&str, &str, &str, &str, &str)] = &[
    ("claude-opus-4-1-20250805", "Claude Opus 4.1", "opus", "2025-08-05", "2026-08-05"),
    ("claude-opus-4-20250514", "Claude Opus 4", "opus", "2025-05-22", "2026-06-15"),
    ("claude-sonnet-4-20250514", "Claude Sonnet 4", "sonnet", "2025-05-22", "2026-06-15"),
    ("claude-3-7-sonnet-20250219", "Claude Sonnet 3.7", "sonnet", "2025-02-24", "2026-02-19"),
    ("claude-3-5-haiku-20241022", "Claude Haiku 3.5", "haiku", "2024-10-22", "2026-02-19"),
    ("claude-3-5-sonnet-20241022", "Claude Sonnet 3.5", "sonnet", "2024-10-22", "2025-10-28"),
    ("claude-3-5-sonnet-20240620", "Claude Sonnet 3.5 (old)", "sonnet", "2024-06-20", "2025-10-28"),
    ("claude-3-haiku-20240307", "Claude Haiku 3", "haiku", "2024-03-07", "2026-04-20"),
    ("claude-3-opus-20240229", "Claude Opus 3", "opus", "2024-02-29", "2026-01-05"),
];
