//! The tables as the page `docs/compatibility.md`.

use super::answer::{AnswerRow, EventRow};
use super::batches::{LineRow, ResultRow};
use super::errors::ErrorRow;
use super::request::{Outcome, RequestRow};
use super::resources::ResourceRow;
use super::responses_answer::ResponseRow;
use crate::routes::{ROUTES, Scope};

const HEAD: &str = "# Compatibility

What becomes of every parameter, message part, event and error.
This page is rendered from the tables of `portcullis-provider/src/compatibility`, and a test sends an example of every row about a translation through the translator: \
`cargo run -p portcullis-provider --example compatibility` writes it anew.

A client speaks one of two dialects.
Anthropic's (`/v1/messages` and its kin) passes byte for byte: see [Anthropic's API](#anthropics-api).
OpenAI's is translated, and each value is of one of these classes:

| class | meaning |
|---|---|
| MAP | translated, nothing lost |
| PASS | sent as it came |
| NOOP | accepted and not sent, because it means what is so anyway |
| IGN | accepted and not sent, since it has no equivalent and changes no correct client's result; reported |
| EMU | another mechanism stands in, or its place or form had to change; reported |
| 400 | refused before anything is sent; the error names the parameter |

What is reported stands in the answer's header `x-portcullis-warnings`, a token each, such as `ignored:seed`.
`on_unsupported: error` (of a provider, of a key, or of one request in the header `x-portcullis-on-unsupported`) makes a 400 of every IGN and EMU that loses something.
";

/// The whole page.
#[must_use]
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("\n# Chat Completions\n");
    requests(&mut page, "Parameters", super::CHAT_PARAMETERS);
    requests(&mut page, "Roles", super::ROLES);
    requests(&mut page, "Content parts", super::CONTENT_PARTS);
    requests(&mut page, "Assistant turns", super::ASSISTANT_TURNS);
    requests(&mut page, "Tools", super::TOOLS);
    requests(&mut page, "Choice of tools", super::TOOL_CHOICE);
    requests(&mut page, "JSON schemas of `response_format` and strict tools", super::SCHEMAS);
    requests(&mut page, "Anthropic's own parameters", super::CHAT_EXTENSIONS);
    answers(&mut page, super::CHAT_RESPONSE);
    events(&mut page, "Streams", super::CHAT_STREAM);
    page.push_str(
        "\nA stream that the upstream closes before `message_stop` ends with an error, never with `[DONE]`.\n",
    );
    page.push_str("\n# Responses\n");
    requests(&mut page, "Parameters and tools of a response", super::RESPONSES_PARAMETERS);
    requests(&mut page, "Items of an input", super::RESPONSES_ITEMS);
    responses(&mut page, super::RESPONSES_OUTPUT);
    events(&mut page, "Events of a response", super::RESPONSES_STREAM);
    page.push_str(
        "\n# Files, batches and models\n\nIn OpenAI's form; in Anthropic's they pass as they are.\n",
    );
    resources(&mut page, "Files", super::FILES);
    resources(&mut page, "Batches", super::BATCHES);
    batches(&mut page);
    resources(&mut page, "Models", super::MODELS);
    page.push_str("\n# Errors\n");
    errors(&mut page, super::ERRORS);
    routes(&mut page);
    page
}

fn heading(page: &mut String, title: &str, columns: &[&str]) {
    let rule: String = columns.iter().map(|_| "---|").collect();
    page.push_str(&format!("\n## {title}\n\n| {} |\n|{rule}\n", columns.join(" | ")));
}

fn line(page: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    page.push_str(&format!("| {} |\n", cells.join(" | ")));
}

fn requests(page: &mut String, title: &str, rows: &[RequestRow]) {
    heading(page, title, &["what is sent", "which", "class", "becomes"]);
    for row in rows {
        let said = match row.outcome {
            Outcome::Ignored(token) | Outcome::Emulated(token, _) => format!(" (`{token}`)"),
            Outcome::Refused(_, code) => format!(" (`{code}`)"),
            Outcome::Map(_) | Outcome::Header(_) | Outcome::Profile(_) | Outcome::Pass(_) | Outcome::Noop => {
                String::new()
            }
        };
        let becomes = format!("{}{said}", row.becomes);
        line(page, &[&code(row.field), row.when, row.outcome.class().as_str(), &becomes]);
    }
}

