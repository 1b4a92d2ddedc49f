//! Policy variables: `${aws:PrincipalTag/team}` stands for what the request's context says.

use std::borrow::Cow;

/// `text` with its variables put in. `None` if the context lacks one, or has several values for it: then it matches
/// nothing.
pub(super) fn with_variables(text: &str, context: &[(&str, &str)]) -> Option<String> {
    let mut done = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}')?;
        done.push_str(before);
        done.push_str(&value(name, context)?);
        rest = after;
    }
    done.push_str(rest);
    Some(done)
}

fn value<'a>(name: &str, context: &[(&'a str, &'a str)]) -> Option<Cow<'a, str>> {
    // The three marks that would else have a meaning of their own.
    if let "*" | "?" | "$" = name {
        return Some(Cow::Owned(name.to_owned()));
    }
    let mut values = context.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
    match (values.next(), values.next()) {
        (Some((_, value)), None) => Some(Cow::Borrowed(value)),
        _ => None,
    }
}
