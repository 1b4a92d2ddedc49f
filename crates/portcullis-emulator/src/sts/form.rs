//! The query protocol's body: `name=value` pairs, lists as `Name.member.1`.

/// The parameters of a call. Of a repeated name the first counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn parse(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        });
        Self(pairs.collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(candidate, _)| candidate == name).map(|(_, value)| value.as_str())
    }

    /// The members of a list of plain values.
    pub(super) fn list(&self, name: &str) -> Vec<&str> {
        (1..=self.members(name)).filter_map(|index| self.get(&format!("{name}.member.{index}"))).collect()
    }

    /// How many members the list `name` has.
    pub(super) fn members(&self, name: &str) -> usize {
        let prefix = format!("{name}.member.");
        (1..)
            .take_while(|index| {
                let exact = format!("{prefix}{index}");
                let inside = format!("{exact}.");
                self.0.iter().any(|(candidate, _)| *candidate == exact || candidate.starts_with(&inside))
            })
            .count()
    }
}

fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}
