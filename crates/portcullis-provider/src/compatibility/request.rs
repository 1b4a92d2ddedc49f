//! A row about a request: what the client sends, what becomes of it, and an example that proves it.

/// How a value is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Translated, nothing lost.
    Map,
    /// Sent as it came.
    Pass,
    /// Accepted and not sent, because it means what is so anyway.
    Noop,
    /// Accepted and not sent; reported.
    Ignored,
    /// Another mechanism stands in, or it lost its place or its form; reported.
    Emulated,
    /// 400, before anything is sent; the error names the parameter.
    Refused,
}

impl Class {
    /// The word in the page's tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Map => "MAP",
            Self::Pass => "PASS",
            Self::Noop => "NOOP",
            Self::Ignored => "IGN",
            Self::Emulated => "EMU",
            Self::Refused => "400",
        }
    }
}

/// What the example of a row comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// This text is part of the body that is sent; nothing is reported.
    Map(&'static str),
    /// The header `anthropic-beta` that is sent has this value among its own; nothing is reported.
    Header(&'static str),
    /// This is the value of the header `anthropic-user-profile-id`; nothing is reported.
    Profile(&'static str),
    /// This text is part of both bodies; nothing is reported.
    Pass(&'static str),
    /// The body is what it is without the example's members; nothing is reported.
    Noop,
    /// The report holds this token.
    Ignored(&'static str),
    /// The report holds this token, and this text is part of the body.
    Emulated(&'static str, &'static str),
    /// The error's `param` and `code`.
    Refused(&'static str, &'static str),
}

impl Outcome {
    /// The class that shows in this outcome.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::Map(_) | Self::Header(_) | Self::Profile(_) => Class::Map,
            Self::Pass(_) => Class::Pass,
            Self::Noop => Class::Noop,
            Self::Ignored(_) => Class::Ignored,
            Self::Emulated(..) => Class::Emulated,
            Self::Refused(..) => Class::Refused,
        }
    }
}

/// One row of a table about requests.
#[derive(Clone, Copy, Debug)]
pub struct RequestRow {
    /// The parameter's or part's path: `temperature`.
    pub field: &'static str,
    /// Which values, and where it matters on which models.
    pub when: &'static str,
    /// What becomes of it.
    pub becomes: &'static str,
    /// The model of the example.
    pub model: &'static str,
    /// The provider's translation settings of the example, as JSON; empty for none.
    pub settings: &'static str,
    /// The example: members of the request, in JSON without the outer braces.
    pub given: &'static str,
    /// What the example comes to.
    pub outcome: Outcome,
}

/// A row that still lacks its example.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draft(RequestRow);

/// Begins a row. The example's model takes every effort and no sampling parameters, unless [`Draft::on`] names another.
pub(super) const fn row(field: &'static str, when: &'static str, becomes: &'static str) -> Draft {
    let (model, settings, given) = ("claude-opus-4-8", "", "");
    Draft(RequestRow { field, when, becomes, model, settings, given, outcome: Outcome::Noop })
}

impl Draft {
    /// The model of the example.
    pub(super) const fn on(mut self, model: &'static str) -> Self {
        self.0.model = model;
        self
    }

    /// The provider's settings of the example.
    pub(super) const fn set(mut self, settings: &'static str) -> Self {
        self.0.settings = settings;
        self
    }

    /// The example.
    pub(super) const fn given(mut self, members: &'static str) -> Self {
        self.0.given = members;
        self
    }

    pub(super) const fn map(self, piece: &'static str) -> RequestRow {
        self.ends(Outcome::Map(piece))
    }

    pub(super) const fn header(self, beta: &'static str) -> RequestRow {
        self.ends(Outcome::Header(beta))
    }

    pub(super) const fn profile(self, id: &'static str) -> RequestRow {
        self.ends(Outcome::Profile(id))
    }

    pub(super) const fn pass(self, piece: &'static str) -> RequestRow {
        self.ends(Outcome::Pass(piece))
    }

    pub(super) const fn noop(self) -> RequestRow {
        self.ends(Outcome::Noop)
    }

    pub(super) const fn ignored(self, token: &'static str) -> RequestRow {
        self.ends(Outcome::Ignored(token))
    }

    pub(super) const fn emulated(self, token: &'static str, piece: &'static str) -> RequestRow {
        self.ends(Outcome::Emulated(token, piece))
    }

    pub(super) const fn refused(self, param: &'static str, code: &'static str) -> RequestRow {
        self.ends(Outcome::Refused(param, code))
    }

    const fn ends(mut self, outcome: Outcome) -> RequestRow {
        self.0.outcome = outcome;
        self.0
    }
}
