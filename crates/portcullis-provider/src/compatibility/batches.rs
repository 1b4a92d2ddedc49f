//! Batches in OpenAI's form: what becomes of the lines.

/// One row of the table about the lines of an input file.
#[derive(Clone, Copy, Debug)]
pub struct LineRow {
    /// What the line says.
    pub line: &'static str,
    /// The example.
    pub given: &'static str,
    /// The code that the batch fails with; none if the line is taken.
    pub fails: Option<&'static str>,
}

const fn taken(line: &'static str, given: &'static str) -> LineRow {
    LineRow { line, given, fails: None }
}

const fn fails(line: &'static str, given: &'static str, code: &'static str) -> LineRow {
    LineRow { line, given, fails: Some(code) }
}

/// Lines of a batch for `/v1/chat/completions`.
pub const BATCH_LINES: &[LineRow] = &[
    taken(
        "`custom_id`, `method: POST`, the batch's own `url`, `body`",
        r#"{"custom_id":"a b","method":"POST","url":"/v1/chat/completions","body":{}}"#,
    ),
    fails("no JSON object", "[1]", "invalid_json_line"),
    fails(
        "without `custom_id`, `method`, `url` or `body`",
        r#"{"method":"POST","url":"/v1/chat/completions","body":{}}"#,
        "missing_required_parameter",
    ),
    fails(
        "`method` other than `POST`",
        r#"{"custom_id":"a","method":"GET","url":"/v1/chat/completions","body":{}}"#,
        "invalid_method",
    ),
    fails(
        "`url` of another endpoint",
        r#"{"custom_id":"a","method":"POST","url":"/v1/responses","body":{}}"#,
        "url_mismatch",
    ),
];

/// One row of the table about what comes of a line.
#[derive(Clone, Copy, Debug)]
pub struct ResultRow {
    /// The upstream's result.
    pub result: &'static str,
    /// What the client's file says.
    pub becomes: &'static str,
    /// The example: a line of the upstream's results.
    pub given: &'static str,
    /// This text is part of the client's line.
    pub holds: &'static str,
}

/// Results of a batch.
pub const BATCH_RESULTS: &[ResultRow] = &[
    ResultRow {
        result: "`succeeded`",
        becomes: "a line of the output file, its body as outside of batches",
        given: r#"{"custom_id":"r0-x","result":{"type":"succeeded","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-4-8","content":[{"type":"text","text":"a"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":5}}}}"#,
        holds: r#""status_code":200,"request_id":"msg_1""#,
    },
    ResultRow {
        result: "`errored`",
        becomes: "a line of the error file, with the status of the same refusal outside of batches",
        given: r#"{"custom_id":"r0-x","result":{"type":"errored","error":{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: too large"}}}}"#,
        holds: r#""status_code":400"#,
    },
    ResultRow {
        result: "`expired`",
        becomes: "a line of the error file without a response: `batch_expired`",
        given: r#"{"custom_id":"r0-x","result":{"type":"expired"}}"#,
        holds: r#""response":null,"error":{"code":"batch_expired""#,
    },
    ResultRow {
        result: "`canceled`",
        becomes: "a line of the error file without a response: `batch_cancelled`",
        given: r#"{"custom_id":"r0-x","result":{"type":"canceled"}}"#,
        holds: r#""response":null,"error":{"code":"batch_cancelled""#,
    },
];