fn answers(page: &mut String, rows: &[AnswerRow]) {
    heading(page, "Answers", &["the upstream's", "when", "class", "the client's"]);
    for row in rows {
        line(page, &[&code(row.upstream), row.when, row.shown.as_str(), row.client]);
    }
    page.push_str(
        "\nEXT is a field that OpenAI's API does not define; `x-portkey-strict-open-ai-compliance: true` leaves it out.\n\
         ASK is one that only `x-portkey-strict-open-ai-compliance: false` brings.\n",
    );
}

fn events(page: &mut String, title: &str, rows: &[EventRow]) {
    heading(page, title, &["the upstream's event", "when", "the client gets"]);
    for row in rows {
        line(page, &[&code(row.event), row.when, row.emits]);
    }
}

fn responses(page: &mut String, rows: &[ResponseRow]) {
    heading(page, "Items and fields of a response", &["the upstream's", "when", "the client's"]);
    for row in rows {
        line(page, &[&code(row.upstream), row.when, row.client]);
    }
}

fn resources(page: &mut String, title: &str, rows: &[ResourceRow]) {
    heading(page, title, &["what", "which", "class", "becomes"]);
    for row in rows {
        let field = if row.field.contains('/') {
            format!("`{}`", row.field.replace(", ", "`, `"))
        } else {
            code(row.field)
        };
        line(page, &[&field, row.when, row.class.as_str(), row.becomes]);
    }
}

fn batches(page: &mut String) {
    heading(page, "Lines of a batch's input file", &["the line", "becomes"]);
    for LineRow { line: said, fails, .. } in super::BATCH_LINES {
        let becomes = fails.map_or_else(
            || "a request of the upstream's batch, under an id of the gateway's".to_owned(),
            |code| format!("the batch fails with `{code}`"),
        );
        line(page, &[said, &becomes]);
    }
    page.push_str("\nA request that cannot be translated fails alone: it becomes a line of the error file with status 400.\n");
    heading(page, "Results of a batch", &["the upstream's", "becomes"]);
    for ResultRow { result, becomes, .. } in super::BATCH_RESULTS {
        line(page, &[result, becomes]);
    }
}

fn errors(page: &mut String, rows: &[ErrorRow]) {
    heading(page, "Errors of the upstream", &["upstream", "which", "status", "`type`", "`code`", ""]);
    for row in rows {
        let (status, kind, code) = row.client;
        let code = code.map_or_else(|| "null".to_owned(), |code| format!("`{code}`"));
        let retry = if row.should_retry == Some(false) { "`x-should-retry: false`" } else { "" };
        let note =
            [row.note, retry].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
        line(
            page,
            &[&row.status.to_string(), row.when, &status.to_string(), &format!("`{kind}`"), &code, &note],
        );
    }
    page.push_str("\nWhat each refusal of AWS and Anthropic means stands in [troubleshooting.md](troubleshooting.md).\n");
}

/// A list of names as code; words as they are.
fn code(names: &str) -> String {
    let is_name = |name: &str| !name.is_empty() && !name.contains(' ') && !name.contains('`');
    let parts = names.split(", ");
    let parts = parts.map(|part| if is_name(part) { format!("`{part}`") } else { part.to_owned() });
    parts.collect::<Vec<_>>().join(", ")
}

fn routes(page: &mut String) {
    page.push_str(
        "\n# Anthropic's API\n\n\
         Requests go up as they came, but for the value of `model`; answers come down as they came, streams event for event.\n\
         A route that is not listed here is refused, never forwarded.\n",
    );
    heading(page, "Routes", &["method", "path", "feature", "IAM action", "authorised on"]);
    for route in ROUTES {
        let feature =
            route.feature.map_or_else(|| "none: refused".to_owned(), |feature| format!("`{feature}`"));
        let scope = match route.scope {
            Scope::Workspace => "workspace",
            Scope::Account => "account (`*`)",
        };
        line(page, &[route.method, &format!("`{}`", route.path), &feature, route.action.name(), scope]);
    }
}
