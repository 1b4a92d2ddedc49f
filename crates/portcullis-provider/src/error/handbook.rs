//! `docs/troubleshooting.md`, rendered from the table of classes, so that the page and the gateway say the same.

use std::fmt::Write as _;

use super::class::{Class, Fault, access, network, requests, sessions, sts, verification};
use super::denial::Denial;

/// A part of the page.
struct Part {
    title: &'static str,
    intro: &'static str,
    classes: &'static [&'static Class],
}

const PARTS: &[Part] = &[
    Part {
        title: "Permissions, subscription and workspace",
        intro: "Claude Platform on AWS knows the gateway and refuses what it asks for.\nWhere it answers 401 or 403, \
                the client reads 502 with the code `upstream_permission_error`, since its own key is fine; other \
                statuses stay.",
        classes: access::ALL,
    },
    Part {
        title: "Signatures, sessions and keys",
        intro: "Claude Platform on AWS does not accept the gateway's credentials.\nThe client reads 502 with the code \
                `upstream_authentication_error`.",
        classes: sessions::ALL,
    },
    Part {
        title: "The role and STS",
        intro: "The gateway gets no session for the integration's role, so that nothing is sent to Claude.\nThe client \
                reads 502, or 503 where waiting helps, with the class as its code.",
        classes: sts::ALL,
    },
    Part {
        title: "What a verification finds",
        intro: "Only `portcullis verify` and the verifications by schedule find these, and no client reads them.\nWhat \
                else a step meets is one of the classes above.",
        classes: verification::ALL,
    },
    Part {
        title: "Limits and load",
        intro: "The status is the upstream's; overload is 503 for OpenAI's clients and 529 for Anthropic's.",
        classes: requests::LIMITS,
    },
    Part {
        title: "The way to the upstream",
        intro: "Nothing came back, or not all of it.\nThe client reads 502, or 504 where time ran out, with the class as \
                its code; once a stream has begun, the error is its last event.",
        classes: network::ALL,
    },
    Part {
        title: "Requests",
        intro: "The status is the upstream's, and so is the text.",
        classes: requests::REQUESTS,
    },
];

const HEAD: &str = "<!-- Written by `cargo run -p portcullis-provider --example troubleshooting`; change the table in \
crates/portcullis-provider/src/error/class, not this page. -->

# Troubleshooting

What AWS and Claude refuse, how it reads, whose fault it is, and what to do.
A refusal carries the same in its body, made of what the error names: for OpenAI's clients in `error.metadata`, for Anthropic's in `error.details.metadata`.

| field | what it holds |
|---|---|
| `cause` | the class below, a stable word |
| `fault` | `caller`: change the request; `operator`: change the gateway, the integration or the AWS account; `upstream`: wait |
| `fix` | what to do, with the policy statement to add or the command to run where one is known |
| `denied_action` | the IAM action that was refused |
| `raw` | the upstream's own sentence, where `message` is another one |
| `upstream_request_id` | Anthropic's id of the request |
| `aws_request_id` | AWS's id of the request, which CloudTrail knows |

An error that Anthropic's API itself words for a Messages client passes as it is; where it is the operator's to mend, `details.metadata` is added.
Keys, tokens and signatures that an upstream repeats are replaced by `[redacted]`.
";

/// The page.
#[must_use]
pub fn handbook() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("\n## By what you see\n\n| it says | look at |\n|---|---|\n");
    for class in PARTS.iter().flat_map(|part| part.classes) {
        for phrase in class.phrases {
            line(&mut page, format_args!("| {} | [{}](#{}) |", code(phrase), class.title, class.code));
        }
    }
    for part in PARTS {
        line(&mut page, format_args!("\n## {}\n\n{}", part.title, part.intro));
        for class in part.classes {
            section(&mut page, class);
        }
    }
    page
}

fn section(page: &mut String, class: &Class) {
    line(page, format_args!("\n<a id=\"{}\"></a>\n\n### {}\n", class.code, class.title));
    line(page, format_args!("Cause `{}`, {}.\n", class.code, whose(class.fault)));
    line(page, format_args!("{}\n", sentences(class.meaning)));
    let seen: Vec<String> = class
        .phrases
        .iter()
        .map(|phrase| code(phrase))
        .chain(class.signs.iter().map(|sign| (*sign).to_owned()))
        .collect();
    line(page, format_args!("You see: {}.", seen.join("; ").trim_end_matches('.')));
    if !class.fix.is_empty() {
        let fix = Denial::default().fill_marked(class.fix);
        line(page, format_args!("\nWhat to do: {}", sentences(&fix)));
    }
    if let Some(command) = class.command {
        line(page, format_args!("\n```sh\n{command}\n```"));
    }
}

fn whose(fault: Fault) -> &'static str {
    match fault {
        Fault::Caller => "the caller's to mend (`caller`)",
        Fault::Operator => "the operator's to mend (`operator`)",
        Fault::Upstream => "the upstream's (`upstream`)",
    }
}

/// Code in Markdown, which may itself hold backticks.
fn code(text: &str) -> String {
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

/// One sentence a line.
fn sentences(text: &str) -> String {
    text.replace(". ", ".\n")
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(page, "{text}").expect("a string takes everything");
}
