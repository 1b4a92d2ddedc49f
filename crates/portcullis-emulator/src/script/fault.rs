//! Everything that can go wrong upstream, on command.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};

use super::compose::Message;
use super::events::{bytes, event, events};
use super::refusal::Refusal;
use crate::answer::{Answer, Piece};

/// Events sent before a stream breaks.
const EVENTS_BEFORE_THE_BREAK: usize = 4;
/// Bytes of the head sent before a reset.
const HEAD_BYTES_BEFORE_THE_RESET: usize = 30;

/// A scripted fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Refused { refusal: Refusal, retry_after: Option<u64> },
    HtmlBadGateway,
    ErrorFirst,
    ErrorMidStream,
    ResetMidHeaders,
    ResetMidStream,
    CutMidStream,
    EndWithoutStop,
    Stall,
    StallMidStream,
    Slow { ms: u64 },
    Garbage,
    TruncatedJson,
}

impl Fault {
    pub(super) fn parse(name: &str, argument: Option<u64>) -> Option<Self> {
        if let Some(refusal) = Refusal::named(name) {
            let retry_after = (name == "429").then(|| argument.unwrap_or(1));
            return Some(Self::Refused { refusal, retry_after });
        }
        match name {
            "html_502" => Some(Self::HtmlBadGateway),
            "error_first" => Some(Self::ErrorFirst),
            "error_mid_stream" => Some(Self::ErrorMidStream),
            "reset_mid_headers" => Some(Self::ResetMidHeaders),
            "reset_mid_stream" => Some(Self::ResetMidStream),
            "cut_mid_stream" => Some(Self::CutMidStream),
            "end_without_stop" => Some(Self::EndWithoutStop),
            "stall" => Some(Self::Stall),
            "stall_mid_stream" => Some(Self::StallMidStream),
            "slow" => Some(Self::Slow { ms: argument.unwrap_or(50) }),
            "garbage" => Some(Self::Garbage),
            "truncated_json" => Some(Self::TruncatedJson),
            _ => None,
        }
    }

    /// What becomes of a line of a batch: its error, or nothing, where only a connection would suffer.
    pub(super) fn batch_error(self) -> Option<Value> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal.error()),
            Self::ErrorFirst | Self::ErrorMidStream => {
                Some(json!({"type": "overloaded_error", "message": "Overloaded"}))
            }
            Self::HtmlBadGateway | Self::Garbage | Self::TruncatedJson => {
                Some(json!({"type": "api_error", "message": "Internal server error"}))
            }
            _ => None,
        }
    }

    pub(super) fn apply(self, message: &Message, streams: bool, request_id: &str) -> Answer {
        let script = if streams { Script::stream(message) } else { Script::whole(message) };
        match self {
            Self::Refused { refusal, retry_after } => {
                let answer = refusal.into_answer(request_id);
                match retry_after {
                    Some(seconds) => answer.with_header("retry-after", &seconds.to_string()),
                    None => answer,
                }
            }
            Self::HtmlBadGateway => {
                Answer::whole(502, "text/html", "<html><body><h1>502 Bad Gateway</h1></body></html>")
            }
            Self::ErrorFirst | Self::ErrorMidStream if !streams => {
                let overloaded = Refusal::named("529").expect("the table has the name");
                overloaded.into_answer(request_id)
            }
            Self::ErrorFirst => Answer::events(VecDeque::from([overloaded(request_id)])),
            Self::ErrorMidStream => script.broken_by([overloaded(request_id)]),
            Self::ResetMidHeaders => {
                Answer { reset_after: Some(HEAD_BYTES_BEFORE_THE_RESET), ..script.healthy() }
            }
            Self::ResetMidStream => script.broken_by([Piece::Reset]),
            Self::CutMidStream => script.broken_by([Piece::Cut]),
            Self::EndWithoutStop => script.without_its_last(),
            Self::Stall => Answer { silent: true, ..script.healthy() },
            Self::StallMidStream => script.broken_by([Piece::Stall]),
            Self::Slow { ms } => script.slowly(Duration::from_millis(ms)),
            Self::Garbage => script.replaced_by("event: message_start\ndata: \u{1}not json at all\n\n"),
            Self::TruncatedJson => script.truncated(),
        }
    }
}

fn overloaded(request_id: &str) -> Piece {
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": request_id});
    Piece::Bytes(event(&error).into())
}

/// The healthy answer, to be damaged.
struct Script {
    parts: Vec<String>,
    streams: bool,
}

impl Script {
    fn stream(message: &Message) -> Self {
        Self { parts: events(message), streams: true }
    }

    /// The body in two halves, so that it has a middle.
    fn whole(message: &Message) -> Self {
        let body = message.to_json().to_string();
        let middle =
            body.char_indices().map(|(index, _)| index).find(|index| *index >= body.len() / 2).unwrap_or(0);
        let (first, second) = body.split_at(middle);
        Self { parts: vec![first.to_owned(), second.to_owned()], streams: false }
    }

    fn healthy(&self) -> Answer {
        self.answer(bytes(&self.parts))
    }

    fn answer(&self, pieces: VecDeque<Piece>) -> Answer {
        if self.streams {
            return Answer::events(pieces);
        }
        let length = self.parts.iter().map(|part| u64::try_from(part.len()).unwrap_or(u64::MAX)).sum();
        Answer { pieces, length: Some(length), ..Answer::whole(200, "application/json", "") }
    }

    fn broken_by(&self, end: impl IntoIterator<Item = Piece>) -> Answer {
        let kept = if self.streams { EVENTS_BEFORE_THE_BREAK.min(self.parts.len()) } else { 1 };
        let mut script = bytes(&self.parts[..kept]);
        script.extend(end);
        self.answer(script)
    }

    fn without_its_last(&self) -> Answer {
        let kept = &self.parts[..self.parts.len().saturating_sub(1)];
        if self.streams {
            self.answer(bytes(kept))
        } else {
            Answer::whole(200, "application/json", kept.concat())
        }
    }

    fn slowly(&self, pause: Duration) -> Answer {
        let parts = bytes(&self.parts).into_iter().flat_map(|piece| [Piece::Pause(pause), piece]);
        self.answer(parts.collect())
    }

    fn replaced_by(&self, garbage: &'static str) -> Answer {
        if self.streams {
            Answer::events(VecDeque::from([Piece::Bytes(garbage.into())]))
        } else {
            Answer::whole(200, "application/json", "\u{1}not json at all")
        }
    }

    /// Half the JSON of the body, or of one event in the middle of an otherwise whole stream.
    fn truncated(&self) -> Answer {
        if !self.streams {
            return self.without_its_last();
        }
        let mut parts = self.parts.clone();
        if let Some(part) = parts.get_mut(EVENTS_BEFORE_THE_BREAK - 1) {
            let half: String = part.trim_end().chars().take(part.chars().count() * 2 / 3).collect();
            *part = format!("{half}\n\n");
        }
        self.answer(bytes(&parts))
    }
}
