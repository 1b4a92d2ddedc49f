//! Content blocks on their way out. They borrow the body's text; nothing is copied before it is written.

use std::borrow::Cow;

use crate::json::write::{Str, Writer};

/// A content block of a Messages request.
#[derive(Debug)]
pub(crate) struct Block<'a> {
    pub(crate) body: Body<'a>,
    pub(crate) cache: Option<Cache<'a>>,
}

/// What a block holds.
#[derive(Debug)]
pub(crate) enum Body<'a> {
    Text(Str<'a>),
    Image(Source<'a>),
    Document {
        source: Source<'a>,
        title: Option<Str<'a>>,
    },
    /// A file for the container in which code runs, by the upstream's id.
    ContainerUpload(Cow<'a, str>),
    Thinking {
        thinking: Str<'a>,
        signature: Str<'a>,
    },
    RedactedThinking {
        data: Str<'a>,
    },
    ToolUse(ToolUse<'a>),
    ToolResult {
        id: Cow<'a, str>,
        content: Vec<Block<'a>>,
        is_error: Option<bool>,
    },
    Native(Native<'a>),
}

/// Where an image or a document comes from.
#[derive(Debug)]
pub(crate) enum Source<'a> {
    Base64 {
        media_type: &'static str,
        data: Str<'a>,
    },
    PlainText(Str<'a>),
    Url(Str<'a>),
    /// A file that lies at the upstream, by the upstream's id.
    File(Cow<'a, str>),
}

/// A tool call.
#[derive(Debug)]
pub(crate) struct ToolUse<'a> {
    pub(crate) id: Cow<'a, str>,
    pub(crate) name: Str<'a>,
    pub(crate) input: Input<'a>,
    /// `caller` and `toolset_name`, as they came.
    pub(crate) extra: Vec<(&'static str, &'a str)>,
}

/// A tool call's input.
#[derive(Debug)]
pub(crate) enum Input<'a> {
    /// A JSON object, as it was written.
    Object(Cow<'a, str>),
    /// A text under this key.
    Wrapped(&'static str, Str<'a>),
}

/// A block in Anthropic's own form, as it was written.
#[derive(Debug)]
pub(crate) struct Native<'a> {
    pub(crate) raw: Cow<'a, str>,
    pub(crate) has_cache: bool,
    pub(crate) part: NativePart<'a>,
}

/// What a native block means for those around it.
#[derive(Debug, PartialEq)]
pub(crate) enum NativePart<'a> {
    Text(Str<'a>),
    Thinking,
    ToolUse {
        id: Cow<'a, str>,
        name: Cow<'a, str>,
    },
    /// A call the upstream makes itself.
    ServerCall(Cow<'a, str>),
    /// What came of it.
    ServerResult(Cow<'a, str>),
    Other,
}

/// A cache mark.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cache<'a> {
    /// `cache_control` as the client wrote it.
    Native(&'a str),
    /// An OpenAI breakpoint.
    Breakpoint { one_hour: bool },
}

impl<'a> Block<'a> {
    pub(crate) fn new(body: Body<'a>) -> Self {
        Self { body, cache: None }
    }

    pub(crate) fn text(text: impl Into<Str<'a>>) -> Self {
        Self::new(Body::Text(text.into()))
    }

    /// Whether a cache mark may stand on it: never on thinking, once on anything else.
    pub(crate) fn takes_cache(&self) -> bool {
        match &self.body {
            Body::Thinking { .. } | Body::RedactedThinking { .. } => false,
            Body::Native(native) => {
                self.cache.is_none() && !native.has_cache && native.part != NativePart::Thinking
            }
            _ => self.cache.is_none(),
        }
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        if let Body::Native(native) = &self.body {
            return match self.cache {
                Some(cache) => writer.raw_object_and(&native.raw, |w| cache.write_member(w)),
                None => writer.raw(&native.raw),
            };
        }
        writer.object(|w| {
            self.body.write_members(w);
            if let Some(cache) = self.cache {
                cache.write_member(w);
            }
        });
    }
}

impl Body<'_> {
    fn write_members(&self, w: &mut Writer) {
        match self {
            Self::Text(text) => {
                w.key("type").plain("text");
                w.key("text").string(text);
            }
            Self::Image(source) => {
                w.key("type").plain("image");
                source.write(w);
            }
            Self::Document { source, title } => {
                w.key("type").plain("document");
                source.write(w);
                if let Some(title) = title {
                    w.key("title").string(title);
                }
            }
            Self::ContainerUpload(file_id) => {
                w.key("type").plain("container_upload");
                w.key("file_id").plain(file_id);
            }
            Self::Thinking { thinking, signature } => {
                w.key("type").plain("thinking");
                w.key("thinking").string(thinking);
                w.key("signature").string(signature);
            }
            Self::RedactedThinking { data } => {
                w.key("type").plain("redacted_thinking");
                w.key("data").string(data);
            }
            Self::ToolUse(tool_use) => tool_use.write_members(w),
            Self::ToolResult { id, content, is_error } => {
                w.key("type").plain("tool_result");
                w.key("tool_use_id").plain(id);
                if !content.is_empty() {
                    w.key("content").array(|w| content.iter().for_each(|block| block.write(w)));
                }
                if let Some(is_error) = is_error {
                    w.key("is_error").boolean(*is_error);
                }
            }
            // Written whole, by the caller.
            Self::Native(_) => {}
        }
    }
}

impl Source<'_> {
    fn write(&self, w: &mut Writer) {
        w.key("source").object(|w| match self {
            Self::Base64 { media_type, data } => {
                w.key("type").plain("base64");
                w.key("media_type").plain(media_type);
                w.key("data").string(data);
            }
            Self::PlainText(text) => {
                w.key("type").plain("text");
                w.key("media_type").plain("text/plain");
                w.key("data").string(text);
            }
            Self::Url(url) => {
                w.key("type").plain("url");
                w.key("url").string(url);
            }
            Self::File(file_id) => {
                w.key("type").plain("file");
                w.key("file_id").plain(file_id);
            }
        });
    }
}

impl ToolUse<'_> {
    fn write_members(&self, w: &mut Writer) {
        w.key("type").plain("tool_use");
        w.key("id").plain(&self.id);
        w.key("name").string(&self.name);
        match &self.input {
            Input::Object(raw) => w.key("input").raw(raw),
            Input::Wrapped(key, text) => w.key("input").object(|w| w.key(key).string(text)),
        }
        for (key, raw) in &self.extra {
            w.key(key).raw(raw);
        }
    }
}

impl Cache<'_> {
    /// Writes it as the value of the key that is written already.
    pub(crate) fn write(self, w: &mut Writer) {
        match self {
            Self::Native(raw) => w.raw(raw),
            Self::Breakpoint { one_hour } => w.object(|w| {
                w.key("type").plain("ephemeral");
                if one_hour {
                    w.key("ttl").plain("1h");
                }
            }),
        }
    }

    pub(crate) fn write_member(self, w: &mut Writer) {
        self.write(w.key("cache_control"));
    }
}
